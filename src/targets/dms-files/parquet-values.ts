/**
 * What the types of PostgreSQL are in Parquet files of DMS, and how a text becomes such a value.
 *
 * As the guide has it: BOOLEAN is a text, DATETIME is UTC, NUMERIC a decimal of 16 bytes. Where that
 * would round a value, the column is wider: a numeric without a scale is a text, a time has
 * microseconds. What a column cannot hold has no value here.
 */

import type { SchemaElement } from 'hyparquet'

import { logicalType, type ColumnType, type LogicalType } from '../../core/type.ts'
import { valueTextOf } from './value-text.ts'

type Value = string | number | bigint | Uint8Array

export interface ParquetColumn {
  readonly element: Omit<SchemaElement, 'name'>
  /** `null`: it does not fit. */
  readonly value: (bytes: Buffer, start: number, end: number) => Value | null
}

type Make = (type: LogicalType, isMillis: boolean, own: ColumnType) => ParquetColumn

export function parquetColumn(type: ColumnType, isMillis: boolean): ParquetColumn {
  const logical = logicalType(type)
  return (MAKERS.get(logical.kind) ?? text)(logical, isMillis, type)
}

export const TEXT_ELEMENT = {
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  logical_type: { type: 'STRING' },
  repetition_type: 'OPTIONAL',
} as const

const text: Make = (_logical, _isMillis, own) => {
  const form = valueTextOf(own)
  return {
    element: TEXT_ELEMENT,
    value: (bytes, start, end) =>
      form === null ? bytes.toString('utf8', start, end) : form(bytes, start, end).toString(),
  }
}

/** A column whose values are made from a short text. */
function column(
  element: Omit<SchemaElement, 'name' | 'repetition_type'>,
  parse: (text: string) => Value | null,
): ParquetColumn {
  return {
    element: { ...element, repetition_type: 'OPTIONAL' },
    value: (bytes, start, end) => parse(bytes.toString('latin1', start, end)),
  }
}

const MAKERS: ReadonlyMap<LogicalType['kind'], Make> = new Map<LogicalType['kind'], Make>([
  ['int2', () => column({ type: 'INT32', converted_type: 'INT_16' }, Number)],
  ['int4', () => column({ type: 'INT32' }, Number)],
  ['int8', () => column({ type: 'INT64' }, BigInt)],
  ['oid', () => column({ type: 'INT64' }, BigInt)],
  ['float4', () => column({ type: 'FLOAT' }, Number)],
  ['float8', () => column({ type: 'DOUBLE' }, Number)],
  ['numeric', decimal],
  [
    'bytea',
    () => {
      const element = { type: 'BYTE_ARRAY' } as const
      return column(element, (given) => Buffer.from(given.replace(/^\\x/, ''), 'hex'))
    },
  ],
  [
    'date',
    () => {
      const element = {
        type: 'INT32',
        converted_type: 'DATE',
        logical_type: { type: 'DATE' },
      } as const
      return column(element, (given) => days(given))
    },
  ],
  [
    'time',
    () => {
      const logical = { type: 'TIME', isAdjustedToUTC: false, unit: 'MICROS' } as const
      const element = {
        type: 'INT64',
        converted_type: 'TIME_MICROS',
        logical_type: logical,
      } as const
      return column(element, (given) => timeOfDay(given))
    },
  ],
  ['timestamp', moment],
  ['timestamptz', moment],
])

function moment(_logical: LogicalType, isMillis: boolean): ParquetColumn {
  const unit = isMillis ? 'MILLIS' : 'MICROS'
  const element = {
    type: 'INT64',
    converted_type: `TIMESTAMP_${unit}`,
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit },
  } as const
  return column(element, (given) => {
    const micros = microsOfMoment(given)
    return micros !== null && isMillis ? floorDivided(micros, 1000n) : micros
  })
}

const MAX_PRECISION = 38

function decimal(logical: LogicalType, isMillis: boolean, own: ColumnType): ParquetColumn {
  const { precision, scale } =
    logical.kind === 'numeric' ? logical : { precision: null, scale: null }
  const isExact = precision !== null && scale !== null && scale >= 0 && scale <= precision
  if (!isExact || precision > MAX_PRECISION) return text(logical, isMillis, own)
  const element = {
    type: 'FIXED_LEN_BYTE_ARRAY',
    type_length: 16,
    converted_type: 'DECIMAL',
    precision,
    scale,
    logical_type: { type: 'DECIMAL', precision, scale },
  } as const
  return column(element, (given) => {
    const [, sign = '', whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(given) ?? []
    return whole === undefined ? null : BigInt(sign + whole + fraction.padEnd(scale, '0'))
  })
}

const DATE = /^(\d{4,})-(\d\d)-(\d\d)( BC)?$/
const TIME = /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?$/
const MOMENT = /^(\d{4,}-\d\d-\d\d) ([\d:.]+?)(?:\+00)?( BC)?$/
const DAY_MICROS = 86_400_000_000n
const LARGEST = 2n ** 63n - 1n

/** Days since 1970, in the Gregorian calendar without end; `null` for what is no date. */
function days(given: string): number | null {
  const [, year, month, day, era] = DATE.exec(given) ?? []
  if (year === undefined) return null
  const y = (era === undefined ? Number(year) : 1 - Number(year)) - (Number(month) <= 2 ? 1 : 0)
  const m = (Number(month) + 9) % 12
  const century = Math.floor(y / 400)
  const ofCentury = y - century * 400
  const ofYear = Math.floor((153 * m + 2) / 5) + Number(day) - 1
  const leaps = Math.floor(ofCentury / 4) - Math.floor(ofCentury / 100)
  return century * 146_097 + ofCentury * 365 + leaps + ofYear - 719_468
}

function timeOfDay(given: string): bigint | null {
  const [, hours, minutes, seconds, fraction = ''] = TIME.exec(given) ?? []
  if (hours === undefined) return null
  const whole = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
}

/** Microseconds since 1970. Infinity is what DMS makes of it. */
function microsOfMoment(given: string): bigint | null {
  if (given === 'infinity') return microsOfMoment('9999-12-31 23:59:59')
  if (given === '-infinity') return microsOfMoment('4713-01-01 00:00:00 BC')
  const [, date = '', time = '', era = ''] = MOMENT.exec(given) ?? []
  const day = days(date + era)
  const micros = timeOfDay(time)
  if (day === null || micros === null) return null
  const all = BigInt(day) * DAY_MICROS + micros
  return all > LARGEST ? null : all
}

function floorDivided(value: bigint, by: bigint): bigint {
  const rest = ((value % by) + by) % by
  return (value - rest) / by
}
