/**
 * What happened, for whoever wants to watch: statistics, logs, metrics, the dashboard.
 *
 * Capture and apply know none of them; they hand facts to an `Emit` and go on. Events carry counts
 * and names, never row values.
 */

import type { CodedError } from './errors.ts'
import type { StragglerState } from './ledger.ts'
import type { Lsn } from './lsn.ts'
import type { Manifest } from './manifest.ts'
import type { TableId } from './table.ts'

export type Emit = (event: TaskEvent) => void

export type TaskEvent = CaptureEvent | LoadEvent | TargetEvent

export type CaptureState =
  | 'starting'
  | 'loading' // full load in progress; changes stream beside it
  | 'streaming'
  | 'retrying' // after an error, until the next attempt
  | 'stopped'

export interface CaptureWarning {
  readonly kind:
    | 'wal-limit' // max_slot_wal_keep_size comes near
    | 'wal-budget' // source.walBudget comes near, or is spent
    | 'slot-unreserved' // the next checkpoint may take WAL that is needed
    | 'slot-idle' // idle_replication_slot_timeout comes near
    | 'slot-lost'
    | 'not-dropped' // the budget is spent, and somebody else reads the slot
    | 'blind' // we cannot look
  readonly message: string
}

export type CaptureEvent =
  | {
      readonly type: 'capture-state'
      readonly state: CaptureState
      /** The error that led here, if any. */
      readonly error: CodedError | null
    }
  /** A manifest became durable. */
  | {
      readonly type: 'manifest-written'
      readonly manifest: Manifest
      readonly bytes: number
      readonly seconds: number
      /** Age of the oldest change in it when it became durable; `null` if it holds none. */
      readonly latencyMs: number | null
    }
  /** What threatens the slot now: all of it, and none if it is empty. */
  | { readonly type: 'capture-warnings'; readonly warnings: readonly CaptureWarning[] }
  /** The source could not be searched for new tables; what runs is not affected. */
  | { readonly type: 'look-failed'; readonly error: CodedError }
  /** A table was changed in a way whose effect on rows that exist the log cannot tell. */
  | {
      readonly type: 'ddl-ambiguous'
      readonly table: TableId
      readonly changes: readonly string[]
      /** Whether the table is loaded again. */
      readonly isReloaded: boolean
    }
  /** How far the server's WAL is ahead of what it may forget, in bytes. */
  | { readonly type: 'source-lag'; readonly serverLsn: Lsn; readonly confirmedLsn: Lsn }

export type LoadEvent =
  | {
      readonly type: 'load-planned'
      readonly table: TableId
      /** reltuples and size of the table: estimates for progress bars. */
      readonly estimatedRows: number
      readonly estimatedBytes: number
    }
  | { readonly type: 'load-began'; readonly table: TableId; readonly isReload: boolean }
  | {
      readonly type: 'load-progress'
      readonly table: TableId
      /** Since its beginning. */
      readonly rows: number
      readonly bytes: number
    }
  | {
      readonly type: 'load-ended'
      readonly table: TableId
      readonly rows: number
      readonly bytes: number
      readonly seconds: number
    }
  | { readonly type: 'load-cancelled'; readonly table: TableId; readonly reason: string }

export type TargetState = 'starting' | 'running' | 'retrying' | 'stopped' | 'failed'

export type TargetEvent =
  | {
      readonly type: 'target-state'
      readonly target: string
      readonly state: TargetState
      readonly error: CodedError | null
    }
  /** The ledger moved. */
  | {
      readonly type: 'applied'
      readonly target: string
      readonly n: number
      /** closedAt of manifest n, in ms since 1970: what the target shows is at least as new. */
      readonly asOfMs: number
      /** Rows that were folded, and rows of the log they stand for. */
      readonly rows: number
      readonly changes: number
      readonly seconds: number
    }
  | {
      readonly type: 'straggler'
      readonly target: string
      readonly table: TableId
      /** `joined`: it is a straggler no longer. */
      readonly state: StragglerState | 'joined'
      /** Rows of the load that are in the target. */
      readonly rows: number
      readonly error: CodedError | null
    }
