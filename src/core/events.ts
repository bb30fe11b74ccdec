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
import type { TableId, TableName } from './table.ts'

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

/** A table that cannot be replicated, and why. */
export interface RefusedTable {
  readonly name: TableName
  readonly error: CodedError
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
  /** Commit times of the source lay far ahead of our clock, and `order` does not follow them there. */
  | {
      readonly type: 'clock-ahead'
      readonly files: number
      /** How far ahead the farthest lay. */
      readonly ms: number
    }
  /** The selected tables that cannot be replicated now: all of them. */
  | { readonly type: 'tables-refused'; readonly refused: readonly RefusedTable[] }
  /** Values of one column that a data file, or a target, cannot hold, and what became of them. */
  | {
      readonly type: 'values-unfit'
      /** The target, by whose name of the table it is; left out if it is a data file. */
      readonly target?: string
      readonly table: TableId
      readonly column: string
      readonly policy: 'null' | 'clamp' | 'text'
      readonly values: number
    }
  /** The source could not be searched for new tables; what runs is not affected. */
  | {
      readonly type: 'look-failed'
      readonly error: CodedError
      /** They were found, but could not be loaded yet. */
      readonly waiting?: readonly TableId[]
    }
  /** A table was changed in a way whose effect on rows that exist the log cannot tell. */
  | {
      readonly type: 'ddl-ambiguous'
      readonly table: TableId
      readonly changes: readonly string[]
      /** Whether the table is loaded again. */
      readonly isReloaded: boolean
    }
  /** A table that the log has is gone from the source, or is not wanted any more. */
  | { readonly type: 'table-dropped'; readonly table: TableId }
  /** What nobody needs any more was removed from the lake; `first` is the first manifest that is left. */
  | {
      readonly type: 'lake-swept'
      readonly first: number
      readonly manifests: number
      readonly files: number
    }
  /** Nothing could be removed from the lake; what runs is not affected. */
  | { readonly type: 'sweep-failed'; readonly error: CodedError }
  /** How far the server's WAL is ahead of what it may forget, in bytes. */
  | { readonly type: 'source-lag'; readonly serverLsn: Lsn; readonly confirmedLsn: Lsn }

export type LoadEvent =
  | {
      readonly type: 'load-planned'
      readonly table: TableId
      /** reltuples and size of the table, 0 if they are not known: for who waits for its turn. */
      readonly estimatedRows: number
      readonly estimatedBytes: number
    }
  | {
      readonly type: 'load-began'
      readonly table: TableId
      readonly isReload: boolean
      /** As well as it is known now that the table is held; `null` if it is not. */
      readonly estimatedRows: number | null
    }
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
