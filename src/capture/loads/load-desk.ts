/**
 * Decides what is loaded, for as long as capture runs.
 *
 * At the start, what has no complete load; later, a table that has begun to match, and one that a
 * consumer has asked for. Changes go on meanwhile, of all tables. It looks again every few seconds,
 * and only once everything it had loaded before is in the log. Tables that were renamed or dropped
 * without a row to show it are found by the same looks, and the log follows them first.
 */

import type { Clock } from '../../core/clock.ts'
import { CodedError, recoveryOf, type ErrorCode } from '../../core/errors.ts'
import type { Emit } from '../../core/events.ts'
import type { LoadRequest } from '../../core/load-request.ts'
import type { Lsn } from '../../core/lsn.ts'
import type { LoadEntry, LoadMode } from '../../core/manifest.ts'
import { tableId, type TableId } from '../../core/table.ts'
import type { LogState, TableState } from '../../lake/log/log-state.ts'
import type { LogWriter } from '../../lake/log/log-writer.ts'
import { guardIdentity } from '../slot/guards.ts'
import type { LoadableTable, Source } from '../source.ts'
import type { Mark } from '../tables/marks.ts'
import { haveOthers, notePartitions, type PartitionsFound } from '../tables/partition-notes.ts'
import { staleTables, type StaleParts } from '../tables/stale-tables.ts'
import { straysOf, type Stray } from '../tables/strays.ts'
import type { DdlPolicy, TrackedTables } from '../tables/tracked-tables.ts'
import type { Loader, LoadSession } from './loader.ts'
import { wantedLoads, type WantedLoad } from './wanted-loads.ts'

export interface LoadDeskParts {
  readonly source: Source
  readonly log: LogWriter
  readonly loader: Loader
  readonly mode: LoadMode
  readonly shapes: StaleParts['shapes']
  readonly ddl: DdlPolicy
  readonly requests: () => Promise<readonly LoadRequest[]>
  readonly tables: TrackedTables
  /** Makes entries part of the next manifest. */
  readonly queue: (entry: LoadEntry) => void
  readonly mark: (make: () => readonly Mark[]) => void
  /** The log shall get there soon. */
  readonly want: (lsn: Lsn) => void
  /** Whether every entry and mark that was queued is in the log. */
  readonly isSettled: () => boolean
  readonly clock: Clock
  readonly lookEveryMs: number
  readonly emit: Emit
}

/** What a look found that the log does not say yet. */
interface Found extends PartitionsFound {
  readonly strays: readonly Stray[]
  /** Where the log must be before it says so. */
  readonly at: Lsn
}

/** The server has no more for us than what we have: the slot of a snapshot, or a connection. */
const FULL: ReadonlySet<ErrorCode> = new Set(['NO_FREE_SLOT', 'NO_FREE_SENDER'])

export class LoadDesk {
  readonly #parts: LoadDeskParts
  #found: Found | null = null
  /** All that was wanted at the start is loaded. */
  #isLoaded = false

  constructor(parts: LoadDeskParts) {
    this.#parts = parts
  }

  /** `first` is the snapshot that came with the slot, if it can be used; it is closed in any case. */
  async run(
    tables: readonly LoadableTable[],
    first: LoadSession | null,
    signal: AbortSignal,
  ): Promise<void> {
    const { emit, log } = this.#parts
    const wanted = await this.#wanted(this.#cancelOpen(log.state), tables)
    // A snapshot that nobody reads would keep the source from cleaning up for as long as we run.
    if (wanted.length === 0) await first?.snapshot[Symbol.asyncDispose]()
    else emit({ type: 'capture-state', state: 'loading', error: null })
    await this.#load(wanted, first, signal)
    await this.#keepLooking(tables, signal)
  }

