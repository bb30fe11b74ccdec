/**
 * Tables made, altered, renamed and dropped; all of it is part of PostgreSQL's transactions.
 *
 * What users hang on a table is theirs: a view, an index, a grant. So a table that is made anew in the
 * place of one of the same columns is emptied instead, and nothing is ever dropped with CASCADE. What
 * cannot be done for that reason fails, and the message names what stands in the way.
 */

import { diffShapes } from '../../core/shape-diff.ts'
import type { Column, Shape, TableName } from '../../core/table.ts'
import type { StepOf } from '../sql/apply-step.ts'
import { dropColumn, dropColumns, renameColumns, type ColumnPlace } from '../sql/columns.ts'
import { identifier, literal } from '../sql/names.ts'
import { liveColumns } from '../sql/rows.ts'
import { factsOf, place, qualified, type TableFacts } from './catalog.ts'
import { moveKey, tryKey } from './key.ts'
import { retype } from './retype.ts'
import type { Session } from './session.ts'
import { typesIn } from './types.ts'

export async function create(tx: Session, { table, shape }: StepOf<'create'>): Promise<void> {
  const at = place(table)
  const wanted = await wantedColumns(tx, shape)
  const facts = await factsOf(tx, at)
  if (facts !== null && !table.isShadow && isSame(facts, wanted)) {
    await truncateTable(tx, at)
    return
  }
  if (facts !== null) await dropTable(tx, at)
  else await makeSchema(tx, at.namespace)
  const columns = [...wanted].map(([name, type]) => `${identifier(name)} ${type}`)
  await tx.run(`CREATE TABLE ${qualified(at)} (${columns.join(', ')})`)
  await tryKey(tx, at, shape)
}

export async function drop(tx: Session, { table }: StepOf<'drop'>): Promise<void> {
  await dropTable(tx, place(table))
}

export async function truncate(tx: Session, { table }: StepOf<'truncate'>): Promise<void> {
  await truncateTable(tx, place(table))
}

export async function rename(tx: Session, { from, to }: StepOf<'rename'>): Promise<void> {
  await dropTable(tx, to)
  if (from.namespace === to.namespace) {
    await tx.run(`ALTER TABLE ${qualified(from)} RENAME TO ${identifier(to.name)}`)
    return
  }
  // Neither schema may have a table of the other name meanwhile.
  const between = { namespace: from.namespace, name: 'millrace renames' }
  await makeSchema(tx, to.namespace)
  await tx.run(`ALTER TABLE ${qualified(from)} RENAME TO ${identifier(between.name)}`)
  await tx.run(`ALTER TABLE ${qualified(between)} SET SCHEMA ${identifier(to.namespace)}`)
  const moved = qualified({ ...between, namespace: to.namespace })
  await tx.run(`ALTER TABLE ${moved} RENAME TO ${identifier(to.name)}`)
}

/** Columns that were dropped at the source stay, with what they hold, unless it is said otherwise. */
export async function alter(tx: Session, step: StepOf<'alter'>): Promise<void> {
  const { added, dropped, renamed, retyped, keyChanged } = diffShapes(step.from, step.to)
  const at = place(step.table)
  if (step.dropsColumns === true) await dropColumns(columnsOf(tx, at), dropped)
  await renameColumns(columnsOf(tx, at), renamed)
  for (const column of added) await addColumn(tx, step, column)
  for (const change of retyped) await retype(tx, step.table, change)
  if (keyChanged) await moveKey(tx, at, step.to)
}

async function addColumn(tx: Session, step: StepOf<'alter'>, column: Column): Promise<void> {
  const at = place(step.table)
  const name = identifier(column.name)
  const table = `ALTER TABLE ${qualified(at)}`
  await dropColumn(columnsOf(tx, at), column.name)
  const [type] = await typesIn(tx, [column.type], placeOfTypes(tx, at))
  const value = step.defaults[column.name] ?? null
  const rest = value === null ? '' : `DEFAULT CAST(${literal(value)} AS ${type!})`
  await tx.run(`${table} ADD COLUMN ${name} ${type!} ${rest}`)
  if (value !== null) await tx.run(`${table} ALTER COLUMN ${name} DROP DEFAULT`)
}

function columnsOf(tx: Session, at: TableName): ColumnPlace {
  return {
    table: qualified(at),
    run: (sql) => tx.run(sql),
    hasColumn: async (name) => (await factsOf(tx, at))?.columns.has(name) ?? false,
  }
}

/** Types by the names of the columns. */
async function wantedColumns(tx: Session, shape: Shape): Promise<Map<string, string>> {
  const live = liveColumns(shape).map(({ column }) => column)
  const types = await typesIn(
    tx,
    live.map(({ type }) => type),
    placeOfTypes(tx, shape.table),
  )
  return new Map(live.map(({ name }, i) => [name, types[i]!]))
}

export function placeOfTypes(
  { version }: Session,
  { namespace }: TableName,
): { namespace: string; version: number } {
  return { namespace, version }
}

function isSame({ columns }: TableFacts, wanted: ReadonlyMap<string, string>): boolean {
  if (columns.size !== wanted.size) return false
  return [...wanted].every(([name, type]) => columns.get(name) === type)
}

export async function dropTable(tx: Session, at: TableName): Promise<void> {
  await tx.run(`DROP TABLE IF EXISTS ${qualified(at)}`)
}

/** Rows that a foreign key of the target refers to can only be deleted. */
async function truncateTable(tx: Session, at: TableName): Promise<void> {
  const [row] = await tx.rows(
    `SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint
       WHERE contype = 'f' AND confrelid = ${literal(qualified(at))}::pg_catalog.regclass) AS found`,
  )
  const isReferred = row?.['found'] === true
  await tx.run(isReferred ? `DELETE FROM ${qualified(at)}` : `TRUNCATE ${qualified(at)}`)
}

/**
 * IF NOT EXISTS would ask for the right to make schemas even where there is one, and fail where others
 * make it at the same time.
 */
export async function makeSchema(tx: Session, name: string): Promise<void> {
  if (await hasSchema(tx, name)) return
  await tx.lock(`schema ${name}`)
  if (!(await hasSchema(tx, name))) await tx.run(`CREATE SCHEMA ${identifier(name)}`)
}

async function hasSchema(tx: Session, name: string): Promise<boolean> {
  const found = await tx.rows(
    `SELECT 1 AS found FROM pg_catalog.pg_namespace WHERE nspname = ${literal(name)}`,
  )
  return found.length > 0
}
