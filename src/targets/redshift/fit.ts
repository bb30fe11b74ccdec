/**
 * Values that Redshift, or its COPY, has no place for, and what is nearest to them.
 *
 * They are found before they are sent: COPY would stop at the first one, and says of a text that is too
 * long nothing but that. Dates before Christ and of more than four digits Redshift could hold, but
 * whether its COPY reads them nobody of ours has seen, so they count as unfit.
 */

import { MAX_VARBYTE } from './types.ts'

/** What becomes of a value that does not fit; `clamp` is NULL where there is nothing near. */
export type Unfit = 'error' | 'null' | 'clamp'

/** The bytes of a text that stand for a value of the type, or say that there is no such value. */
export interface Fit {
  isFit(bytes: Buffer, start: number, end: number): boolean
  /** `null`: there is none. */
  nearest(text: string): string | null
}

const [LETTER_N, LETTER_I, LETTER_C, MINUS] = [0x4e, 0x49, 0x43, 0x2d]
const SMALL_I = 0x69

/** NUMERIC has no NaN and no infinity. */
export const DECIMAL: Fit = {
  isFit: (bytes, start) => isNumber(bytes, start),
  nearest: () => null,
}

function isNumber(bytes: Buffer, start: number): boolean {
  const first = bytes[start] === MINUS ? bytes[start + 1] : bytes[start]
  return first !== LETTER_N && first !== LETTER_I
}

export function floating(largest: string): Fit {
  return {
    isFit: (bytes, start) => isNumber(bytes, start),
    nearest: (text) => {
      if (text === 'Infinity') return largest
      return text === '-Infinity' ? `-${largest}` : null
    },
  }
}

/** `2026-01-31`, and what stands behind the day: of four digits, and not before Christ. */
export function dated(first: string, last: string): Fit {
  return {
    isFit: (bytes, start, end) =>
      bytes[start + 4] === MINUS && bytes[end - 1] !== LETTER_C && bytes[start] !== SMALL_I,
    nearest: (text) => (text.startsWith('-') || text.endsWith('BC') ? first : last),
  }
}

export const TIME: Fit = {
  isFit: (bytes, start) => !(bytes[start] === 0x32 && bytes[start + 1] === 0x34),
  nearest: () => '23:59:59.999999',
}

export function atMost(most: number): Fit {
  return {
    isFit: (_, start, end) => end - start <= most,
    nearest: (value) => wholeCharacters(value, most),
  }
}

function wholeCharacters(value: string, maxBytes: number): string {
  const bytes = Buffer.from(value)
  let end = Math.min(maxBytes, bytes.length)
  while (end > 0 && end < bytes.length && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end)
}

/** Hex, without the mark before it. */
export const HEX: Fit = {
  isFit: (_, start, end) => end - start <= 2 * MAX_VARBYTE,
  nearest: (value) => value.slice(0, 2 * MAX_VARBYTE),
}

const MAX_SUPER = 16_000_000
const MAX_STRING = 65_535
const [QUOTE, BACKSLASH, LETTER_U, ZERO] = [0x22, 0x5c, 0x75, 0x30]

/** JSON of a SUPER: its strings are limited, and a string with U+0000 is refused. */
export const JSON_TEXT: Fit = {
  isFit: (bytes, start, end) => {
    if (end - start > MAX_SUPER) return false
    if (end - start <= MAX_STRING && !bytes.subarray(start, end).includes('\\u0000')) return true
    return hasGoodStrings(bytes, start, end)
  },
  nearest: () => null,
}

function hasGoodStrings(bytes: Buffer, start: number, end: number): boolean {
  let from = -1
  for (let at = start; at < end; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      if (from >= 0 && at - from > MAX_STRING) return false
      from = from < 0 ? at + 1 : -1
    } else if (byte === BACKSLASH && from >= 0) {
      if (isNul(bytes, at + 1)) return false
      at++
    }
  }
  return true
}

function isNul(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== LETTER_U) return false
  return [1, 2, 3, 4].every((i) => bytes[at + i] === ZERO)
}
