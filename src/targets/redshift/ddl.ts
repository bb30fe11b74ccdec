/**
 * Tables made, altered, renamed and dropped; all of it is part of Redshift's transactions, but for
 * TRUNCATE, which ends them and is never used, and for what is done before the claim, since it may be
 * repeated: schemas are made, and a VARCHAR becomes longer (`retype.ts`).
 *
 * What users hang on a table is theirs: a view, grants. So a table that is made anew in the place of one
 * of the same columns is emptied instead, and nothing is ever dropped with CASCADE.
 *
 * https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html
 */

import { fail } from '../../core/errors.ts'
import { diffShapes } from '../../core/shape-diff.ts'
import { tableId, type Column, type Shape, type TableName } from '../../core/table.ts'
import type { StepOf } from '../sql/apply-step.ts'
import { dropColumn, dropColumns, renameColumns, type ColumnPlace } from '../sql/columns.ts'
import { identifier } from '../sql/names.ts'
import { liveColumns } from '../sql/rows.ts'
import { columnsOf, makeSchema } from './catalog.ts'
import { attributesOf } from './layout.ts'
import { foldedShape, foldedTable, literal, place, qualified, requireOwnName } from './names.ts'
import { retype } from './retype.ts'
import type { RedshiftSession } from './session.ts'
import { redshiftType } from './types.ts'
import { valueText } from './values.ts'
import type { Transaction } from './work.ts'

export async function create(tx: Transaction, { table, shape }: StepOf<'create'>): Promise<void> {
  const { session } = tx
  const at = place(table)
  requireOwnName(table.name, tx.tables)
  const wanted = wantedColumns(shape)
  const found = await columnsOf(session, at)
  if (found !== null && !table.isShadow && isSame(found, wanted)) {
    await session.run(`DELETE FROM ${qualified(at)}`)
    return
  }
  if (found !== null) await dropTable(session, at)
  const columns = [...wanted].map(([name, type]) => `${identifier(name)} ${type}`)
  const layout = tx.layoutOf(table.name) ?? {}
  const names = new Set(wanted.keys())
  const attributes = attributesOf(layout, { table: table.name, columns: names })
  await session.run(`CREATE TABLE ${qualified(at)} (${columns.join(', ')})${attributes}`)
}

/** Before the claim. */
export async function makeSchemaOf(
  session: RedshiftSession,
  step: StepOf<'create' | 'rename'>,
): Promise<void> {
  const table = step.type === 'create' ? step.table.name : step.to
  await makeSchema(session, foldedTable(table).namespace)
}

export async function drop({ session }: Transaction, { table }: StepOf<'drop'>): Promise<void> {
  await dropTable(session, place(table))
}

export async function truncate(
  { session }: Transaction,
  { table }: StepOf<'truncate'>,
): Promise<void> {
  await session.run(`DELETE FROM ${qualified(place(table))}`)
}

/** No table can be moved into another schema, so one is made like it there. */
export async function rename(tx: Transaction, { from, to }: StepOf<'rename'>): Promise<void> {
  const { session } = tx
  const [before, after] = [foldedTable(from), foldedTable(to)]
  if (qualified(before) === qualified(after)) return
  const others = new Set(tx.tables)
  others.delete(tableId(from))
  requireOwnName(to, others)
  await dropTable(session, after)
  if (before.namespace === after.namespace) {
    await session.run(`ALTER TABLE ${qualified(before)} RENAME TO ${identifier(after.name)}`)
    return
  }
  const columns = await columnsOf(session, before)
  if (columns === null) fail('TARGET_FAILED', `${tableId(from)} is not in the target`)
  const names = namesOf(columns.keys())
  await session.run(
    `CREATE TABLE ${qualified(after)} (LIKE ${qualified(before)} INCLUDING DEFAULTS)`,
  )
  await session.run(
    `INSERT INTO ${qualified(after)} (${names}) SELECT ${names} FROM ${qualified(before)}`,
  )
  await dropTable(session, before)
}

