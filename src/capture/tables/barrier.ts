/** What the log must say of a table before its next row. */

import { diffShapes } from '../../core/shape-diff.ts'
import type { TableId } from '../../core/table.ts'
import { ambiguitiesOf } from './ambiguity.ts'
import type { KnownShape, RelationFacts } from './tracked-tables.ts'

export interface Barrier {
  /** Its name in the log; `null` if it is new there. */
  readonly from: TableId | null
  /** The name belongs to another table in the log, which must give it up first. */
  readonly evicts: boolean
  readonly defaults: Readonly<Record<string, string | null>>
  /** What of the change the log cannot tell. */
  readonly ambiguities: readonly string[]
}

export const NEW: Barrier = { from: null, evicts: false, defaults: {}, ambiguities: [] }

/** Of a table that has gone, of which no row should come any more. */
export const GONE: Barrier = { ...NEW }

/** `null` if the log has the table as it is. */
export function barrierOf(
  before: KnownShape,
  now: KnownShape,
  facts: RelationFacts & { readonly widened: readonly string[] },
): Barrier | null {
  const isSame = before.shape === now.shape && before.id === now.id
  if (isSame && facts.widened.length === 0) return null
  const defaults: Record<string, string | null> = {}
  const diff = diffShapes(before.shape, now.shape)
  for (const { name } of diff.added) {
    defaults[name] = facts.missing.get(name) ?? null
  }
  const ambiguities = [...ambiguitiesOf(before.shape, diff, facts), ...facts.widened]
  return { from: before.id, evicts: false, defaults, ambiguities }
}
