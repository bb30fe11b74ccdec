/**
 * What a target that deletes nothing does with the rows of a table, in SQL that every database has.
 *
 * Before the shadow of a load takes the place of the live table, it takes over what only that has: the
 * rows that were deleted at the source, or the versions before the load. Columns that only the live
 * table has come along.
 */

import { fail } from '../../core/errors.ts'
import { tableId } from '../../core/table.ts'
import type { StepOf } from './apply-step.ts'
import { ambiguousType } from './columns.ts'
import { identifier, literal } from './names.ts'

/** Types by the names of columns; `null` if the table is not there. */
export type ColumnTypes = ReadonlyMap<string, string> | null

export interface KeepPlace {
  /** The tables, as they stand in SQL. */
  readonly live: string
  readonly shadow: string
  /** What they have. */
  readonly liveColumns: ColumnTypes
  readonly shadowColumns: ColumnTypes
  run(sql: string): Promise<number>
}

export async function keepRows(place: KeepPlace, step: StepOf<'keep'>): Promise<void> {
  const { live, shadow, liveColumns: before, shadowColumns: after } = place
  const { by, marks } = step
  // A table of another mode has nothing that would be kept.
  if (before === null || after === null || !before.has(marks?.column ?? by[0]!)) return
  requireSame(step, before, after)
  for (const [name, type] of before) {
    if (after.has(name)) continue
    await place.run(`ALTER TABLE ${shadow} ADD COLUMN ${identifier(name)} ${type}`)
  }
  const names = [...before.keys()]
  const values = names.map((name) => {
    const value = `t.${identifier(name)}`
    if (name !== marks?.column) return value
    return `COALESCE(${value}, CAST(${literal(marks.value)} AS ${before.get(name)!}))`
  })
  const isSame = by.map((name) => `s.${identifier(name)} = t.${identifier(name)}`)
  await place.run(
    `INSERT INTO ${shadow} (${names.map(identifier).join(', ')})
     SELECT ${values.join(', ')} FROM ${live} t
     WHERE NOT EXISTS (SELECT 1 FROM ${shadow} s WHERE ${isSame.join(' AND ')})`,
  )
}

export async function markRows(
  place: { readonly table: string; readonly type: string; run(sql: string): Promise<number> },
  { column, value }: StepOf<'mark'>,
): Promise<number> {
  const name = identifier(column)
  return place.run(
    `UPDATE ${place.table} SET ${name} = CAST(${literal(value)} AS ${place.type})
     WHERE ${name} IS NULL`,
  )
}

/** The rows of before must be rows of the table as it is now, to the last value. */
function requireSame(
  { name: table, by }: StepOf<'keep'>,
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): void {
  for (const [name, to] of after) {
    const from = before.get(name)
    if (from !== undefined && from !== to) {
      ambiguousType({ name: table, isShadow: false }, name, { from, to })
    }
  }
  const missing = by.find((name) => !before.has(name))
  if (missing === undefined) return
  const id = tableId(table)
  fail('DDL_AMBIGUOUS', `${id}: rows that were kept have no ${missing}, which is in the key now`, {
    details: { table: id, column: missing },
  })
}
