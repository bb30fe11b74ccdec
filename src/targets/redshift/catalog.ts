/** What Redshift's catalog says about tables. */

import type { TableName } from '../../core/table.ts'
import { identifier } from '../sql/names.ts'
import { stateOf } from '../sql/server-error.ts'
import type { SqlSession } from '../sql/session.ts'
import { literal } from './names.ts'
import { fromCatalog } from './types.ts'

/** Types by the names of the columns, in their order; `null` if there is no such table. */
export async function columnsOf(
  session: Pick<SqlSession, 'rows'>,
  { namespace, name }: TableName,
): Promise<ReadonlyMap<string, string> | null> {
  const rows = await session.rows(
    `SELECT column_name AS name, data_type AS type FROM svv_redshift_columns
     WHERE database_name = current_database() AND schema_name = ${literal(namespace)}
       AND table_name = ${literal(name)} ORDER BY ordinal_position`,
  )
  if (rows.length === 0) return null
  return new Map(rows.map((row) => [String(row['name']), fromCatalog(String(row['type']))]))
}

/** Of another who was faster: duplicate_schema, duplicate_table, unique_violation. */
export function isTaken(error: unknown): boolean {
  return ['42P06', '42P07', '23505'].includes(stateOf(error) ?? '')
}

/**
 * Outside of a transaction, since others may make it at the same time. IF NOT EXISTS would ask for the
 * right to make schemas even where there is one.
 */
export async function makeSchema(session: SqlSession, name: string): Promise<void> {
  const found = await session.rows(
    `SELECT 1 AS found FROM pg_catalog.pg_namespace WHERE nspname = ${literal(name)}`,
  )
  if (found.length > 0) return
  try {
    await session.run(`CREATE SCHEMA ${identifier(name)}`)
  } catch (error) {
    if (!isTaken(error)) throw error
  }
}
