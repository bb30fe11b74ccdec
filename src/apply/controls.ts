/**
 * What the loads in the log make of a table's row in the ledger.
 *
 *   (none) ──begin──► loading ──end──► ready ──parts──► catching-up ──join──► (none)
 *                        │ cancel
 *                        └──► waiting, if the table is passed by; else (none), the live copy goes on
 *
 * A begin replaces whatever the row was: a newer load is the better one. A table that has a live copy
 * is loaded beside it and not passed by.
 */

import { unreachable } from '../core/errors.ts'
import type { Straggler, StragglerLoad } from '../core/ledger.ts'
import type { LoadBeginEntry, LoadEntry } from '../core/manifest.ts'
import type { LoadView, TableView } from './log.ts'

export const WAITING: Straggler = {
  state: 'waiting',
  isPassed: true,
  load: null,
  partsDone: 0,
  n: null,
  shape: null,
  error: null,
}

export interface ControlFacts {
  /** Our name in the `for` of loads. */
  readonly consumer: string
  /** The first manifest that is kept. */
  readonly first: number
  /** The manifest with the entry. */
  readonly n: number
  readonly epoch: number
  readonly isLive: boolean
}

/** The table's row after the entry, `null` for none; `undefined` if the entry is nothing to us. */
export function control(
  row: Straggler | null,
  entry: LoadEntry,
  facts: ControlFacts,
): Straggler | null | undefined {
  switch (entry.type) {
    case 'load-begin':
      return isForUs(entry.for, facts.consumer) && entry.since + 1 >= facts.first
        ? begun(row, entry, facts)
        : undefined
    case 'load-part':
      return undefined
    case 'load-end':
      if (!row?.load || row.load.load !== entry.load) return undefined
      return {
        ...row,
        state: row.state === 'loading' ? 'ready' : row.state,
        load: { ...row.load, endedAt: facts.n },
      }
    case 'load-cancel':
      if (row?.load?.load !== entry.load) return undefined
      return row.isPassed ? WAITING : null
    default:
      return unreachable(entry)
  }
}

function begun(row: Straggler | null, entry: LoadBeginEntry, facts: ControlFacts): Straggler {
  const { load, lsn, since } = entry
  return {
    ...WAITING,
    state: 'loading',
    isPassed: row?.isPassed ?? !facts.isLive,
    load: { load, lsn, since, epoch: facts.epoch, beganAt: facts.n, endedAt: null },
  }
}

export interface LogPlace {
  readonly n: number
  readonly first: number
  readonly consumer: string
}

/** Where a table without a live copy begins, for a ledger at manifest `n`, whose state is `table`. */
export function placeInLog(table: TableView | undefined, place: LogPlace): Straggler {
  // What followed a load under another name is not looked for.
  const isKept = ({ since, under }: LoadView) => since + 1 >= place.first && under === undefined
  const newest = table?.newestLoad ?? null
  if (newest !== null && newest.endedAt !== null && newest.endedAt <= place.n && isKept(newest)) {
    return { ...WAITING, state: 'ready', load: stragglerLoad(newest) }
  }
  const open = table?.openLoads.findLast(
    (load) => isForUs(load.for, place.consumer) && isKept(load),
  )
  if (open === undefined) return WAITING
  return { ...WAITING, state: 'loading', load: stragglerLoad(open) }
}

export function isForUs(names: 'all' | readonly string[], consumer: string): boolean {
  return names === 'all' || names.includes(consumer)
}

function stragglerLoad({ load, lsn, epoch, since, beganAt, endedAt }: LoadView): StragglerLoad {
  return { load, lsn, epoch, since, beganAt, endedAt }
}
