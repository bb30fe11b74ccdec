/**
 * Where a consumer goes on whose place in the log is gone: as one that is new here.
 *
 * The log was cut above its ledger, so what happened in between is lost to it. Its tables become
 * stragglers at their newest loads, or ask for one; what the target shows until then stays as it is.
 */

import type { Straggler } from '../core/ledger.ts'
import type { TableId } from '../core/table.ts'
import { newLedger } from './beginning.ts'
import { tellStraggler, type ApplyParts } from './parts.ts'
import { expectMain, noSteps } from './place.ts'

/** False, and nothing changed, if the log still goes back to the ledger. */
export async function beginAgain(parts: ApplyParts): Promise<boolean> {
  const { consumer, facts, log, place } = parts
  facts.forgetFirst()
  place.forget()
  const ledger = await place.ledger()
  if (ledger.n + 1 >= (await facts.first())) return false
  const { n, epoch, stragglers } = await newLedger(log, consumer)
  const rows = new Map<TableId, Straggler | null>(stragglers)
  for (const table of ledger.stragglers.keys()) if (!rows.has(table)) rows.set(table, null)
  const isDone = await place.commit({
    expect: { ...expectMain(ledger), straggler: null },
    steps: noSteps(),
    ledger: { main: { n, epoch, v: ledger.v + 1 }, stragglers: rows, tables: new Map() },
  })
  // If another worker was faster, it has done the same.
  if (isDone) for (const [table, row] of rows) tellStraggler(parts, table, { row, rows: 0 })
  return true
}
