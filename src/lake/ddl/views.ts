/**
 * The views over the files of a table: its history, and its present rows.
 *
 * `history` has every change once. Who reads folders instead of manifests may meet one flush of
 * repeated rows after a crash, with equal position (docs/lake-format.md): the first of each counts.
 *
 * `latest` begins with the newest complete load, leaves out what lies below it and what is at or below
 * the newest truncate, and takes the last word on each key.
 */

import { logicalType, type LogicalType } from '../../core/type.ts'
import type { Dialect } from './dialect.ts'
import { filledRows } from './filled-rows.ts'
import { rawNames } from './names.ts'
import type { EpochFacts, LoadFacts, Stretch, TableFacts } from './table-facts.ts'
import { POSITION, type ViewColumn } from './view-columns.ts'

/** What the views stand on: the names of the tables over the files. */
export interface ViewParts {
  readonly facts: TableFacts
  readonly dialect: Dialect
  /** One for each stretch of the table's past. */
  readonly changes: readonly string[]
  /** `null` if there is no load, or an empty one. */
  readonly load: string | null
  readonly history: string
}

const INTEGER: LogicalType = { kind: 'int8' }
const TEXT: LogicalType = { kind: 'text' }
const TIME: LogicalType = { kind: 'timestamp' }
const OWN_TYPES = [TEXT, INTEGER, INTEGER, INTEGER, TIME, TEXT]
const OWN = ['op', '_order', '_lsn', '_seq', '_committed_at', '_unchanged']

const NEWEST_FIRST = '_epoch DESC, _lsn DESC, _seq DESC'

/** Every change that is kept, once, typed; rows of loads are not among them. */
export function historyQuery(parts: ViewParts): string {
  const { facts, changes } = parts
  const selects = facts.stretches.map((stretch, i) => changesQuery(parts, changes[i]!, stretch))
  return `WITH changes AS (
  ${selects.join('\n  UNION ALL\n  ')}
),
numbered AS (
  SELECT changes.*, row_number() OVER (PARTITION BY ${POSITION} ORDER BY _order) AS _copy FROM changes
)
SELECT _epoch, ${[...OWN, ...viewColumns(parts).map(({ name }) => name)].join(', ')}
FROM numbered WHERE _copy = 1`
}

/** The rows that the table has; `null` without a key to tell them apart, or a load to begin with. */
export function latestQuery(parts: ViewParts): string | null {
  const { facts } = parts
  const columns = viewColumns(parts)
  const key = columns.filter(({ isKey }) => isKey).map(({ name }) => name)
  if (key.length === 0 || facts.load === null) return null
  const names = columns.map(({ name }) => name).join(', ')
  const sources = [loadQuery(parts), sinceLoadQuery(parts)].filter((query) => query !== null)
  return `WITH${facts.hasUnchanged ? ' RECURSIVE' : ''} rows_ AS (
  ${sources.join('\n  UNION ALL\n  ')}
),
cut AS (
  SELECT _epoch AS cut_epoch, _lsn AS cut_lsn, _seq AS cut_seq FROM (
    SELECT _epoch, _lsn, _seq FROM rows_ WHERE op = 'T' UNION ALL SELECT 0, 0, 0
  ) truncates ORDER BY ${NEWEST_FIRST} LIMIT 1
),
kept AS (
  SELECT rows_.* FROM rows_ CROSS JOIN cut
  WHERE op <> 'T' AND (_epoch > cut_epoch OR (_epoch = cut_epoch
    AND (_lsn > cut_lsn OR (_lsn = cut_lsn AND _seq > cut_seq))))
),
${facts.hasUnchanged ? filledRows(parts.dialect, columns) : ''}ranked AS (
  SELECT ${names}, op, row_number() OVER (PARTITION BY ${key.join(', ')} ORDER BY ${NEWEST_FIRST}) AS _rank
  FROM ${facts.hasUnchanged ? 'filled' : 'kept'}
)
SELECT ${names} FROM ranked WHERE _rank = 1 AND op <> 'D'`
}

