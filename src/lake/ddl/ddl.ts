/** `millrace lake ddl`: the statements by which an engine reads what is in the lake. */

import { logicalType, type LogicalType } from '../../core/type.ts'
import { athena } from './athena.ts'
import type { Dialect, RawColumn, RawTable } from './dialect.ts'
import { duckdb } from './duckdb.ts'
import { engineName, rawNames } from './names.ts'
import { redshiftSpectrum } from './redshift-spectrum.ts'
import { spark } from './spark.ts'
import type { TableFacts } from './table-facts.ts'
import { trino } from './trino.ts'
import { SETTING_OF } from './typed-columns.ts'
import { historyQuery, latestQuery } from './views.ts'

/** In the order in which the help names them. */
export const DIALECTS = {
  athena,
  // The catalog has no language of its own: Athena's statements make its tables.
  glue: athena,
  spark,
  duckdb,
  'redshift-spectrum': redshiftSpectrum,
  trino,
}
export type DialectName = keyof typeof DIALECTS

/** The tables over the files of one table. */
export interface RawTables {
  /** One for each stretch of the table's past. */
  readonly changes: readonly RawTable[]
  /** `null` if there is no load, or an empty one. */
  readonly load: RawTable | null
}

const INTEGER: LogicalType = { kind: 'int8' }
const TEXT: LogicalType = { kind: 'text' }
const OWN_TYPES: readonly LogicalType[] = [
  TEXT, INTEGER, INTEGER, INTEGER, { kind: 'timestamptz' }, TEXT,
] // prettier-ignore

/** `url`: where the engine finds the lake, `s3://bucket/shop`. */
export function rawTables(
  { shape, stretches, days, load, format }: TableFacts,
  url: string,
): RawTables {
  const base = engineName(shape.table)
  const root = url.replace(/\/*$/, '/')
  const { own, table } = rawNames(shape.columns)
  const columns: RawColumn[] = [
    ...own.map((name, i) => ({ name, type: OWN_TYPES[i]! })),
    ...table.map((name, i) => ({ name, type: logicalType(shape.columns[i]!.type) })),
  ]
  const changes = stretches.map(({ folder }, i) => ({
    name: `${base}_changes${i === 0 ? '' : `_${i + 1}`}`,
    url: root + folder,
    format,
    columns,
    partitions: days,
  }))
  if (load === null || load.folder === null) return { changes, load: null }
  const place = { name: `${base}_load`, url: root + load.folder, format, columns, partitions: null }
  return { changes, load: place }
}

/** Why no table over the files would be right; `null` if one is. `typed`: what the engine can read. */
export function whyNoTable(
  { table, typed: columns }: TableFacts,
  typed: Dialect['typed'],
): string | null {
  const column = columns.find(({ form }) => !typed.includes(form))
  if (column === undefined) return null
  const { name, form } = column
  return `no tables for ${table}: ${SETTING_OF[form]} has written its column "${name}" as a ${form}`
}

/** All statements for one table, without a semicolon at the end; a comment stands for what cannot be. */
export function tableDdl(facts: TableFacts, dialect: Dialect, url: string): string[] {
  const why = whyNoTable(facts, dialect.typed)
  if (why !== null) return [`-- ${why}`]
  const { changes, load } = rawTables(facts, url)
  const base = engineName(facts.shape.table)
  const parts = {
    facts,
    dialect,
    changes: changes.map(({ name }) => dialect.rawName(name)),
    load: load && dialect.rawName(load.name),
    history: dialect.quote(`${base}_history`),
  }
  const latest = latestQuery(parts)
  return [
    ...[...changes, ...(load ? [load] : [])].flatMap((table) => dialect.rawTable(table)),
    dialect.view(`${base}_history`, historyQuery(parts)),
    latest === null ? whyNoLatest(facts) : dialect.view(`${base}_latest`, latest),
  ]
}

function whyNoLatest({ table, shape, load }: TableFacts): string {
  const name = `${engineName(shape.table)}_latest`
  if (load !== null)
    return `-- no ${name}: ${table} has no key by which its rows could be told apart`
  return `-- no ${name}: the lake has no complete load of ${table}; see: millrace resync ${table}`
}
