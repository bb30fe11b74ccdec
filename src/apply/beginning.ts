/**
 * Where a new consumer begins.
 *
 * At the newest manifest that ends a transaction, every table a straggler: at its newest complete
 * load, at one that is under way, or waiting. Only where nothing is ever loaded (`cdc`) and the whole
 * log is still there does it begin at the beginning, because the log is all there is.
 */

import { fail } from '../core/errors.ts'
import type { Ledger } from '../core/ledger.ts'
import { placeInLog } from './controls.ts'
import type { Log, LogView } from './log.ts'

const EMPTY_LEDGER: Ledger = {
  n: 0,
  epoch: 1,
  v: 0,
  stragglers: new Map(),
  tables: new Map(),
}

export async function newLedger(log: Log, consumer: string): Promise<Ledger> {
  const head = await log.recover()
  if (head.n === 0) return EMPTY_LEDGER
  const first = await log.first()
  if (head.run?.load === 'cdc' && first === 1) return EMPTY_LEDGER
  const n = await newestEnd(log, head.n)
  return ledgerAt(n === head.n ? head : await log.stateAt(n), first, consumer)
}

function ledgerAt(state: LogView, first: number, consumer: string): Ledger {
  const { n, epoch } = state
  const stragglers = new Map(
    [...state.tables].map(([id, table]) => [id, placeInLog(table, { n, first, consumer })]),
  )
  return { n, epoch, v: 0, stragglers, tables: new Map() }
}

async function newestEnd(log: Log, head: number): Promise<number> {
  for (let n = head; ; n--) {
    const manifest = await log.manifest(n)
    if (manifest === null) {
      return fail('LOG_EXPIRED', `the log holds no whole transaction at or below manifest ${head}`)
    }
    if (manifest.to.end) return n
  }
}
