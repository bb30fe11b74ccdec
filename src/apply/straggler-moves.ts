/**
 * What a straggler does next, and which of the log's entries are its own.
 *
 * A load holds exactly the transactions that commit below its LSN. On top of it belongs, from manifest
 * `since + 1` on: nothing of earlier epochs, of the load's own epoch what commits at or above its LSN,
 * of later epochs everything. That goes for barriers too.
 */

import { unreachable } from '../core/errors.ts'
import type { Ledger, Straggler, StragglerLoad } from '../core/ledger.ts'
import type { Lsn } from '../core/lsn.ts'
import type { LoadMode, LoadPartEntry, Manifest } from '../core/manifest.ts'
import type { TableId } from '../core/table.ts'
import { isForUs } from './controls.ts'
import { isFull, type Limits, type Reached, type TableView } from './log.ts'
import type { Pieces } from './pieces.ts'

export type Move = 'none' | 'find-load' | 'take-parts' | 'catch-up' | 'join'

export function nextMove({ state, n }: Straggler, ledgerN: number): Move {
  switch (state) {
    case 'suspended':
    case 'loading':
      return 'none'
    case 'waiting':
      return ledgerN > 0 ? 'find-load' : 'none'
    case 'ready':
      return 'take-parts'
    case 'catching-up':
      return n !== null && n < ledgerN ? 'catch-up' : 'join'
    default:
      return unreachable(state)
  }
}

/** Whether the log, at the ledger, is behind the load: earlier the load is ahead of the other tables. */
export function mayJoin(load: StragglerLoad | null, reached: Reached): boolean {
  if (load === null || reached.epoch > load.epoch) return true
  return reached.epoch === load.epoch && reached.confirm >= load.lsn
}

/** Whether a straggler waits for the ledger to pass manifests that are nothing to anybody else. */
export function isHeldBack(ledger: Ledger, reached: Reached, beyond: Reached): boolean {
  for (const { load } of ledger.stragglers.values()) {
    if (load !== null && !mayJoin(load, reached) && mayJoin(load, beyond)) return true
  }
  return false
}

/** From which commit LSN on the changes of an epoch belong on top of a load; `null` for all, `'none'`. */
export function keptFrom(load: StragglerLoad | null, epoch: number): Lsn | null | 'none' {
  if (load === null || epoch > load.epoch) return null
  return epoch < load.epoch ? 'none' : load.lsn
}

/** Adds what a manifest holds of a straggler's table. */
export function addEntries(
  pieces: Pieces,
  { entries, epoch }: Manifest,
  straggler: { readonly table: TableId; readonly load: StragglerLoad | null },
): void {
  const from = keptFrom(straggler.load, epoch)
  if (from === 'none') return
  const isKept = (lsn: Lsn) => from === null || lsn >= from
  for (const entry of entries) {
    if (entry.table !== straggler.table) continue
    if (entry.type === 'changes') {
      if (isKept(entry.last.lsn)) pieces.changes(entry, isKept(entry.first.lsn) ? null : from)
    } else if (entry.type === 'truncate') {
      if (isKept(entry.position.lsn)) pieces.truncate(entry.table)
    } else if (entry.type === 'shape') {
      if (isKept(entry.position.lsn)) pieces.shape(entry)
    }
    // A rename or a drop took the straggler's row away when the ledger passed it.
  }
}

/** How many parts are taken once `done` of them are; at least one, if any is left. */
export function partsToTake(
  parts: readonly LoadPartEntry[],
  done: number,
  limits: Limits,
): readonly LoadPartEntry[] {
  const size = { rows: 0, bytes: 0 }
  let end = done
  while (end < parts.length && !isFull(size, limits)) {
    const { rows, bytes } = parts[end++]!
    size.rows += rows
    size.bytes += bytes
  }
  return parts.slice(done, end)
}

/** What the newest state of the log says about a table that waits for a load. */
export interface Waiting {
  readonly table: TableView | undefined
  readonly mode: LoadMode | null
  readonly ledgerN: number
  readonly consumer: string
}

/**
 * Whether a load must be asked for. Capture loads by itself every table that has no load yet, except
 * under `cdc`; and what the log holds beyond the ledger will reach us.
 */
export function mustAsk({ table, mode, ledgerN, consumer }: Waiting): boolean {
  if (table === undefined) return false
  if (table.openLoads.some((load) => isForUs(load.for, consumer))) return false
  const newest = table.newestLoad
  if (newest === null) return mode === 'cdc'
  return newest.endedAt !== null && newest.endedAt <= ledgerN
}

/** The row of a suspended table when it may go on: it takes up where it was. */
export function resumed(row: Straggler): Straggler {
  const { load, n } = row
  if (load === null || n !== null) {
    return { ...row, state: n === null ? 'waiting' : 'catching-up', error: null }
  }
  return { ...row, state: load.endedAt === null ? 'loading' : 'ready', error: null }
}
