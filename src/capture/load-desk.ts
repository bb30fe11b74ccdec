/**
 * Decides what is loaded, for as long as capture runs.
 *
 * At the start, what has no complete load; later, a table that has begun to match, and one that a
 * consumer has asked for. Changes go on meanwhile, of all tables. It looks again every few seconds,
 * and only once everything it had loaded before is in the log.
 */

import type { Clock } from '../core/clock.ts'
import { CodedError, recoveryOf } from '../core/errors.ts'
import type { Emit } from '../core/events.ts'
import type { LoadRequest } from '../core/load-request.ts'
import type { LoadEntry, LoadMode } from '../core/manifest.ts'
import { tableId, type TableId } from '../core/table.ts'
import type { LogState, TableState } from '../lake/log-state.ts'
import type { LogWriter } from '../lake/log-writer.ts'
import type { Loader, LoadSession } from './loader.ts'
import type { LoadableTable, Source } from './source.ts'
import { wantedLoads, type WantedLoad } from './wanted-loads.ts'

export interface LoadDeskParts {
  readonly source: Source
  readonly log: LogWriter
  readonly loader: Loader
  readonly mode: LoadMode
  readonly requests: () => Promise<readonly LoadRequest[]>
  /** Makes entries part of the next manifest. */
  readonly queue: (entry: LoadEntry) => void
  /** Whether every entry that was queued is in the log. */
  readonly isSettled: () => boolean
  readonly clock: Clock
  readonly lookEveryMs: number
  readonly emit: Emit
}

export class LoadDesk {
  readonly #parts: LoadDeskParts

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
    if (!signal.aborted) emit({ type: 'capture-state', state: 'streaming', error: null })
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
      known = await this.#look(known)
      await this.#load(await this.#wanted(log.state, known), null, signal)
    }
  }

  /** The tables as they are now. What is wrong with a new one must not stop those that are well. */
  async #look(known: readonly LoadableTable[]): Promise<readonly LoadableTable[]> {
    try {
      return (await this.#parts.source.prepare()).tables
    } catch (error) {
      if (!(error instanceof CodedError) || recoveryOf(error) === 'resync') throw error
      this.#parts.emit({ type: 'look-failed', error })
      return known
    }
  }

  async #wanted(
    state: Pick<LogState, 'tables'>,
    tables: readonly LoadableTable[],
  ): Promise<WantedLoad[]> {
    const { mode, requests } = this.#parts
    return wantedLoads(state, tables, { mode, requests: await requests() })
  }

  async #load(
    wanted: readonly WantedLoad[],
    first: LoadSession | null,
    signal: AbortSignal,
  ): Promise<void> {
    if (wanted.length === 0) return
    for (const { table } of wanted) {
      const { name, estimatedRows, estimatedBytes } = table
      const planned = { table: tableId(name), estimatedRows, estimatedBytes }
      this.#parts.emit({ type: 'load-planned', ...planned })
    }
    await this.#parts.loader.run(wanted, first, signal)
  }
}
