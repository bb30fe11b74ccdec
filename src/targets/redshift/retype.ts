/**
 * A column that takes another type, with the rows that exist.
 *
 * Redshift changes nothing but the length of a VARCHAR, and that outside of transactions only, so it is
 * done before the claim: it loses nothing, and doing it twice does no harm. Everything else is a column
 * beside the old one, which takes its values and its name; a view that uses the column stands in the
 * way. Only a change that keeps the text of every value is made.
 */

import { CodedError } from '../../core/errors.ts'
import { diffShapes, type Retyped } from '../../core/shape-diff.ts'
import type { TargetTable } from '../../core/target.ts'
import { changeOf } from '../../core/type-change.ts'
import type { StepOf } from '../sql/apply-step.ts'
import { ambiguousType } from '../sql/columns.ts'
import { identifier } from '../sql/names.ts'
import { columnsOf } from './catalog.ts'
import { foldedShape, place, qualified } from './names.ts'
import type { RedshiftSession } from './session.ts'
import { lengthOf, redshiftType } from './types.ts'

const BESIDE = 'millrace retypes'

/** Outside of a transaction. What is refused here is done behind the claim, in the other way. */
export async function growTexts(session: RedshiftSession, step: StepOf<'alter'>): Promise<void> {
  const { renamed, retyped } = diffShapes(foldedShape(step.from), foldedShape(step.to))
  if (retyped.length === 0) return
  const at = place(step.table)
  const found = await columnsOf(session, at)
  for (const { name, to } of retyped) {
    const before = renamed.find((pair) => pair.to === name)?.from ?? name
    const wanted = redshiftType(to)
    if (!isLonger(wanted, found?.get(before) ?? '')) continue
    await grow(session, `${qualified(at)} ALTER COLUMN ${identifier(before)} TYPE ${wanted}`)
  }
}

function isLonger(wanted: string, found: string): boolean {
  const [longer, length] = [lengthOf(wanted), lengthOf(found)]
  return longer !== null && length !== null && longer > length
}

async function grow(session: RedshiftSession, change: string): Promise<void> {
  try {
    await session.run(`ALTER TABLE ${change}`)
  } catch (error) {
    const isRefused = error instanceof CodedError && error.recovery !== 'retry'
    if (!isRefused || session.isLost) throw error
  }
}

export async function retype(
  session: RedshiftSession,
  table: TargetTable,
  { name, from, to }: Retyped,
): Promise<void> {
  const at = place(table)
  const wanted = redshiftType(to)
  const found = (await columnsOf(session, at))?.get(name) ?? redshiftType(from)
  if (found === wanted || isLonger(found, wanted)) return
  if (changeOf(from, to) !== 'followable') ambiguousType(table, name, { from: found, to: wanted })
  const [old, beside] = [identifier(name), identifier(BESIDE)]
  const alter = `ALTER TABLE ${qualified(at)}`
  await session.run(`${alter} ADD COLUMN ${beside} ${wanted}`)
  await session.run(`UPDATE ${qualified(at)} SET ${beside} = CAST(${old} AS ${wanted})`)
  await session.run(`${alter} DROP COLUMN ${old}`)
  await session.run(`${alter} RENAME COLUMN ${beside} TO ${old}`)
}
