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

export class TableStatistics {
  #table: string
  /** Without a load there is nothing to wait for: `load: cdc`. */
  readonly #isLoadExpected: boolean
  #load: Load = 'none'
  #isReload = false
  /** The manifest with the end of its load in this run; 0 for one of an earlier run. */
  #endedAt = 0
  #beganAtMs = 0
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

  rename(table: string): void {
    this.#table = table
  }

  /** Returns the rows and bytes that are new. */
  applyLoad(event: LoadEvent, now: number): { rows: number; bytes: number } {
    switch (event.type) {
      case 'load-planned':
        this.#estimatedRows = event.estimatedRows
        break
      case 'load-began':
        this.#begin(event.isReload, now)
        break
      case 'load-progress':
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
    if (suspended !== null) return 'Table error'
    if (this.#load === 'complete' && isLoaded) return 'Table completed'
    if (this.#load === 'none') return this.#isLoadExpected ? 'Before load' : 'Table completed'
    return this.#isReload ? 'Table is being reloaded' : 'Full load'
  }

  view(targets: TableInTargets): TableView {
    const error: ErrorView | null = targets.suspended?.error ?? null
    return {
      table: this.#table,
      state: this.state(targets),
      loadedRows: this.#loadedRows,
      loadedBytes: this.#loadedBytes,
      estimatedRows: this.#estimatedRows,
      loadRowsPerSecond: this.#loadRowsPerSecond,
      inserts: this.#inserts,
      updates: this.#updates,
      deletes: this.#deletes,
      truncates: this.#truncates,
      ddls: this.#ddls,
      lastChangeAt: this.#lastChangeAt,
      error,
    }
  }

  #begin(isReload: boolean, now: number): void {
    this.#load = 'running'
    this.#isReload = isReload
    this.#beganAtMs = now
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
