/**
 * Trino's Hive connector, in the catalog and schema of the session.
 * https://trino.io/docs/current/connector/hive.html
 */

import type { Dialect, RawTable } from './dialect.ts'
import { firstDay } from './hive-table.ts'
import { quoted } from './sql-text.ts'
import { TRINO_QUERIES, trinoType } from './trino-values.ts'

export const trino: Dialect = {
  rawTable: (table) => [`DROP TABLE IF EXISTS ${quoted(table.name)}`, externalTable(table)],
  ...TRINO_QUERIES,
}

function externalTable({ name, url, format, columns, partitions }: RawTable): string {
  const isText = format !== 'parquet'
  const list = columns.map(
    (column) => `${quoted(column.name)} ${isText ? 'varchar' : trinoType(column.type)}`,
  )
  if (partitions !== null) list.push(`dt varchar WITH (${projectionOf(firstDay(partitions))})`)
  const csv = `format = 'CSV', csv_separator = ',', csv_quote = '"', csv_escape = U&'\\0000', skip_header_line_count = 1`
  const options = [
    `external_location = '${url}'`,
    isText ? csv : `format = 'PARQUET'`,
    ...(partitions === null
      ? []
      : [`partitioned_by = ARRAY['dt']`, 'partition_projection_enabled = true']),
  ]
  return `CREATE TABLE ${quoted(name)} (\n  ${list.join(',\n  ')}\n)\nWITH (${options.join(', ')})`
}

function projectionOf(day: string): string {
  return [
    `partition_projection_type = 'DATE'`,
    `partition_projection_format = 'yyyy-MM-dd'`,
    `partition_projection_range = ARRAY['${day}', 'NOW']`,
    'partition_projection_interval = 1',
    `partition_projection_interval_unit = 'DAYS'`,
  ].join(', ')
}