function viewColumns({ facts: { shape, columns }, dialect }: ViewParts): ViewColumn[] {
  const names = rawNames(shape.columns).table
  return shape.columns.flatMap(({ name, type, wire }, place) => {
    if (wire === null) return []
    const isKey = shape.key.includes(place)
    const column = { name: dialect.quote(names[place]!), original: name, type: logicalType(type) }
    return [{ ...column, isKey, place, facts: columns[place]! }]
  })
}

function changesQuery(parts: ViewParts, from: string, { from: first, to }: Stretch): string {
  const { facts, dialect } = parts
  const order = ownValue(parts, 1)
  const own = OWN.map((name, i) => `${ownValue(parts, i)} AS ${name}`)
  const columns = viewColumns(parts).map((column) => {
    const { name, type, facts: past } = column
    const value = valueOf(parts, column)
    if (past.added === null || past.added.value === null) return `${value} AS ${name}`
    const before = dialect.fromText(dialect.literal(past.added.value), type, true)
    return `CASE WHEN ${order} < ${past.added.order} THEN ${before} ELSE ${value} END AS ${name}`
  })
  const bounds = [
    ...(first === null ? [] : [`${order} >= ${first}`]),
    ...(to === null ? [] : [`${order} < ${to}`]),
  ]
  const where = bounds.length === 0 ? '' : ` WHERE ${bounds.join(' AND ')}`
  const list = [`${epochOf(facts.epochs, order)} AS _epoch`, ...own, ...columns]
  return `SELECT\n    ${list.join(',\n    ')}\n  FROM ${from}${where}`
}

/** All rows of the load stand at its own position, below every change on top of it. */
function loadQuery(parts: ViewParts): string | null {
  const { facts, load: from, dialect } = parts
  const { load } = facts
  if (from === null || load === null) return null
  const columns = viewColumns(parts).map((column) => {
    const { name, type, place, facts: past } = column
    if (place < load.columns) return `${valueOf(parts, column)} AS ${name}`
    const text = past.added?.value ?? null
    const missing = dialect.fromText(text === null ? 'NULL' : dialect.literal(text), type, false)
    return `${missing} AS ${name}`
  })
  const own = [`${load.epoch} AS _epoch`, `'I' AS op`, `${load.lsn} AS _lsn`, '0 AS _seq']
  const list = [...own, `${dialect.literal('')} AS _unchanged`, ...columns]
  return `SELECT\n    ${list.join(',\n    ')}\n  FROM ${from}`
}

function sinceLoadQuery(parts: ViewParts): string {
  const { facts, history } = parts
  const names = viewColumns(parts).map(({ name }) => name)
  const list = ['_epoch', 'op', '_lsn', '_seq', '_unchanged', ...names].join(', ')
  return `SELECT ${list} FROM ${history}${onTopOf(facts.load)}`
}

function onTopOf(load: LoadFacts | null): string {
  if (load === null) return ''
  const { epoch, lsn, order } = load
  return ` WHERE _order > ${order} AND (_epoch > ${epoch} OR (_epoch = ${epoch} AND _lsn >= ${lsn}))`
}

function epochOf(epochs: readonly EpochFacts[], order: string): string {
  const [first, ...later] = epochs
  if (later.length === 0) return String(first?.epoch ?? 1)
  const cases = later.toReversed().map((one) => `WHEN ${order} >= ${one.order} THEN ${one.epoch}`)
  return `CASE ${cases.join(' ')} ELSE ${first!.epoch} END`
}

function ownValue(parts: ViewParts, i: number): string {
  const name = OWN[i]!
  return isText(parts) ? parts.dialect.fromText(name, OWN_TYPES[i]!, false) : name
}

function valueOf(parts: ViewParts, { name, type, facts }: ViewColumn): string {
  return isText(parts) ? parts.dialect.fromText(name, type, facts.hadOtherType) : name
}

function isText({ facts }: ViewParts): boolean {
  return facts.format !== 'parquet'
}
