/**
 * DuckDB reads the files where they are, by a view. For a bucket it needs its extension httpfs.
 *
 * The columns of CSV go by their place and those of Parquet by their field id, which is their place too.
 * Rows of older shapes are filled with NULL.
 * https://duckdb.org/docs/stable/data/csv/overview
 */

import type { LogicalType } from '../../core/type.ts'
import type { Dialect, RawTable } from './dialect.ts'
import { decimalType } from './hive-table.ts'
import { quoted, standardLiteral } from './sql-text.ts'

export const duckdb: Dialect = {
  typed: ['uuid', 'time'],
  rawTable: (table) => [view(table.name, `SELECT * FROM ${reader(table)}`)],
  view,
  rawName: quoted,
  quote: quoted,
  literal: standardLiteral,
  fromText,
  contains: (text, part) => `(strpos(${text}, ${part}) > 0)`,
}

function view(name: string, query: string): string {
  return `CREATE OR REPLACE VIEW ${quoted(name)} AS\n${query}`
}

function reader({ url, format, columns, partitions }: RawTable): string {
  const files = standardLiteral(`${url}${partitions === null ? '' : 'dt=*/'}*.${format}`)
  if (format === 'parquet') {
    const fields = columns.map(
      ({ name, type }, i) =>
        `${i + 1}: {name: ${standardLiteral(name)}, type: '${duckdbType(type)}', default_value: NULL}`,
    )
    return `read_parquet(${files}, schema = MAP {${fields.join(', ')}})`
  }
  const types = columns.map(({ name }) => `${standardLiteral(name)}: 'VARCHAR'`)
  return `read_csv(${files}, auto_detect = false, header = true, delim = ',', quote = '"',
  escape = '"', nullstr = '', allow_quoted_nulls = false, null_padding = true, parallel = false,
  hive_partitioning = ${partitions !== null}, columns = {${types.join(', ')}})`
}

function fromText(text: string, type: LogicalType, isLoose: boolean): string {
  const name = duckdbType(type)
  if (text === 'NULL') return `CAST(NULL AS ${name})`
  if (type.kind === 'bytea') return `unhex(substr(${text}, 3))`
  if (name === 'VARCHAR') return text
  return `${isLoose ? 'TRY_CAST' : 'CAST'}(${text} AS ${name})`
}

const TYPES: Partial<Record<LogicalType['kind'], string>> = {
  bool: 'BOOLEAN',
  int2: 'SMALLINT',
  int4: 'INTEGER',
  int8: 'BIGINT',
  oid: 'BIGINT',
  float4: 'REAL',
  float8: 'DOUBLE',
  uuid: 'UUID',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMPTZ',
  bytea: 'BLOB',
}

function duckdbType(type: LogicalType): string {
  return decimalType(type) ?? TYPES[type.kind] ?? 'VARCHAR'
}
