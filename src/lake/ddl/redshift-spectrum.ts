/**
 * Redshift Spectrum: external tables in an external schema `lake`, which stands for a database of Glue.
 * Every day has to be made known; the statements are those for the days that are there, and `millrace
 * lake glue` does it for tables in Glue.
 * https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_EXTERNAL_TABLE.html
 */

import type { LogicalType } from '../../core/type.ts'
import type { Dialect, RawTable } from './dialect.ts'
import { decimalType, hiveFormat, properties } from './hive-table.ts'
import { quoted, standardLiteral } from './sql-text.ts'

/** The longest text that Redshift holds, in bytes. */
const TEXT = 'varchar(65535)'

export const redshiftSpectrum: Dialect = {
  typed: [],
  rawTable: (table) => [
    `DROP TABLE IF EXISTS ${external(table.name)}`,
    externalTable(table),
    ...partitions(table),
  ],
  // A view over external tables looks for them when it is read.
  view: (name, query) =>
    `CREATE OR REPLACE VIEW ${quoted(name)} AS\n${query}\nWITH NO SCHEMA BINDING`,
  rawName: external,
  quote: quoted,
  // A backslash escapes in Redshift's literals.
  literal: (text) => standardLiteral(text.replaceAll('\\', '\\\\')),
  fromText,
  contains: (text, part) => `(strpos(${text}, ${part}) > 0)`,
}

function external(name: string): string {
  return `lake.${quoted(name)}`
}

function externalTable(table: RawTable): string {
  const { serde, serdeProperties, inputFormat, outputFormat, tableProperties } = hiveFormat(table)
  const isText = table.format !== 'parquet'
  const columns = table.columns.map(
    ({ name, type }) => `${quoted(name)} ${isText ? TEXT : redshiftType(type)}`,
  )
  return [
    `CREATE EXTERNAL TABLE ${external(table.name)} (\n  ${columns.join(',\n  ')}\n)`,
    ...(table.partitions === null ? [] : ['PARTITIONED BY (dt varchar(10))']),
    `ROW FORMAT SERDE '${serde}'`,
    `WITH SERDEPROPERTIES (${properties(serdeProperties)})`,
    `STORED AS INPUTFORMAT '${inputFormat}' OUTPUTFORMAT '${outputFormat}'`,
    `LOCATION '${table.url}'`,
    `TABLE PROPERTIES (${properties(tableProperties)})`,
  ].join('\n')
}

function partitions({ name, url, partitions: days }: RawTable): string[] {
  const table = external(name)
  return (days ?? []).map(
    (day) =>
      `ALTER TABLE ${table} ADD IF NOT EXISTS PARTITION (dt='${day}') LOCATION '${url}dt=${day}/'`,
  )
}

function fromText(text: string, type: LogicalType, isLoose: boolean): string {
  if (text === 'NULL') return `CAST(NULL AS ${redshiftType(type)})`
  const value = `nullif(${text}, '')`
  if (type.kind === 'bool') return `(${value} = 't')`
  if (type.kind === 'bytea') return `from_hex(substring(${value}, 3))`
  const name = redshiftType(type)
  if (name === TEXT) return value
  return `${isLoose ? 'TRY_CAST' : 'CAST'}(${value} AS ${name})`
}

const TYPES: Partial<Record<LogicalType['kind'], string>> = {
  bool: 'boolean',
  int2: 'smallint',
  int4: 'integer',
  int8: 'bigint',
  oid: 'bigint',
  float4: 'real',
  float8: 'double precision',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
  bytea: 'varbyte(65535)',
}

function redshiftType(type: LogicalType): string {
  return decimalType(type) ?? TYPES[type.kind] ?? TEXT
}
