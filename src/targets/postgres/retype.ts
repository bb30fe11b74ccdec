/**
 * A column that takes another type, with the rows that exist.
 *
 * Values keep their text; that is all that the log says of them. Where it is not certain from the two
 * types, the rows are asked, and if one would get another text, the table has to be loaded again. A
 * view that uses the column stands in the way, and the message says so.
 */

import type { Retyped } from '../../core/shape-diff.ts'
import type { TargetTable } from '../../core/target.ts'
import { changeOf } from '../../core/type-change.ts'
import { ambiguousType } from '../sql/columns.ts'
import { identifier } from '../sql/names.ts'
import { factsOf, place, qualified } from './catalog.ts'
import type { Session } from './session.ts'
import { typesIn } from './types.ts'

export async function retype(
  tx: Session,
  table: TargetTable,
  { name, from, to }: Retyped,
): Promise<void> {
  const at = place(table)
  const { namespace } = table.name
  const [wanted] = await typesIn(tx, [to], { namespace, version: tx.version })
  const type = wanted!
  const before = (await factsOf(tx, at))?.columns.get(name)
  if (before === type) return
  const column = identifier(name)
  const value = `CAST(CAST(${column} AS text) AS ${type})`
  if (changeOf(from, to) !== 'followable') {
    const isKept = await keepsText(tx, qualified(at), { column, value })
    if (!isKept) ambiguousType(table, name, { from: before ?? from.name, to: type })
  }
  await tx.run(`ALTER TABLE ${qualified(at)} ALTER COLUMN ${column} TYPE ${type} USING ${value}`)
}

/** A value that the type cannot hold makes the statement fail. */
async function keepsText(
  tx: Session,
  table: string,
  { column, value }: { readonly column: string; readonly value: string },
): Promise<boolean> {
  const others = `SELECT FROM ${table}
    WHERE CAST(${value} AS text) IS DISTINCT FROM CAST(${column} AS text) LIMIT 1`
  return (await tx.attempt(() => tx.run(others))) === 0
}
