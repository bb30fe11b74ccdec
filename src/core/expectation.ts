/** The compare of compare-and-set, for targets that can see their whole ledger inside the transaction. */

import type { Ledger } from './ledger.ts'
import type { Expectation } from './target.ts'

/** Whether the ledger, `null` if there is none, is where the work expects it. */
export function isAsExpected(ledger: Ledger | null, { main, straggler }: Expectation): boolean {
  if (main !== null && !isMain(ledger, main)) return false
  if (straggler === null) return true
  const actual = ledger?.stragglers.get(straggler.table)
  if (actual === undefined) return false
  const isSameLoad = (actual.load?.load ?? null) === straggler.load
  return isSameLoad && actual.n === straggler.n && actual.partsDone === straggler.partsDone
}

function isMain(ledger: Ledger | null, main: NonNullable<Expectation['main']>): boolean {
  if (ledger === null) return main.n === -1
  return ledger.n === main.n && ledger.epoch === main.epoch && ledger.v === main.v
}
