/**
 * PostgreSQL's types as Redshift has them: the smallest that holds every value, or text.
 *
 * What Redshift would change without a word stays text: a `timetz` loses its offset there, and an
 * `interval` its months. Lengths are those of bytes, four for each character.
 *
 * https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html
 */

import { logicalType, type ColumnType, type LogicalType, type ScalarKind } from '../../core/type.ts'

export const MAX_VARCHAR = 65_535
/** What every patch of Redshift takes; newer ones take 16 MB. */
export const MAX_VARBYTE = 1_024_000

const LONGEST = `VARCHAR(${MAX_VARCHAR})`
const BYTES_OF_CHARACTER = 4
const MAX_PRECISION = 38
const MAX_SCALE = 37

const SCALARS: Record<Exclude<ScalarKind, 'text'>, string> = {
  bool: 'BOOLEAN',
  int2: 'SMALLINT',
  int4: 'INTEGER',
  int8: 'BIGINT',
  oid: 'BIGINT',
  float4: 'REAL',
  float8: 'DOUBLE PRECISION',
  bytea: `VARBYTE(${MAX_VARBYTE})`,
  uuid: 'VARCHAR(36)',
  json: 'SUPER',
  date: 'DATE',
  time: 'TIME',
  timetz: 'VARCHAR(32)',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMPTZ',
  interval: 'VARCHAR(128)',
}

/** Types whose text is short. */
const SHORT: Readonly<Record<string, number>> = {
  money: 64,
  inet: 64,
  cidr: 64,
  macaddr: 32,
  macaddr8: 32,
  pg_lsn: 32,
  xid: 16,
  cid: 16,
  xid8: 32,
  name: 256,
  char: 4,
}

export function redshiftType(type: ColumnType): string {
  const logical = logicalType(type)
  const { kind } = logical
  if (kind === 'array') return 'SUPER'
  if (kind === 'numeric') return numericType(logical)
  return kind === 'text' ? textType(type) : SCALARS[kind]
}

/** The bytes that a VARCHAR holds; `null` for other types. */
export function lengthOf(type: string): number | null {
  const [, bytes] = /^VARCHAR\((\d+)\)$/.exec(type) ?? []
  return bytes === undefined ? null : Number(bytes)
}

function numericType({ precision, scale }: LogicalType & { readonly kind: 'numeric' }): string {
  if (precision === null || scale === null) return LONGEST
  if (precision > MAX_PRECISION || scale < 0 || scale > Math.min(precision, MAX_SCALE)) {
    return LONGEST
  }
  // One of 19 digits is stored in 64 bits, which do not hold all of them.
  return `NUMERIC(${precision === 19 ? 20 : precision},${scale})`
}

function textType({ name, modifier }: ColumnType): string {
  const short = SHORT[name]
  if (short !== undefined) return `VARCHAR(${short})`
  if (modifier > 0 && (name === 'varchar' || name === 'bpchar')) {
    return varchar(BYTES_OF_CHARACTER * (modifier - 4))
  }
  // The modifier of a bit string is its length.
  if (modifier > 0 && (name === 'bit' || name === 'varbit')) return varchar(modifier)
  return LONGEST
}

function varchar(bytes: number): string {
  return `VARCHAR(${Math.min(bytes, MAX_VARCHAR)})`
}

/** As the catalog writes a type, in our own words; what is no type of ours stays as it is. */
export function fromCatalog(text: string): string {
  const [, name = text, size = ''] = /^([^(]+)(\(.*\))?(?: without time zone)?$/.exec(text) ?? []
  const known = NAMES[name.trim().toLowerCase()]
  return known === undefined ? text : `${known}${size.replaceAll(' ', '')}`
}

const NAMES: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  smallint: 'SMALLINT',
  integer: 'INTEGER',
  bigint: 'BIGINT',
  real: 'REAL',
  'double precision': 'DOUBLE PRECISION',
  numeric: 'NUMERIC',
  'character varying': 'VARCHAR',
  'binary varying': 'VARBYTE',
  super: 'SUPER',
  date: 'DATE',
  time: 'TIME',
  'time without time zone': 'TIME',
  'timestamp without time zone': 'TIMESTAMP',
  'timestamp with time zone': 'TIMESTAMPTZ',
}