/** Columns that were dropped at the source stay, with what they hold. */
export async function alter({ session }: Transaction, step: StepOf<'alter'>): Promise<void> {
  const { added, dropped, renamed, retyped } = diffShapes(
    foldedShape(step.from),
    foldedShape(step.to),
  )
  const at = place(step.table)
  if (step.dropsColumns === true) await dropColumns(placeOfColumns(session, at), dropped)
  await renameColumns(placeOfColumns(session, at), renamed)
  for (const column of added) await addColumn(session, step, column)
  for (const change of retyped) await retype(session, step.table, change)
}

/**
 * A default stays with its column, where nothing uses it: every INSERT of ours names all columns. Types
 * that have no constants get the value in their rows.
 */
async function addColumn(
  session: RedshiftSession,
  step: StepOf<'alter'>,
  column: Column,
): Promise<void> {
  const at = qualified(place(step.table))
  const name = identifier(column.name)
  await dropColumn(placeOfColumns(session, place(step.table)), column.name)
  const type = redshiftType(column.type)
  const value = defaultOf(step, column)
  const needsUpdate = value !== null && /^(SUPER|VARBYTE)/.test(type)
  const rest = value === null || needsUpdate ? '' : ` DEFAULT ${literal(value)}`
  await session.run(`ALTER TABLE ${at} ADD COLUMN ${name} ${type}${rest}`)
  if (!needsUpdate) return
  const made =
    type === 'SUPER' ? `JSON_PARSE(${literal(value)})` : `TO_VARBYTE(${literal(value)}, 'hex')`
  await session.run(`UPDATE ${at} SET ${name} = ${made}`)
}

/** What rows that exist have in an added column; `null` for NULL. */
function defaultOf({ table, to, defaults }: StepOf<'alter'>, column: Column): string | null {
  const own = foldedShape(to).columns.findIndex(({ name }) => name === column.name)
  const value = defaults[to.columns[own]?.name ?? column.name] ?? null
  if (value === null) return null
  const id = tableId(table.name)
  return (
    valueText(column.type, value) ??
    fail('VALUE_UNFIT', `${id}: the default of column ${column.name} does not fit into Redshift`, {
      details: { table: id, column: column.name },
    })
  )
}

/**
 * The live table stays, with its views and grants, takes the columns of the shadow, and its rows are
 * exchanged; readers see the old ones until the commit.
 */
export async function swap({ session }: Transaction, { name }: StepOf<'swap'>): Promise<void> {
  const shadow = place({ name, isShadow: true })
  const live = foldedTable(name)
  const before = await columnsOf(session, live)
  if (before === null) {
    await session.run(`ALTER TABLE ${qualified(shadow)} RENAME TO ${identifier(live.name)}`)
    return
  }
  const columns = (await columnsOf(session, shadow)) ?? new Map<string, string>()
  const table = `ALTER TABLE ${qualified(live)}`
  await session.run(`DELETE FROM ${qualified(live)}`)
  for (const [column, type] of columns) {
    const own = before.get(column)
    if (own === type) continue
    if (own !== undefined) await session.run(`${table} DROP COLUMN ${identifier(column)}`)
    await session.run(`${table} ADD COLUMN ${identifier(column)} ${type}`)
  }
  const names = namesOf(columns.keys())
  await session.run(
    `INSERT INTO ${qualified(live)} (${names}) SELECT ${names} FROM ${qualified(shadow)}`,
  )
  await dropTable(session, shadow)
}

export function placeOfColumns(session: RedshiftSession, at: TableName): ColumnPlace {
  return {
    table: qualified(at),
    run: (sql) => session.run(sql),
    hasColumn: async (name) => (await columnsOf(session, at))?.has(name) ?? false,
  }
}

function namesOf(columns: Iterable<string>): string {
  return [...columns].map((column) => identifier(column)).join(', ')
}

/** Types by the names of the columns. */
function wantedColumns(shape: Shape): Map<string, string> {
  const live = liveColumns(foldedShape(shape))
  return new Map(live.map(({ column }) => [column.name, redshiftType(column.type)]))
}

function isSame(found: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): boolean {
  if (found.size !== wanted.size) return false
  return [...wanted].every(([name, type]) => found.get(name) === type)
}

async function dropTable(session: RedshiftSession, at: TableName): Promise<void> {
  await session.run(`DROP TABLE IF EXISTS ${qualified(at)}`)
}
