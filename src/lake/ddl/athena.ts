/** Amazon Athena, engine version 3. https://docs.aws.amazon.com/athena/latest/ug/create-table.html */

import type { Dialect, RawTable } from './dialect.ts'
import { hiveFormat, hiveType, projection, properties } from './hive-table.ts'
import { TRINO_QUERIES } from './trino-values.ts'

export const athena: Dialect = {
  rawTable: (table) => [`DROP TABLE IF EXISTS ${tick(table.name)}`, externalTable(table)],
  ...TRINO_QUERIES,
}

function externalTable(table: RawTable): string {
  const { serde, serdeProperties, inputFormat, outputFormat, tableProperties } = hiveFormat(table)
  const columns = table.columns.map(({ name, type }) => `${tick(name)} ${hiveType(type, table)}`)
  const lines = [
    `CREATE EXTERNAL TABLE ${tick(table.name)} (\n  ${columns.join(',\n  ')}\n)`,
    ...(table.partitions === null ? [] : ['PARTITIONED BY (dt string)']),
    `ROW FORMAT SERDE '${serde}'`,
    `WITH SERDEPROPERTIES (${properties(serdeProperties)})`,
    `STORED AS INPUTFORMAT '${inputFormat}' OUTPUTFORMAT '${outputFormat}'`,
    `LOCATION '${table.url}'`,
    `TBLPROPERTIES (${properties({ ...tableProperties, ...projection(table) })})`,
  ]
  return lines.join('\n')
}

function tick(name: string): string {
  return `\`${name}\``
}
