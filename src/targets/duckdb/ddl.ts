/**
 * Tables made, altered, renamed and dropped; all of it is part of DuckDB's transactions.
 *
 * One thing is not: a table whose committed rows were deleted or updated cannot be altered by the
 * same transaction, which then fails at its end. Such a table is written anew before it is altered.
 */

import { fail } from '../../core/errors.ts'
import { diffShapes } from '../../core/shape-diff.ts'
import { tableId, type Column, type TableName } from '../../core/table.ts'
import type { StepOf } from '../sql/apply-step.ts'
import { dropColumn, dropColumns, renameColumns, type ColumnPlace } from '../sql/columns.ts'
import type { ColumnTypes } from '../sql/keep.ts'
import { identifier, literal, placeOf } from '../sql/names.ts'
import { liveColumns } from '../sql/rows.ts'
import { isSameName, qualified } from './names.ts'
import { retype } from './retype.ts'
import type { Transaction } from './transaction.ts'
import { duckdbType, fromText } from './types.ts'

export async function create(tx: Transaction, { table, shape }: StepOf<'create'>): Promise<void> {
  const place = placeOf(table)
  const columns = liveColumns(shape).map(
    ({ column }) => `${identifier(column.name)} ${duckdbType(column.type)}`,
  )
  await makeRoom(tx, table.name)
  await tx.run(`CREATE OR REPLACE TABLE ${qualified(place)} (${columns.join(', ')})`)
  tx.markNew(place)
}

export async function drop(tx: Transaction, { table }: StepOf<'drop'>): Promise<void> {
  await dropPlace(tx, placeOf(table))
}

export async function truncate(tx: Transaction, { table }: StepOf<'truncate'>): Promise<void> {
  const place = placeOf(table)
  const rows = await tx.run(`DELETE FROM ${qualified(place)}`)
  if (rows > 0) tx.markWritten(place)
}

export async function swap(tx: Transaction, { name }: StepOf<'swap'>): Promise<void> {
  const shadow = placeOf({ name, isShadow: true })
  await dropPlace(tx, name)
  await tx.run(`ALTER TABLE ${qualified(shadow)} RENAME TO ${identifier(name.name)}`)
  tx.markRenamed(shadow, name)
}

export async function rename(tx: Transaction, { from, to }: StepOf<'rename'>): Promise<void> {
  if (!isSameName(from, to)) {
    await makeRoom(tx, to)
    await dropPlace(tx, to)
  }
  if (from.namespace !== to.namespace) {
    await tx.run(`CREATE TABLE ${qualified(to)} AS FROM ${qualified(from)}`)
    await dropPlace(tx, from)
    tx.markNew(to)
    return
  }
  await tx.run(`ALTER TABLE ${qualified(from)} RENAME TO ${identifier(to.name)}`)
  tx.markRenamed(from, to)
}

/** Columns that were dropped at the source stay, with what they hold, unless it is said otherwise. */
export async function alter(tx: Transaction, step: StepOf<'alter'>): Promise<void> {
  const { added, dropped, renamed, retyped } = diffShapes(step.from, step.to)
  const changed = retyped.filter(({ from, to }) => duckdbType(from) !== duckdbType(to))
  const gone = step.dropsColumns === true ? dropped : []
  if (added.length + gone.length + renamed.length + changed.length === 0) return
  const place = placeOf(step.table)
  if (tx.isWritten(place)) await rewrite(tx, place)
  await dropColumns(columnsOf(tx, place), gone)
  await renameColumns(columnsOf(tx, place), renamed)
  for (const column of added) await addColumn(tx, step, column)
  for (const change of changed) await retype(tx, step.table, change)
  await fillLists(tx, step, added)
}

function columnsOf(tx: Transaction, place: TableName): ColumnPlace {
  return {
    table: qualified(place),
    run: (sql) => tx.run(sql),
    hasColumn: (name) => hasColumn(tx, place, name),
  }
}

