/** Columns that take other names or other types, as far as every database does it in the same way. */

import { fail } from '../../core/errors.ts'
import type { Renamed } from '../../core/shape-diff.ts'
import { tableId } from '../../core/table.ts'
import type { TargetTable } from '../../core/target.ts'
import { identifier } from './names.ts'

export interface ColumnPlace {
  /** The table, as it stands in SQL. */
  readonly table: string
  run(sql: string): Promise<number>
  hasColumn(name: string): Promise<boolean>
}

/**
 * Columns may have exchanged their names, so all give theirs up before any takes another. A column
 * that the source dropped, and that was kept, makes room for one that takes its name.
 */
export async function renameColumns(
  place: ColumnPlace,
  renamed: readonly Renamed[],
): Promise<void> {
  const table = `ALTER TABLE ${place.table}`
  const move = async (from: string, to: string): Promise<void> => {
    await place.run(`${table} RENAME COLUMN ${identifier(from)} TO ${identifier(to)}`)
  }
  for (const [i, { from }] of renamed.entries()) await move(from, between(i))
  for (const [i, { to }] of renamed.entries()) {
    await dropColumn(place, to)
    await move(between(i), to)
  }
}

function between(i: number): string {
  return `millrace renames ${i}`
}

/** Columns that the source does not have any more. */
export async function dropColumns(
  place: ColumnPlace,
  dropped: readonly { readonly name: string }[],
): Promise<void> {
  for (const { name } of dropped) await dropColumn(place, name)
}

/** Makes room for another column of the name. */
export async function dropColumn(place: ColumnPlace, name: string): Promise<void> {
  if (!(await place.hasColumn(name))) return
  await place.run(`ALTER TABLE ${place.table} DROP COLUMN ${identifier(name)}`)
}

/**
 * The log does not carry what happened to rows that exist, so only a change that keeps every value is
 * made in place; for any other the table has to be loaded again.
 */
export function ambiguousType(
  table: TargetTable,
  name: string,
  { from, to }: { readonly from: string; readonly to: string },
): never {
  const id = tableId(table.name)
  fail('DDL_AMBIGUOUS', `${id}: column ${name} cannot go from ${from} to ${to} with its rows`, {
    details: { table: id, column: name },
  })
}
