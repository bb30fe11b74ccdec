/** Source against warehouse, every row and column, with the DuckDB file read by DuckDB itself. */

import { DuckDBInstance } from '@duckdb/node-api'

import { compareTables, type TableComparison } from '../../../src/demo/compare.ts'
import type { WarehouseQuery } from '../../../src/demo/warehouse-dialect.ts'
import type { TestDatabase } from '../../support/postgres.ts'

/** The task must have ended: DuckDB lets one process open a file. */
export async function queryWarehouse<T>(
  file: string,
  use: (query: WarehouseQuery) => Promise<T>,
): Promise<T> {
  const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' })
  const connection = await instance.connect()
  try {
    return await use(async (sql) => (await connection.runAndReadAll(sql)).getRows())
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

/** Every table of the schema `app`. */
export async function compareAll(
  source: Pick<TestDatabase, 'client'>,
  file: string,
): Promise<TableComparison[]> {
  const client = await source.client() // the server may have been restarted since the last one
  const { rows } = await client.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'app' order by 1`,
  )
  const tables = rows.map(({ name }) => ({ namespace: 'app', name }))
  return queryWarehouse(file, (query) => compareTables(client, query, tables))
}

/** What a failed comparison has to say, in a form in which two of them can be told apart. */
export function differencesIn(results: readonly TableComparison[]): TableComparison[] {
  return results.filter(({ missing, extra, different }) => missing + extra + different > 0)
}
