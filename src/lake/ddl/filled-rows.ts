/**
 * Values that the server did not send again, filled from the rows before them.
 *
 * The row before may have had another key: an update of the key is a `D` and, one ordinal later, an
 * `I`. A *life* of a key is what lies from one `I` of it to the next; a *line* is the lives that one
 * row had under the keys it took. Along a line each value that was sent begins a new group, and the
 * others have the first of theirs.
 */

import type { LogicalType } from '../../core/type.ts'
import { listedName } from '../codecs/row-columns.ts'
import type { Dialect } from './dialect.ts'
import { POSITION, type ViewColumn } from './view-columns.ts'

/** Values of these types are never stored out of line, so they are always sent. */
const ALWAYS_SENT: ReadonlySet<LogicalType['kind']> = new Set([
  'bool', 'int2', 'int4', 'int8', 'oid', 'float4', 'float8', 'uuid', 'date', 'time', 'timetz',
  'timestamp', 'timestamptz', 'interval',
]) // prettier-ignore

/** Common table expressions that make `filled` of `kept`. */
export function filledRows(dialect: Dialect, columns: readonly ViewColumn[]): string {
  const key = columns.filter(({ isKey }) => isKey).map(({ name }) => name)
  const each = (make: (name: string, i: number) => string, by = ', '): string =>
    key.map(make).join(by)
  const line = `${each((_, i) => `line_${i}`)}, line_life`
  const late = columns.filter(({ type, isKey }) => !isKey && !ALWAYS_SENT.has(type.kind))
  const upToHere = `ORDER BY ${POSITION} ROWS UNBOUNDED PRECEDING`
  const groups = late.map(
    (column, i) =>
      `sum(CASE WHEN ${isSent(dialect, column)} THEN 1 ELSE 0 END) OVER (PARTITION BY ${line} ${upToHere}) AS group_${i}`,
  )
  const values = columns.map((column) => {
    const group = late.indexOf(column)
    if (group === -1) return column.name
    const first = `first_value(${column.name}) OVER (PARTITION BY ${line}, group_${group} ${upToHere})`
    return `${first} AS ${column.name}`
  })
  return `lives AS (
  SELECT kept.*, sum(CASE WHEN op = 'I' THEN 1 ELSE 0 END)
    OVER (PARTITION BY ${key.join(', ')} ${upToHere}) AS _life FROM kept
),
moves AS (
  SELECT ${each((name, i) => `n.${name} AS key_${i}`)}, n._life AS key_life,
    ${each((name, i) => `o.${name} AS from_${i}`)}, o._life AS from_life
  FROM lives n JOIN lives o ON o.op = 'D' AND o._epoch = n._epoch AND o._lsn = n._lsn AND o._seq = n._seq - 1
  WHERE n.op = 'I' AND n._unchanged <> ''
),
lines (${each((_, i) => `key_${i}`)}, key_life, ${line}) AS (
  SELECT ${each((_, i) => `m.key_${i}`)}, m.key_life, ${each((_, i) => `m.from_${i}`)}, m.from_life
  FROM moves m LEFT JOIN moves p ON ${each((_, i) => `p.key_${i} = m.from_${i}`, ' AND ')} AND p.key_life = m.from_life
  WHERE p.key_life IS NULL
  UNION ALL
  SELECT ${each((_, i) => `m.key_${i}`)}, m.key_life, ${each((_, i) => `l.line_${i}`)}, l.line_life
  FROM moves m JOIN lines l ON ${each((_, i) => `m.from_${i} = l.key_${i}`, ' AND ')} AND m.from_life = l.key_life
),
traced AS (
  SELECT lives.*, ${each((name, i) => `coalesce(lines.line_${i}, lives.${name}) AS line_${i}`)},
    coalesce(lines.line_life, lives._life) AS line_life
  FROM lives LEFT JOIN lines ON ${each((name, i) => `lines.key_${i} = lives.${name}`, ' AND ')} AND lines.key_life = lives._life
),
grouped AS (
  SELECT ${['traced.*', ...groups].join(',\n    ')} FROM traced
),
filled AS (
  SELECT _epoch, op, _lsn, _seq, ${values.join(', ')} FROM grouped
),
`
}

function isSent(dialect: Dialect, { original }: ViewColumn): string {
  const listed = dialect.literal(`,${listedName(original)},`)
  return `op <> 'D' AND NOT ${dialect.contains("',' || coalesce(_unchanged, '') || ','", listed)}`
}
