/** Values of all kinds of types as PostgreSQL writes them, for property tests of Parquet. */

import fc from 'fast-check'

import type { ColumnType } from '../../src/core/type.ts'
import { formatDate, formatTime, formatTimestamp } from '../../src/lake/codecs/calendar.ts'
import { formatFloat4, formatFloat8 } from '../../src/lake/codecs/float-text.ts'
import { arrayOf, numeric, typeOf } from './column-types.ts'

export interface TypedValues {
  readonly type: ColumnType
  /** The texts of its values. */
  readonly text: fc.Arbitrary<string>
}

const text = fc.string({ unit: 'binary', maxLength: 40 }).map((one) => one.replaceAll('\0', ''))
const hex = (length: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((all) => Buffer.from(all).toString('hex'))
const instant = fc.record({
  seconds: fc.integer({ min: -210_866_803_200, max: 9_223_372_036_853 }),
  micros: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999 })),
})

function decimal(precision: number, scale: number): TypedValues {
  const limit = 10n ** BigInt(precision) - 1n
  const value = fc.oneof(fc.bigInt(-limit, limit), fc.bigInt(-1000n, 1000n))
  const written = (unscaled: bigint): string => {
    if (scale === 0) return String(unscaled)
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
    return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  }
  const fits = (unscaled: bigint): boolean => unscaled <= limit && unscaled >= -limit
  return { type: numeric(precision, scale), text: value.filter(fits).map(written) }
}

const SCALARS: readonly TypedValues[] = [
  { type: typeOf('bool'), text: fc.constantFrom('t', 'f') },
  { type: typeOf('int2'), text: fc.integer({ min: -32_768, max: 32_767 }).map(String) },
  { type: typeOf('int4'), text: fc.integer().map(String) },
  { type: typeOf('int8'), text: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String) },
  { type: typeOf('oid'), text: fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(String) },
  { type: typeOf('float4'), text: fc.float().map(formatFloat4) },
  { type: typeOf('float8'), text: fc.double().map(formatFloat8) },
  decimal(5, 2),
  decimal(9, 9),
  decimal(15, 0),
  decimal(18, 4),
  decimal(38, 20),
  { type: typeOf('numeric'), text: fc.constantFrom('1.50', 'NaN', `1${'0'.repeat(60)}`) },
  { type: typeOf('text'), text },
  { type: typeOf('mood'), text },
  { type: typeOf('jsonb'), text: fc.json() },
  {
    type: typeOf('bytea'),
    text: fc
      .nat(20)
      .chain(hex)
      .map((digits) => `\\x${digits}`),
  },
  {
    type: typeOf('uuid'),
    text: hex(16).map((digits) => digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')),
  },
  {
    type: typeOf('date'),
    text: fc.integer({ min: -2_440_588, max: 2_145_042_905 }).map(formatDate),
  },
  { type: typeOf('time'), text: fc.integer({ min: 0, max: 86_400_000_000 }).map(formatTime) },
  { type: typeOf('timestamp'), text: instant.map((one) => formatTimestamp(one, false)) },
  { type: typeOf('timestamptz'), text: instant.map((one) => formatTimestamp(one, true)) },
  { type: typeOf('interval'), text: fc.constantFrom('1 day 02:03:04', '00:00:00') },
]

/** As `array_out` writes it, of one dimension. */
function arrayText(elements: readonly (string | null)[]): string {
  const quoted = elements.map((one) => {
    if (one === null) return 'NULL'
    const isPlain = one !== '' && !/["\\{},\t\n\v\f\r ]/.test(one) && one.toLowerCase() !== 'null'
    return isPlain ? one : `"${one.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  })
  return `{${quoted.join(',')}}`
}

const ARRAYS: readonly TypedValues[] = SCALARS.map(({ type, text: one }) => {
  const elements = fc.array(fc.option(one), { maxLength: 5 })
  return { type: arrayOf(type), text: elements.map(arrayText) }
})

export const TYPED_VALUES: readonly TypedValues[] = [...SCALARS, ...ARRAYS]