async function addColumn(tx: Transaction, step: StepOf<'alter'>, column: Column): Promise<void> {
  const place = placeOf(step.table)
  const name = identifier(column.name)
  const table = `ALTER TABLE ${qualified(place)}`
  await dropColumn(columnsOf(tx, place), column.name)
  const value = isList(column) ? null : defaultOf(step, column)
  const type = duckdbType(column.type)
  await tx.run(`${table} ADD COLUMN ${name} ${type} ${value === null ? '' : `DEFAULT ${value}`}`)
  if (value !== null) await tx.run(`${table} ALTER COLUMN ${name} DROP DEFAULT`)
}

/** The expression that makes a list cannot be a DEFAULT, and updates must come after all changes. */
async function fillLists(
  tx: Transaction,
  step: StepOf<'alter'>,
  added: readonly Column[],
): Promise<void> {
  const values = added.filter(isList).flatMap((column) => {
    const value = defaultOf(step, column)
    return value === null ? [] : [`${identifier(column.name)} = ${value}`]
  })
  if (values.length === 0) return
  const place = placeOf(step.table)
  await tx.run(`UPDATE ${qualified(place)} SET ${values.join(', ')}`)
  tx.markWritten(place)
}

function isList({ type }: Column): boolean {
  return duckdbType(type).endsWith('[]')
}

/** What rows that exist have in an added column, as an expression; `null` for NULL. */
function defaultOf({ defaults }: StepOf<'alter'>, { name, type }: Column): string | null {
  const text = defaults[name] ?? null
  return text === null ? null : fromText(type, literal(text))
}

/** Makes the table one of this transaction, with the same rows. */
async function rewrite(tx: Transaction, place: TableName): Promise<void> {
  await tx.run(`CREATE OR REPLACE TABLE ${qualified(place)} AS FROM ${qualified(place)}`)
  tx.markNew(place)
}

async function dropPlace(tx: Transaction, place: TableName): Promise<void> {
  await tx.run(`DROP TABLE IF EXISTS ${qualified(place)}`)
  tx.markNew(place)
}

/** Makes the schema, and refuses names that DuckDB takes for those of others. */
async function makeRoom(tx: Transaction, name: TableName): Promise<void> {
  await tx.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(name.namespace)}`)
  const schema = literal(name.namespace)
  const table = literal(name.name)
  const [row] = await tx.connection.rows(
    `SELECT schema_name AS other FROM duckdb_schemas()
     WHERE database_name = current_database()
       AND lower(schema_name) = lower(${schema}) AND schema_name <> ${schema}
     UNION ALL
     SELECT table_name FROM duckdb_tables()
     WHERE database_name = current_database() AND schema_name = ${schema}
       AND lower(table_name) = lower(${table}) AND table_name <> ${table}`,
  )
  if (row === undefined) return
  const id = tableId(name)
  fail(
    'TARGET_FAILED',
    `${id} differs from ${JSON.stringify(row['other'])} only in case, which DuckDB ignores`,
    { details: { table: id } },
  )
}

/** Under the names that they have in the catalog. */
export async function columnTypes(tx: Transaction, place: TableName): Promise<ColumnTypes> {
  const rows = await tx.connection.rows(
    `SELECT column_name AS name, data_type AS type FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = ${literal(place.namespace)}
       AND table_name = ${literal(place.name)} ORDER BY column_index`,
  )
  if (rows.length === 0) return null
  return new Map(rows.map(({ name, type }) => [textOf(name), textOf(type)]))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

async function hasColumn(tx: Transaction, place: TableName, column: string): Promise<boolean> {
  const rows = await tx.connection.rows(
    `SELECT 1 AS found FROM duckdb_columns() WHERE database_name = current_database()
       AND schema_name = ${literal(place.namespace)} AND table_name = ${literal(place.name)}
       AND lower(column_name) = lower(${literal(column)})`,
  )
  return rows.length > 0
}
