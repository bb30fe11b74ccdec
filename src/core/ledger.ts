/**
 * A consumer's own record of how far it took the log, kept with its data.
 *
 * The main row says which manifest was taken last. A straggler is a table that is not there: it is
 * being loaded, catching up, or suspended, and has a place of its own. `v` counts every change of
 * the set of stragglers; a claim names it, so that a batch planned with other stragglers cannot
 * commit.
 */

import type { ErrorCode } from './errors.ts'
import type { Lsn } from './lsn.ts'
import type { TableId } from './table.ts'

export interface Ledger {
  /** The last manifest taken; 0 before the first. */
  readonly n: number
  readonly epoch: number
  readonly v: number
  readonly stragglers: ReadonlyMap<TableId, Straggler>
  /** Live tables of the target: the key of the shape that each has now. */
  readonly tables: ReadonlyMap<TableId, string>
}

export type StragglerState =
  | 'waiting' // for a load to begin
  | 'loading' // its load has begun and not ended in the log
  | 'ready' // its load is complete in the log; its parts are being taken
  | 'catching-up' // its rows are there; it takes the manifests after them
  | 'suspended' // it failed for good, or an operator stopped it

export interface Straggler {
  readonly state: StragglerState
  /** The live table is left out of batches: there is none yet, or it is this straggler. */
  readonly isPassed: boolean
  /** What is loaded into a shadow table; `null` for one that catches up in its live table. */
  readonly load: StragglerLoad | null
  /** Parts of the load that were taken. */
  readonly partsDone: number
  /** The last manifest taken for this table; `null` while its load is not complete. */
  readonly n: number | null
  /** Key of the shape that the shadow table has now. */
  readonly shape: string | null
  readonly error: { readonly code: ErrorCode; readonly message: string } | null
}

export interface StragglerLoad {
  readonly load: string
  readonly lsn: Lsn
  readonly epoch: number
  readonly since: number
  /** The manifest with its load-begin. */
  readonly beganAt: number
  /** The manifest with its load-end; `null` while it is open. */
  readonly endedAt: number | null
}
