/**
 * One field of a file as a value of a column, by the rules of COPY: what PostgreSQL is to take as its
 * text, `null`, or the error that stands in sys_load_error_detail.
 */

import type { CopyOptions } from './copy-statement.ts'
import { superProblem } from './json-check.ts'
import type { TypeName } from './types.ts'

export interface LoadColumn {
  readonly name: string
  readonly type: TypeName
  readonly args: readonly number[]
  readonly isNotNull: boolean
}

/** https://docs.aws.amazon.com/redshift/latest/dg/r_Load_Error_Reference.html */
export class LoadError extends Error {
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

export function loadValue(field: Buffer, column: LoadColumn, options: CopyOptions): string | null {
  const value = isNull(field, options) ? null : filled(field, column, options)
  if (value === null && column.isNotNull) {
    throw new LoadError(1213, 'Missing data for not-null field')
  }
  return value
}

function isNull(field: Buffer, { nullAs }: CopyOptions): boolean {
  const marker = Buffer.from(nullAs)
  if (field.equals(marker)) return true
  if (!field.includes(0)) return false
  const message = 'a field that contains a NUL contains more than one byte'
  throw new LoadError(1218, message)
}

const STRINGS: ReadonlySet<TypeName> = new Set(['character', 'character varying'])

function filled(field: Buffer, column: LoadColumn, options: CopyOptions): string | null {
  const isString = STRINGS.has(column.type)
  if (field.length === 0) return isString && !options.emptyAsNull ? '' : null
  const text = decode(field)
  return isString
    ? string(text, column, options)
    : CONVERT[column.type](text.trim(), column, options)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(field: Buffer): string {
  try {
    return utf8.decode(field)
  } catch {
    throw new LoadError(1220, 'String contains invalid or unsupported UTF8 codepoints')
  }
}

function string(text: string, { type, args }: LoadColumn, { truncate }: CopyOptions): string {
  const size = args[0]!
  if (type === 'character' && Buffer.byteLength(text) !== text.length) {
    throw new LoadError(1215, 'multibyte character is not supported for CHAR')
  }
  if (Buffer.byteLength(text) <= size) return text
  if (!truncate) throw new LoadError(1204, `String length exceeds DDL length ${size}`)
  let kept = Buffer.from(text).subarray(0, size).toString()
  // A character that was cut in two has become the replacement character.
  if (!text.startsWith(kept)) kept = kept.replace(/\ufffd$/, '')
  return kept
}

type Convert = (text: string, column: LoadColumn, options: CopyOptions) => string

const CONVERT: Readonly<Record<TypeName, Convert>> = {
  smallint: (text) => integer(text, 32_767n),
  integer: (text) => integer(text, 2_147_483_647n),
  bigint: (text) => integer(text, 9_223_372_036_854_775_807n),
  real: float,
  'double precision': float,
  boolean: (text) => {
    if (/^(t|true|y|yes|1)$/i.test(text)) return 't'
    if (/^(f|false|n|no|0)$/i.test(text)) return 'f'
    throw new LoadError(1210, 'Unknown boolean format')
  },
  numeric,
  character: string,
  'character varying': string,
  'binary varying': (text, { args }) => {
    if (!/^(?:[\da-f]{2})*$/i.test(text)) throw new LoadError(1219, 'Invalid hexadecimal digit')
    if (text.length / 2 > args[0]!) throw new LoadError(1204, 'VARBYTE length exceeds DDL length')
    return `\\x${text}`
  },
  super: (text) => {
    const problem = superProblem(text)
    if (problem !== null) throw new LoadError(1224, problem)
    return text
  },
  date: (text) => dated(text, DATE, 1205),
  'time without time zone': (text) => dated(text, TIME, 1206),
  'time with time zone': (text) => dated(text, TIME_TZ, 1206),
  'timestamp without time zone': (text) => dated(text, TIMESTAMP, 1206),
  'timestamp with time zone': (text) => dated(text, TIMESTAMP_TZ, 1206),
}

function integer(text: string, max: bigint): string {
  if (!/^[+-]?\d+$/.test(text)) throw new LoadError(1207, 'Invalid digit')
  const value = BigInt(text.replace('+', ''))
  if (value > max || value < -max - 1n) throw new LoadError(1222, 'Integer overflow')
  return value.toString()
}

function float(text: string): string {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    throw new LoadError(1208, 'Invalid digit for FLOAT')
  }
  return text
}

/** What is behind the last decimal of the column is cut; with ROUNDEC, PostgreSQL rounds it. */
function numeric(text: string, { args }: LoadColumn, { round }: CopyOptions): string {
  const [precision, scale] = args
  const found = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text)
  if (found === null || !/\d/.test(text)) throw new LoadError(1209, 'Invalid digit for DECIMAL')
  const [, sign, whole, decimals = ''] = found
  const digits = whole!.replace(/^0+/, '')
  if (digits.length > precision! - scale!) throw new LoadError(1209, 'Numeric overflow')
  return `${sign!}${whole === '' ? '0' : whole!}.${round ? decimals : decimals.slice(0, scale)}0`
}

const DAY = String.raw`(?!0000)\d{4}-\d{2}-\d{2}`
const CLOCK = String.raw`(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?`
const ZONE = String.raw`(?:[+-]\d{2}(?::?\d{2})?|Z)`
const DATE = new RegExp(`^${DAY}$`)
const TIME = new RegExp(`^${CLOCK}$`)
const TIME_TZ = new RegExp(`^${CLOCK}${ZONE}$`)
const TIMESTAMP = new RegExp(`^${DAY}[ T]${CLOCK}$`)
const TIMESTAMP_TZ = new RegExp(`^${DAY}[ T]${CLOCK}${ZONE}?$`)

function dated(text: string, format: RegExp, code: number): string {
  const [year, month, day] = text.split(/[- T:]/).map(Number)
  const isDay = !text.includes('-', 3) || !/^\d{4}-/.test(text) || isReal(year!, month!, day!)
  if (!format.test(text) || !isDay) throw new LoadError(code, 'Invalid format or value')
  return text
}

function isReal(year: number, month: number, day: number): boolean {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}
