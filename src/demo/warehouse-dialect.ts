/**
 * How a warehouse is asked for its rows in canonical form: DuckDB in its own SQL, PostgreSQL in that of
 * the source.
 */

import type { TableName } from '../core/table.ts'
import { quoteLiteral } from '../postgres/quote.ts'
import { copyRow, warehouseRow, type ComparedColumn } from './canonical.ts'

/** Runs a statement and resolves to its rows, as arrays of values. */
export type WarehouseQuery = (sql: string) => Promise<readonly (readonly unknown[])[]>

export interface WarehouseDialect {
  /** An expression for a row. */
  readonly row: (columns: readonly ComparedColumn[]) => string
  /** Selects name and type of each column of a table. */
  readonly columns: (table: TableName) => string
  /** Behind a text that is compared or ordered byte by byte. */
  readonly binary: string
}

/** A warehouse, and how it is asked. */
export interface Warehouse {
  readonly query: WarehouseQuery
  readonly dialect: WarehouseDialect
}

export async function dialectOf(query: WarehouseQuery): Promise<WarehouseDialect> {
  const [version] = await query('select version() as version')
  return String(version?.[0]).startsWith('PostgreSQL') ? POSTGRES : DUCKDB
}

const DUCKDB: WarehouseDialect = {
  row: warehouseRow,
  columns: ({ namespace, name }) =>
    `select column_name, data_type from duckdb_columns()
     where database_name = current_database() and schema_name = ${quoteLiteral(namespace)}
       and table_name = ${quoteLiteral(name)}`,
  binary: '',
}

const POSTGRES: WarehouseDialect = {
  row: copyRow,
  columns: ({ namespace, name }) =>
    `select a.attname, format_type(a.atttypid, a.atttypmod) as type from pg_attribute a
       join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = ${quoteLiteral(namespace)} and c.relname = ${quoteLiteral(name)}
       and a.attnum > 0 and not a.attisdropped`,
  binary: 'collate "C"',
}