  /** A load that an earlier run left open is over: its snapshot went with it. */
  #cancelOpen({ tables }: LogState): Pick<LogState, 'tables'> {
    const cancelled = new Map<TableId, TableState>()
    for (const [table, state] of tables) {
      cancelled.set(table, { ...state, openLoads: [] })
      for (const { load } of state.openLoads) {
        this.#parts.queue({ type: 'load-cancel', table, load })
      }
    }
    return { tables: cancelled }
  }

  async #keepLooking(tables: readonly LoadableTable[], signal: AbortSignal): Promise<void> {
    const { clock, log, lookEveryMs, isSettled } = this.#parts
    let known = tables
    while (!signal.aborted) {
      await clock.sleep(lookEveryMs, signal)
      if (signal.aborted || !isSettled()) continue
      await this.#tolerate(() => this.#follow(), signal)
      // What goes into the log now may void loads.
      if (!isSettled()) continue
      known = (await this.#tolerate(() => this.#look(signal), signal)) ?? known
      if (signal.aborted) return
      await this.#load(await this.#wanted(log.state, known), null, signal)
    }
  }

  /** What is wrong with a new table must not stop those that are well; that it is another server must. */
  async #tolerate<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | null> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof CodedError) || recoveryOf(error) === 'resync') throw error
      if (error.code === 'SOURCE_CHANGED') throw error
      if (signal.aborted) return null
      this.#parts.emit({ type: 'look-failed', error })
      return null
    }
  }

  /** The tables as they are now. */
  async #look(signal: AbortSignal): Promise<readonly LoadableTable[]> {
    const { source, tables: tracked, log, emit, want } = this.#parts
    const { known } = tracked
    const prepared = await source.prepare(signal)
    guardIdentity(log.state, prepared.run)
    const { tables, refused = [], lsn } = prepared
    emit({ type: 'tables-refused', refused })
    if (lsn === undefined || this.#found !== null) return tables
    const strays = straysOf(known, prepared)
    if (strays.length === 0 && !haveOthers(log.state, tables)) return tables
    this.#found = { strays, tables, before: log.state, at: lsn }
    want(lsn)
    return tables
  }

  /** Lets the log follow what was found, once it has all that came before. */
  async #follow(): Promise<void> {
    const { log, tables, mark } = this.#parts
    const found = this.#found
    if (found === null || log.state.confirm! < found.at) return
    this.#found = null
    const { strays } = found
    if (strays.length > 0) mark(() => strays.flatMap((stray) => tables.follow(stray)))
    await notePartitions(this.#parts, { ...found, now: log.state })
  }

  async #wanted(
    state: Pick<LogState, 'tables'>,
    tables: readonly LoadableTable[],
  ): Promise<WantedLoad[]> {
    const { mode, requests, tables: tracked, shapes, ddl } = this.#parts
    // A table that is known under another name is not new: the log follows it first.
    const atHome = tables.filter((table) => tracked.isAtHome(table))
    const stale =
      mode === 'cdc'
        ? new Set<TableId>()
        : await staleTables(state, atHome, { shapes, followsWidening: ddl === 'resync' })
    return wantedLoads(state, atHome, { mode, requests: await requests(), stale })
  }

  async #load(
    wanted: readonly WantedLoad[],
    first: LoadSession | null,
    signal: AbortSignal,
  ): Promise<void> {
    for (const { table } of wanted) {
      const { name, estimatedRows, estimatedBytes } = table
      const planned = { table: tableId(name), estimatedRows, estimatedBytes }
      this.#parts.emit({ type: 'load-planned', ...planned })
    }
    try {
      await this.#parts.loader.run(wanted, first, signal)
      if (this.#isLoaded || signal.aborted) return
      this.#isLoaded = true
      this.#parts.emit({ type: 'capture-state', state: 'streaming', error: null })
    } catch (error) {
      if (!(error instanceof CodedError) || !FULL.has(error.code)) throw error
      // Tables that flow need none of it. The next look tries again.
      const waiting = wanted.map(({ table }) => tableId(table.name))
      this.#parts.emit({ type: 'look-failed', error, waiting })
    }
  }
}
