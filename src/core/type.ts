/**
 * What a column holds.
 *
 * A column type is PostgreSQL's own: its OID, its name in pg_type and its modifier. Domains are
 * resolved to their base type, because that is how their values are written. Targets and codecs do
 * not look at OIDs: they ask `logicalType`, which sorts the hundreds of types into the few kinds
 * that anybody stores differently. Whatever is not listed is `text`, in PostgreSQL's own notation.
 */

export interface ColumnType {
  readonly oid: number
  /** The name in pg_type: `int4`, `numeric`, `mood`. For an array, that of its element: see `element`. */
  readonly name: string
  /** atttypmod: precision and scale of a numeric, length of a varchar; -1 if there is none. */
  readonly modifier: number
  /** The type of the elements, if this is an array. PostgreSQL does not fix the number of dimensions. */
  readonly element?: ColumnType
}

export type LogicalType =
  | { readonly kind: 'numeric'; readonly precision: number | null; readonly scale: number | null }
  | { readonly kind: 'array'; readonly element: LogicalType }
  | { readonly kind: ScalarKind }

export type ScalarKind =
  | 'bool'
  | 'int2'
  | 'int4'
  | 'int8'
  | 'oid'
  | 'float4'
  | 'float8'
  | 'text'
  | 'bytea'
  | 'uuid'
  | 'json'
  | 'date'
  | 'time'
  | 'timetz'
  | 'timestamp'
  | 'timestamptz'
  | 'interval'

const KIND_OF: Record<string, ScalarKind> = {
  bool: 'bool',
  int2: 'int2',
  int4: 'int4',
  int8: 'int8',
  oid: 'oid',
  float4: 'float4',
  float8: 'float8',
  bytea: 'bytea',
  uuid: 'uuid',
  json: 'json',
  jsonb: 'json',
  date: 'date',
  time: 'time',
  timetz: 'timetz',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
  interval: 'interval',
}

export function logicalType(type: ColumnType): LogicalType {
  if (type.element) return { kind: 'array', element: logicalType(type.element) }
  if (type.name === 'numeric') return { kind: 'numeric', ...numericModifier(type.modifier) }
  return { kind: KIND_OF[type.name] ?? 'text' }
}

/** A numeric's modifier holds precision and scale above a header of 4 bytes; a scale may be negative (15+). */
export function numericModifier(modifier: number): {
  precision: number | null
  scale: number | null
} {
  if (modifier < 4) return { precision: null, scale: null }
  const packed = modifier - 4
  const scale = ((packed & 0x7ff) ^ 1024) - 1024
  return { precision: (packed >> 16) & 0xffff, scale }
}

const BARE: ReadonlySet<ScalarKind> = new Set([
  'bool', 'int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'uuid', 'date', 'time', 'timetz',
  'timestamp', 'timestamptz', 'bytea',
]) // prettier-ignore

/** Whether the text of the type can never hold a comma, a quote or a line break. */
export function isBare(type: ColumnType): boolean {
  const { kind } = logicalType(type)
  return kind === 'numeric' || (kind !== 'array' && BARE.has(kind))
}
