/**
 * The primary key of tables that we make: the columns by which the source finds rows again.
 *
 * It makes deletes fast, and nothing depends on it: where the types of the columns cannot have an
 * index, such as `json`, or rows repeat, the table goes without.
 */

import type { Shape, TableName } from '../../core/table.ts'
import { identifier } from '../sql/names.ts'
import { factsOf, qualified } from './catalog.ts'
import type { Session } from './session.ts'

/** Gives the table a primary key if it can have one. */
export async function tryKey(tx: Session, at: TableName, shape: Shape): Promise<void> {
  const names = keyOf(shape)
  if (names.length === 0) return
  const columns = names.map((name) => identifier(name)).join(', ')
  await tx.attempt(() => tx.run(`ALTER TABLE ${qualified(at)} ADD PRIMARY KEY (${columns})`))
}

/** The key of the shape in the place of the one that the table has. A table without one gets it too. */
export async function moveKey(tx: Session, at: TableName, shape: Shape): Promise<void> {
  const key = (await factsOf(tx, at))?.key ?? null
  const names = keyOf(shape)
  if (key !== null) {
    if (isSame(key.columns, names)) return
    const table = `ALTER TABLE ${qualified(at)}`
    await tx.run(`${table} DROP CONSTRAINT ${identifier(key.constraint)}`)
    // What is no part of the key may be NULL at the source.
    for (const name of key.columns.filter((one) => !names.includes(one))) {
      await tx.run(`${table} ALTER COLUMN ${identifier(name)} DROP NOT NULL`)
    }
  }
  await tryKey(tx, at, shape)
}

/** Whether the table itself refuses a second row of the same key. */
export async function refusesDoubles(tx: Session, at: TableName, shape: Shape): Promise<boolean> {
  const key = (await factsOf(tx, at))?.key ?? null
  return key !== null && key.isImmediate && isSame(key.columns, keyOf(shape))
}

function keyOf({ key, columns }: Shape): string[] {
  return key.map((index) => columns[index]!.name)
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name))
}
