/**
 * What the world may see of a task: the answer of `/api/status`, of `millrace status --json`, and
 * what the dashboard draws.
 *
 * Everything here is plain JSON. Times are milliseconds since 1970 by the clock of the task; `at` is
 * that clock's "now", so a reader whose own clock is wrong can still say "3 s ago". Counts begin with
 * this run of the process, except for loads, which are remembered from the lake. `null` is "not known
 * yet" or "none". This file imports nothing but a type, since the dashboard is checked with it.
 */

import type { TaskState } from './state.ts'

export interface TaskView {
  readonly task: string
  /** The source without its secrets, `shop on db.example:5432`; `null` if it was not told. */
  readonly source: string | null
  readonly state: TaskState
  /** "Load complete, replication ongoing". */
  readonly sentence: string
  readonly startedAt: number
  readonly at: number
  /** Why the task failed. */
  readonly error: ErrorView | null
  readonly capture: CaptureView
  readonly lake: LakeView
  /** Sorted by name. */
  readonly tables: readonly TableView[]
  /** In the order of the configuration. */
  readonly targets: readonly TargetView[]
  readonly rates: RatesView
}

export interface ErrorView {
  readonly code: string
  readonly message: string
  /** What to do about it. */
  readonly hint: string | null
}

export interface CaptureView {
  readonly state: 'starting' | 'loading' | 'streaming' | 'retrying' | 'stopped'
  readonly error: ErrorView | null
  /** WAL that the source keeps for us. */
  readonly lagBytes: number | null
  /** How old changes are when they become durable in the lake; 0 when there are none. */
  readonly lagSeconds: number | null
  /** How long the last manifest and its files took to write. */
  readonly flushSeconds: number | null
  /** What threatens the slot, or the order of changes, in sentences. */
  readonly warnings: readonly string[]
}

export interface LakeView {
  readonly url: string
  /** Number of the newest manifest; 0 before the first. */
  readonly head: number
  readonly rows: number
  readonly bytes: number
  readonly files: number
  readonly lastManifestAt: number | null
  /** At the rate of the last minutes; `null` until there is one, left out if nobody counts. */
  readonly requests?: RequestsView | null
}

/** About what a day of this costs. */
export interface RequestsView {
  readonly putsPerDay: number
  readonly getsPerDay: number
  readonly listsPerDay: number
  /** At the list prices of S3; `null` if the lake is not in a bucket of AWS. */
  readonly usdPerDay: number | null
}

interface RatesView {
  /** Rows of loads and of changes that came from the source, mean of the last ten seconds. */
  readonly rowsPerSecond: number
  readonly bytesPerSecond: number
}

export type TableState =
  | 'Before load'
  | 'Full load'
  | 'Table completed'
  | 'Table is being reloaded'
  | 'Table error'

export interface TableView {
  readonly table: string
  readonly state: TableState
  readonly loadedRows: number
  readonly loadedBytes: number
  /** What the source's statistics say; `null` if they say nothing, or no load began in this run. */
  readonly estimatedRows: number | null
  /** Of the load that runs or was the last to run; `null` if none ran. */
  readonly loadRowsPerSecond: number | null
  /** Until its load ends, as far as an estimate holds; `null` if none runs or there is none to trust. */
  readonly loadSecondsLeft: number | null
  readonly inserts: number
  readonly updates: number
  readonly deletes: number
  readonly truncates: number
  readonly ddls: number
  readonly lastChangeAt: number | null
  /** How many values of each column did not fit into data files in this run; left out if all did. */
  readonly unfit?: Readonly<Record<string, number>>
  readonly error: ErrorView | null
}

export interface TargetView {
  readonly name: string
  readonly type: string
  readonly state: 'starting' | 'running' | 'retrying' | 'stopped' | 'failed'
  /** The last manifest it took; `null` until it has told. */
  readonly n: number | null
  /** Manifests with something in them that it has not taken; `null` as long as `n` is. */
  readonly behind: number | null
  /** How long the oldest change that it lacks has been committed; 0 when it lacks none. */
  readonly lagSeconds: number | null
  readonly appliedRows: number
  readonly appliedChanges: number
  readonly stragglers: readonly StragglerView[]
  readonly error: ErrorView | null
}

export interface StragglerView {
  readonly table: string
  readonly state: 'waiting' | 'loading' | 'ready' | 'catching-up' | 'suspended'
  /** Rows of its load that are in the target. */
  readonly rows: number
  readonly error: ErrorView | null
}

/** One second of the last fifteen minutes. */
export interface HistoryPoint {
  readonly at: number
  readonly rowsPerSecond: number
  readonly bytesPerSecond: number
  readonly captureLagSeconds: number | null
  /** Lag in seconds by name of target. */
  readonly targets: Readonly<Record<string, number | null>>
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface LogLine {
  /** Numbers the lines of this process from 1: ask for those after the last you have. */
  readonly seq: number
  readonly at: number
  readonly level: LogLevel
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}
