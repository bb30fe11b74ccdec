/**
 * Durations, sizes and counts, as people write them in a configuration.
 *
 *   duration   100ms  5s  1m  12h  400d     milliseconds
 *   bytes      512B  64KiB  64MiB  50GiB    bytes
 *   count      100000  100_000              a whole number
 *
 * A bare number is no duration and no size: the reader of a configuration should not have to know
 * in which unit a program counts. Sizes are powers of two and say so (`MiB`).
 */

import { z } from 'zod'

const MS_PER: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

const BYTES_PER: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
}

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/
const BYTES = /^(\d+(?:\.\d+)?) ?(B|KiB|MiB|GiB|TiB)$/
const COUNT = /^\d+(?:_\d+)*$/

/** Milliseconds, or `null` if the text is not a duration. */
export function parseDuration(text: string): number | null {
  return parseWith(text, DURATION, MS_PER)
}

/** Bytes, or `null` if the text is not a size. */
export function parseBytes(text: string): number | null {
  return parseWith(text, BYTES, BYTES_PER)
}

function parseWith(
  text: string,
  pattern: RegExp,
  units: Readonly<Record<string, number>>,
): number | null {
  const [, amount, suffix = ''] = pattern.exec(text) ?? []
  const factor = units[suffix]
  if (amount === undefined || factor === undefined) return null
  const value = Math.round(Number(amount) * factor)
  return Number.isSafeInteger(value) ? value : null
}

export function duration(minMs = 1) {
  return unit(parseDuration, { what: 'a duration such as 100ms, 5s, 1m or 12h', min: minMs })
}

export function bytes() {
  return unit(parseBytes, { what: 'a size such as 512KiB, 64MiB or 50GiB', min: 1 })
}

function unit(
  parse: (text: string) => number | null,
  { what, min }: { readonly what: string; readonly min: number },
) {
  const expected = `expected ${what}`
  return z
    .string({ error: ({ input }) => complaint(expected, input) })
    .transform((text, context) => {
      const value = parse(text)
      if (value !== null && value >= min) return value
      const message = value === null ? `${expected}, found "${text}"` : `"${text}" is too small`
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    })
}

function complaint(expected: string, input: unknown): string {
  return typeof input === 'number' ? `${expected}: the number needs a unit` : expected
}

/** YAML 1.2 reads `100_000` as text, so we take the underscores out ourselves. */
export function count({ min, max }: { readonly min: number; readonly max?: number }) {
  const number = z.int().min(min)
  return z.preprocess(
    (value) =>
      typeof value === 'string' && COUNT.test(value) ? Number(value.replaceAll('_', '')) : value,
    max === undefined ? number : number.max(max),
  )
}
