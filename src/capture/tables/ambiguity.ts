/**
 * What happened to a table whose effect on rows that exist the log cannot tell.
 *
 * Pure. Where it is not certain that nothing happened, it is said that something did: the table is
 * loaded once too often then, and never shows wrong rows.
 */

import type { ShapeDiff } from '../../core/shape-diff.ts'
import type { Column, Shape } from '../../core/table.ts'
import { changeOf } from '../../core/type-change.ts'
import type { RelationFacts } from './tracked-tables.ts'

type DefaultFacts = Pick<RelationFacts, 'missing' | 'computed'>

/** One phrase for each such change; none if the log tells all. */
export function ambiguitiesOf(from: Shape, diff: ShapeDiff, facts: DefaultFacts): string[] {
  const replaced = new Set(diff.dropped.map(({ name }) => name))
  const numbers = new Set(diff.added.map(({ attnum }) => attnum ?? 0))
  const last = Math.max(0, ...from.columns.map(({ attnum }) => attnum ?? 0))
  const found: string[] = []
  for (const column of diff.added) {
    if (replaced.has(column.name)) found.push(`column ${column.name} is another one`)
    else if (!isNew(column, last, numbers) || !isCertain(column, facts)) {
      found.push(`column ${column.name} is new, and what rows have in it is not known`)
    }
  }
  for (const { name, from: was, to } of diff.retyped) {
    if (changeOf(was, to) !== 'rewrite') continue
    found.push(`column ${name} went from ${was.name} to ${to.name}`)
  }
  if (diff.keyChanged) found.push('the key is another one')
  return found
}

/**
 * A column that is truly new has a higher number than all before it, and every number between is that
 * of another new one. The catalogs know the present only: where a number is missing, a column of this
 * name may have come and gone, and its rows may still be to come.
 */
function isNew({ attnum }: Column, last: number, numbers: ReadonlySet<number>): boolean {
  if (attnum === undefined || attnum <= last) return false
  for (let between = last + 1; between < attnum; between++) {
    if (!numbers.has(between)) return false
  }
  return true
}

/** Rows that exist have a constant, or nothing. */
function isCertain({ name }: Column, facts: DefaultFacts): boolean {
  return facts.missing.has(name) || !facts.computed.has(name)
}
