/**
 * Spark 3.4 and later, in the database of the session. Its reader of CSV tells NULL from an empty text
 * and takes line breaks between quotes. Partitions of later days are made known by the last statement.
 * https://spark.apache.org/docs/latest/sql-data-sources-csv.html
 */

import type { LogicalType } from '../../core/type.ts'
import type { Dialect, RawTable } from './dialect.ts'
import { hiveType, properties, valueType } from './hive-table.ts'

const CSV_OPTIONS = {
  header: 'true',
  multiLine: 'true',
  quote: '"',
  escape: '"',
  nullValue: '',
  emptyValue: '',
  timestampFormat: 'yyyy-MM-dd HH:mm:ss.SSSSSS',
}

export const spark: Dialect = {
  typed: [],
  rawTable: (table) => [
    `DROP TABLE IF EXISTS ${tick(table.name)}`,
    externalTable(table),
    ...(table.partitions === null ? [] : [`MSCK REPAIR TABLE ${tick(table.name)}`]),
  ],
  view: (name, query) => `CREATE OR REPLACE VIEW ${tick(name)} AS\n${query}`,
  rawName: tick,
  quote: tick,
  // A backslash escapes in Spark's literals.
  literal: (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`,
  fromText,
  contains: (text, part) => `(instr(${text}, ${part}) > 0)`,
}

function externalTable(table: RawTable): string {
  const isText = table.format !== 'parquet'
  const columns = table.columns.map(({ name, type }) => `${tick(name)} ${hiveType(type, table)}`)
  if (table.partitions !== null) columns.push('dt string')
  return [
    `CREATE TABLE ${tick(table.name)} (\n  ${columns.join(',\n  ')}\n)`,
    isText ? `USING csv OPTIONS (${properties(CSV_OPTIONS)})` : 'USING parquet',
    ...(table.partitions === null ? [] : ['PARTITIONED BY (dt)']),
    `LOCATION '${table.url}'`,
  ].join('\n')
}

function fromText(text: string, type: LogicalType, isLoose: boolean): string {
  const cast = isLoose ? 'try_cast' : 'CAST'
  if (text === 'NULL') return `CAST(NULL AS ${sparkType(type)})`
  if (type.kind === 'bool') return `(${text} = 't')`
  if (type.kind === 'bytea') return `unhex(substr(${text}, 3))`
  const name = sparkType(type)
  return name === 'string' ? text : `${cast}(${text} AS ${name})`
}

/** The same as Hive's, but for the one that has no time zone. */
function sparkType(type: LogicalType): string {
  return type.kind === 'timestamp' ? 'timestamp_ntz' : valueType(type)
}

function tick(name: string): string {
  return `\`${name}\``
}
