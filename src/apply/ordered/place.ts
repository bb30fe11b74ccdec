/**
 * The place of an ordered consumer in the log, and of each table that it has met.
 *
 *   waiting ──begin──► loading ──end──► ready ──files──► catching-up ──► live
 *                         │ cancel
 *                         └──► where it was before
 *
 * The rules of stragglers hold here too: a load contains what commits below its LSN, and on top of it
 * belongs the rest from manifest `since + 1` on. But nothing is filled aside, so a table that is loaded
 * again is held back until its load is there: its rows come first, and then the changes.
 */

import type { StragglerLoad } from '../../core/ledger.ts'
import type { Memo, LoadPlace } from '../../core/ordered.ts'
import type { TableId } from '../../core/table.ts'

export interface OrderedPlace {
  /** The last manifest that was taken; 0 before the first. */
  readonly n: number
  readonly epoch: number
  /** What is being taken: decided, and perhaps half done. */
  readonly pending: Pending | null
  readonly tables: ReadonlyMap<TableId, TablePlace>
  /** Of the stream of all tables, for a taker that merges them. */
  readonly memo: Memo
}

export interface Pending {
  /** `null`: the changes of all tables that are live. */
  readonly table: TableId | null
  /** The last manifest of it. */
  readonly until: number
}

type TableState =
  | 'live'
  | 'waiting' // for a load to begin
  | 'loading'
  | 'ready' // its load is complete in the log; its rows are being taken
  | 'catching-up' // it takes the manifests after its own n
  | 'gone' // dropped, or renamed

export interface TablePlace {
  readonly state: TableState
  readonly load: StragglerLoad | null
  /** The last manifest taken for the table, while it is catching up. */
  readonly n: number | null
  /** Where in its load the next row stands. */
  readonly place: LoadPlace
  /** Where its changes go on if the load is cancelled; `null` if it has none to go on with. */
  readonly back: { readonly n: number; readonly load: StragglerLoad | null } | null
  readonly memo: Memo
}

export const FIRST_ROW: LoadPlace = { part: 0, row: 0 }

export const NEW_TABLE: TablePlace = {
  state: 'waiting',
  load: null,
  n: null,
  place: FIRST_ROW,
  back: null,
  memo: {},
}

/** How many tables are not there yet and will be. */
export function stragglersOf({ tables }: OrderedPlace): number {
  let count = 0
  for (const { state } of tables.values()) if (state !== 'live' && state !== 'gone') count++
  return count
}

/** The tables that have something of the log to take that others have taken. */
export function busyTables({ tables }: OrderedPlace): ReadonlySet<TableId> {
  const busy = new Set<TableId>()
  for (const [table, { state }] of tables) {
    if (state === 'ready' || state === 'catching-up') busy.add(table)
  }
  return busy
}

/** The last manifest that the consumer and all its tables have left behind. */
export function neededAbove({ n, tables }: OrderedPlace): number {
  let above = n
  for (const table of tables.values()) {
    if (table.n !== null) above = Math.min(above, table.n)
    if (table.back !== null) above = Math.min(above, table.back.n)
    const isLoading = table.state === 'loading' || table.state === 'ready'
    if (isLoading && table.load !== null) above = Math.min(above, table.load.since)
  }
  return above
}

/** The ledger with some of its tables changed. */
export function withTables(
  place: OrderedPlace,
  changes: ReadonlyMap<TableId, TablePlace>,
): OrderedPlace {
  return changes.size === 0 ? place : { ...place, tables: new Map([...place.tables, ...changes]) }
}
