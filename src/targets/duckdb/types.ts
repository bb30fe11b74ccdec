/**
 * PostgreSQL's types as DuckDB has them, and the SQL that makes a value of PostgreSQL's text.
 *
 * Each expression is exact or fails: DuckDB's casts alone would drop "BC" from a date without a word
 * and read an array only in a notation of its own. What DuckDB has no type for stays text.
 *
 * https://duckdb.org/docs/stable/sql/data_types/overview
 */

import { logicalType, type ColumnType, type LogicalType, type ScalarKind } from '../../core/type.ts'

const SCALARS: Record<ScalarKind, string> = {
  bool: 'BOOLEAN',
  int2: 'SMALLINT',
  int4: 'INTEGER',
  int8: 'BIGINT',
  oid: 'UINTEGER',
  float4: 'FLOAT',
  float8: 'DOUBLE',
  text: 'VARCHAR',
  bytea: 'BLOB',
  uuid: 'UUID',
  json: 'JSON',
  date: 'DATE',
  time: 'TIME',
  // Its TIMETZ holds no 24:00:00 and no offset with seconds.
  timetz: 'VARCHAR',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMPTZ',
  // It compares intervals as PostgreSQL does, but writes and rounds them differently.
  interval: 'VARCHAR',
}

const MAX_PRECISION = 38

export function duckdbType(type: ColumnType): string {
  return typeOf(logical(type))
}

/** An expression for the value that PostgreSQL writes as `text`, itself an expression. */
export function fromText(type: ColumnType, text: string): string {
  return valueOf(logical(type), text)
}

/** Why a value of the type may not fit, for the message of the error. */
export function limitsOf(type: ColumnType): string {
  return LIMITS[logical(type).kind] ?? 'the text is not as PostgreSQL writes it'
}

const LIMITS: Partial<Record<LogicalType['kind'], string>> = {
  array: 'a list has one dimension, counts from 1, and its elements must fit',
  numeric: 'a decimal has no NaN and no infinity',
  timestamp: 'a timestamp ends on 294247-01-10',
  timestamptz: 'a timestamp ends on 294247-01-10',
  json: 'JSON must be valid Unicode',
  bytea: 'bytea_output must be hex',
}

function logical(type: ColumnType): LogicalType {
  // Boxes are the one type whose arrays are not separated by commas.
  return type.element?.name === 'box' ? { kind: 'text' } : logicalType(type)
}

function typeOf(type: LogicalType): string {
  if (type.kind === 'array') return `${typeOf(type.element)}[]`
  if (type.kind !== 'numeric') return SCALARS[type.kind]
  const { precision, scale } = type
  if (precision === null || scale === null || precision > MAX_PRECISION) return 'VARCHAR'
  return scale >= 0 && scale <= precision ? `DECIMAL(${precision}, ${scale})` : 'VARCHAR'
}

function valueOf(type: LogicalType, text: string): string {
  const { kind } = type
  if (kind === 'array') return list(type, text)
  if (kind === 'bytea') {
    return `unhex(CASE WHEN NOT starts_with(${text}, '\\x') THEN '!' ELSE substr(${text}, 3) END)`
  }
  if (kind === 'date') return cast(type, beforeChrist(text, `replace(${text}, ' BC', ' (BC)')`))
  if (kind === 'timestamp' || kind === 'timestamptz') {
    const moved = `regexp_replace(${text}, ' (.*) BC$', ' (BC) \\1')`
    return cast(type, beforeChrist(text, moved))
  }
  return typeOf(type) === 'VARCHAR' ? text : cast(type, text)
}

function cast(type: LogicalType, expression: string): string {
  return `CAST(${expression} AS ${typeOf(type)})`
}

/** DuckDB wants the era behind the date: `0044-03-15 (BC) 12:00:00`. */
function beforeChrist(text: string, moved: string): string {
  return `CASE WHEN suffix(${text}, ' BC') THEN ${moved} ELSE ${text} END`
}

/** An element in quotes, with its escapes, or one without. */
const ELEMENT = String.raw`"(?:[^"\\]|\\.)*"|[^,{}]+`

/**
 * An array such as `{a,"b c",NULL}`. One of several dimensions begins with two braces, and one that
 * does not count from 1 with its bounds; there the cast fails, since DuckDB's lists begin with `[`.
 */
function list(type: LogicalType & { kind: 'array' }, text: string): string {
  const elements = `regexp_extract_all(${text}, '${ELEMENT}', 0, 's')`
  const plain = String.raw`regexp_replace(e[2:-2], '\\(.)', '\1', 'gs')`
  const element = `CASE WHEN e = 'NULL' THEN NULL WHEN e[1] = '"' THEN ${plain} ELSE e END`
  const value = valueOf(type.element, 'e')
  const texts = `list_transform(${elements}, lambda e: ${element})`
  const values = value === 'e' ? texts : `list_transform(${texts}, lambda e: ${value})`
  const isList = `starts_with(${text}, '{') AND NOT starts_with(${text}, '{{')`
  return `CASE WHEN ${isList} THEN ${values} ELSE ${cast(type, text)} END`
}
