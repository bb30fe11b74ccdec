/** What is known of one table: how far its load is, and what was done to its rows. */

import type { LoadEvent } from '../core/events.ts'
import type { Entry } from '../core/manifest.ts'
import type { ErrorView, StragglerView, TableState, TableView } from './view.ts'

type Load =
  | 'none' // not planned, or given up until it begins again
  | 'running'
  | 'ended' // at the source; its last manifest may not be written
  | 'complete'

/** What of a table depends on the targets. */
export interface TableInTargets {
  /** Every target that is at work has the whole load. */
  readonly isLoaded: boolean
  /** A straggler that failed for good, in any target. */
  readonly suspended: StragglerView | null
}

/** A rate that was measured for less is no ground to say when it will end. */
const LEAST_MS_FOR_A_RATE = 3000

export class TableStatistics {
  #table: string
  /** Without a load there is nothing to wait for: `load: cdc`. */
  readonly #isLoadExpected: boolean
  #load: Load = 'none'
  #isReload = false
  /** The manifest with the end of its load in this run; 0 for one of an earlier run. */
  #endedAt = 0
  #beganAtMs = 0
  /** When the load told of its rows last. */
  #progressAtMs = 0
  #loadedRows = 0
  #loadedBytes = 0
  #estimatedRows: number | null = null
  #loadRowsPerSecond: number | null = null
  #inserts = 0
  #updates = 0
  #deletes = 0
  #truncates = 0
  #ddls = 0
  #lastChangeAt: number | null = null
  readonly #unfit = new Map<string, number>()
  /** Why it is not replicated. */
  #refused: ErrorView | null = null

  constructor(table: string, isLoadExpected: boolean) {
    this.#table = table
    this.#isLoadExpected = isLoadExpected
  }

  get table(): string {
    return this.#table
  }

  get endedAt(): number {
    return this.#endedAt
  }

  seed(loadedRows: number, isComplete: boolean): void {
    this.#loadedRows = loadedRows
    if (isComplete) this.#load = 'complete'
  }

  /**
   * Why the source cannot replicate it now; `null` if it can. True if nothing is known of it but that
   * it was refused until now.
   */
  refuse(error: ErrorView | null): boolean {
    const wasRefused = this.#refused !== null
    this.#refused = error
    const isKnown = this.#load !== 'none' || this.#lastChangeAt !== null
    return wasRefused && error === null && !isKnown
  }

  /** Values that a data file could not hold, by column. */
  addUnfit({ column, values }: { readonly column: string; readonly values: number }): void {
    this.#unfit.set(column, (this.#unfit.get(column) ?? 0) + values)
  }

  rename(table: string): void {
    this.#table = table
  }

  /** Returns the rows and bytes that are new. */
  applyLoad(event: LoadEvent, now: number): { rows: number; bytes: number } {
    switch (event.type) {
      case 'load-planned':
        this.#estimatedRows = event.estimatedRows > 0 ? event.estimatedRows : null
        break
      case 'load-began':
        this.#begin(event.isReload, now)
        this.#estimatedRows = event.estimatedRows
        break
      case 'load-progress':
        this.#progressAtMs = now
        return this.#progress(event, (now - this.#beganAtMs) / 1000)
      case 'load-ended':
        // The manifest with its end may have been written before.
        if (this.#load !== 'complete') this.#load = 'ended'
        return this.#progress(event, event.seconds)
      case 'load-cancelled':
        this.#begin(this.#isReload, now)
        this.#load = 'none'
    }
    return { rows: 0, bytes: 0 }
  }

  applyEntry(entry: Entry, n: number, closedAtMs: number): void {
    switch (entry.type) {
      case 'changes':
        this.#inserts += entry.rows.i
        this.#updates += entry.rows.u
        this.#deletes += entry.rows.d
        this.#lastChangeAt = closedAtMs
        return
      case 'truncate':
        this.#truncates += 1
        this.#lastChangeAt = closedAtMs
        return
      case 'shape':
      case 'rename':
      case 'drop':
        this.#ddls += 1
        this.#lastChangeAt = closedAtMs
        return
      case 'load-end':
        this.#load = 'complete'
        this.#loadedRows = entry.rows
        this.#endedAt = n
        return
      case 'load-begin':
      case 'load-part':
      case 'load-cancel': // the load's own events have told
    }
  }

  state({ isLoaded, suspended }: TableInTargets): TableState {
    if (this.#refused !== null || suspended !== null) return 'Table error'
    if (this.#load === 'complete' && isLoaded) return 'Table completed'
    if (this.#load === 'none') return this.#isLoadExpected ? 'Before load' : 'Table completed'
    return this.#isReload ? 'Table is being reloaded' : 'Full load'
  }

  view(targets: TableInTargets, now: number): TableView {
    const error = this.#refused ?? targets.suspended?.error ?? null
    return {
      table: this.#table,
      state: this.state(targets),
      loadedRows: this.#loadedRows,
      loadedBytes: this.#loadedBytes,
      estimatedRows: this.#estimatedRows,
      loadRowsPerSecond: this.#loadRowsPerSecond,
      loadSecondsLeft: this.#secondsLeft(now),
      inserts: this.#inserts,
      updates: this.#updates,
      deletes: this.#deletes,
      truncates: this.#truncates,
      ddls: this.#ddls,
      lastChangeAt: this.#lastChangeAt,
      ...(this.#unfit.size > 0 && { unfit: Object.fromEntries(this.#unfit) }),
      error,
    }
  }

  /**
   * At the mean rate of the load so far. Nothing is said in its first seconds, of a table that turns
   * out larger than was thought, and of one that should have ended by now.
   */
  #secondsLeft(now: number): number | null {
    const ranMs = this.#progressAtMs - this.#beganAtMs
    const left = (this.#estimatedRows ?? 0) - this.#loadedRows
    if (this.#load !== 'running' || ranMs < LEAST_MS_FOR_A_RATE || left <= 0) return null
    if (this.#loadedRows === 0) return null
    const seconds = (ranMs * left) / this.#loadedRows / 1000 - (now - this.#progressAtMs) / 1000
    return seconds > 0 ? seconds : null
  }

  #begin(isReload: boolean, now: number): void {
    this.#load = 'running'
    this.#isReload = isReload
    this.#beganAtMs = now
    this.#progressAtMs = now
    this.#loadedRows = 0
    this.#loadedBytes = 0
    this.#loadRowsPerSecond = null
  }

  #progress(
    { rows, bytes }: { rows: number; bytes: number },
    seconds: number,
  ): { rows: number; bytes: number } {
    const fresh = {
      rows: Math.max(0, rows - this.#loadedRows),
      bytes: Math.max(0, bytes - this.#loadedBytes),
    }
    this.#loadedRows = rows
    this.#loadedBytes = bytes
    if (seconds > 0) this.#loadRowsPerSecond = rows / seconds
    return fresh
  }
}
