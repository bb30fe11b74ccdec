/**
 * Loads tables: the rows that exist, true at one LSN, beside the changes that go on.
 *
 *   note the head (since) ─► snapshot ─► per table: begin, part, part …, end ─► the log
 *
 * A load contains exactly the transactions whose commit LSN is below the snapshot's. Everything from
 * manifest `since + 1` on is applied on top of it by those who take the load, and capture drops
 * nothing of the stream. If a table turns out to be another one than the snapshot shows, or the
 * snapshot dies, what is unfinished is cancelled in the log and begins again under a new snapshot.
 */

import type { Clock } from '../../core/clock.ts'
import { hasCode, recoveryOf } from '../../core/errors.ts'
import type { Emit } from '../../core/events.ts'
import type { LoadEntry } from '../../core/manifest.ts'
import { tableId } from '../../core/table.ts'
import type { LogWriter } from '../../lake/log/log-writer.ts'
import type { LoadSnapshot, Source } from '../source.ts'
import type { TrackedTables } from '../tables/tracked-tables.ts'
import { LoadOfTable } from './load-of-table.ts'
import type { PartLimits } from './load-parts.ts'
import { Permits } from './permits.ts'
import { Throttle } from './throttle.ts'
import type { WantedLoad } from './wanted-loads.ts'

export interface LoadLimits extends PartLimits {
  /** Connections that copy at the same time. */
  readonly parallel: number
  /** A larger table is copied in ranges of this size. */
  readonly rangeBytes: number
  /** Of all copies together; `null`: as fast as it goes. */
  readonly maxRowsPerSecond: number | null
}

export interface LoaderParts {
  readonly source: Source
  readonly log: LogWriter
  readonly tables: TrackedTables
  readonly clock: Clock
  readonly limits: LoadLimits
  readonly newId: () => string
  readonly emit: Emit
  /** Makes entries part of the next manifest. */
  readonly queue: (entry: LoadEntry) => void
}

/** A snapshot, and what the log said when it was asked for. */
export interface LoadSession {
  readonly snapshot: LoadSnapshot
  readonly since: number
  /** The unused tick of manifest `since`: the `order` of all rows. */
  readonly tick: number
}

const RETRY_AFTER_MS = 500

export class Loader {
  readonly #parts: LoaderParts
  readonly #permits: Permits
  readonly #throttle: Throttle

  constructor(parts: LoaderParts) {
    this.#parts = parts
    this.#permits = new Permits(parts.limits.parallel)
    this.#throttle = new Throttle(parts.limits, parts.clock)
  }

  /**
   * Loads what is wanted. `first` is the snapshot that came with the slot, if any. When
   * the signal aborts it resolves soon; what has begun by then is cancelled by the next run.
   */
  async run(
    wanted: readonly WantedLoad[],
    first: LoadSession | null,
    signal: AbortSignal,
  ): Promise<void> {
    let left = wanted
    let session = first
    while (left.length > 0 && !signal.aborted) {
      session ??= await this.#session(signal)
      left = await this.#loadAll(left, session, signal)
      session = null
      if (left.length === 0) return
      await this.#parts.clock.sleep(RETRY_AFTER_MS, signal)
      if (!signal.aborted) left = await this.#stillThere(left, signal)
    }
  }

  /** The tables as they are now: one may have got another name, or another table its name. */
  async #stillThere(
    wanted: readonly WantedLoad[],
    signal: AbortSignal,
  ): Promise<readonly WantedLoad[]> {
    const { tables } = await this.#parts.source.prepare(signal)
    return tables.flatMap((table) => {
      const load = wanted.find(({ table: { oid, name } }) => {
        return oid === table.oid || tableId(name) === tableId(table.name)
      })
      return load ? [{ ...load, table }] : []
    })
  }

  async #session(signal: AbortSignal): Promise<LoadSession> {
    const { n, clock } = this.#parts.log.state
    const snapshot = await this.#parts.source.snapshot(signal)
    return { snapshot, since: n, tick: clock - 1 }
  }

  /** Resolves to the tables that must be tried again. Closes the snapshot. */
  async #loadAll(
    wanted: readonly WantedLoad[],
    session: LoadSession,
    signal: AbortSignal,
  ): Promise<WantedLoad[]> {
    const queue = wanted.values()
    const again: WantedLoad[] = []
    let isOver = false
    const worker = async (): Promise<void> => {
      for (const load of queue) {
        if (signal.aborted || isOver) return
        if (!(await this.#tryLoad(load, session, signal))) again.push(load)
      }
    }
    const count = Math.min(this.#parts.limits.parallel, wanted.length)
    // A copy may wait long for a lock or for rows; it ends with its snapshot.
    const close = async (): Promise<void> => session.snapshot[Symbol.asyncDispose]()
    const stop = (): void => void close()
    signal.addEventListener('abort', stop, { once: true })
    try {
      await Promise.all(Array.from({ length: count }, worker))
    } finally {
      isOver = true
      signal.removeEventListener('abort', stop)
      await close()
    }
    return again
  }

  /** False if the load must begin again under another snapshot. */
  async #tryLoad(wanted: WantedLoad, session: LoadSession, signal: AbortSignal): Promise<boolean> {
    using _ = await this.#permits.take()
    if (signal.aborted) return false
    const shared = { permits: this.#permits, throttle: this.#throttle }
    const load = new LoadOfTable({ ...this.#parts, ...shared }, this.#parts.newId())
    try {
      await load.run(wanted, session, signal)
      return true
    } catch (error) {
      if (signal.aborted) return false
      if (hasCode(error, 'FENCED')) throw error
      if (recoveryOf(error) !== 'retry') throw error
      load.cancel(error)
      return false
    }
  }
}
