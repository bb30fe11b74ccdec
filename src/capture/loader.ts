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

import type { Clock } from '../core/clock.ts'
import { CodedError, hasCode, recoveryOf } from '../core/errors.ts'
import type { Emit } from '../core/events.ts'
import type { LoadEntry } from '../core/manifest.ts'
import { mergeShape } from '../core/shape-diff.ts'
import { tableId, type TableId } from '../core/table.ts'
import type { LogWriter } from '../lake/log-writer.ts'
import { LoadParts, type PartLimits } from './load-parts.ts'
import type { LoadSnapshot, Source } from './source.ts'
import type { TrackedTables } from './tracked-tables.ts'
import type { WantedLoad } from './wanted-loads.ts'

export interface LoadLimits extends PartLimits {
  /** Tables that are copied at the same time. */
  readonly parallel: number
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

  constructor(parts: LoaderParts) {
    this.#parts = parts
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
      if (!signal.aborted) left = await this.#stillThere(left)
    }
  }

  /** The tables as they are now: one may have got another name, or another table its name. */
  async #stillThere(wanted: readonly WantedLoad[]): Promise<readonly WantedLoad[]> {
    const { tables } = await this.#parts.source.prepare()
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
    const load = new LoadOfTable(this.#parts, this.#parts.newId())
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

class LoadOfTable {
  readonly #parts: LoaderParts
  readonly #load: string
  #table: TableId | null = null
  readonly #startedAt: number

  constructor(parts: LoaderParts, load: string) {
    this.#parts = parts
    this.#load = load
    this.#startedAt = parts.clock.now()
  }

  async run(wanted: WantedLoad, session: LoadSession, signal: AbortSignal): Promise<void> {
    const { log, tables, queue, emit } = this.#parts
    const { table, isReload } = wanted
    await using copy = await session.snapshot.open(table)
    const wire = { table: copy.name, oid: table.oid, ...copy.facts }
    const shape = mergeShape(tables.shapeOf(table.oid), wire)
    const id = tableId(copy.name)
    const { since } = session
    const { lsn } = session.snapshot
    // Before anything is awaited, or the stream might meanwhile show another first shape.
    tables.introduce({ id, shape })
    const key = await log.writeShape(shape)
    this.#table = id
    const load = this.#load
    queue({ type: 'load-begin', table: id, load, shape: key, lsn, since, for: wanted.for })
    emit({ type: 'load-began', table: id, isReload })

    const lines = log.loadLines(shape, { lsn, order: session.tick })
    const rows = copy.rows(shape.columns.map(({ wire: place }) => place))
    const parts = new LoadParts(rows, lines, this.#parts.limits)
    const bytes = await this.#copy(parts, id, signal)
    queue({ type: 'load-end', table: id, load, rows: parts.rows })
    const seconds = (this.#parts.clock.now() - this.#startedAt) / 1000
    emit({ type: 'load-ended', table: id, rows: parts.rows, bytes, seconds })
  }

  /** The load is over without an end; if it had begun in the log, the log says so. */
  cancel(error: unknown): void {
    if (this.#table === null) return
    const reason = error instanceof CodedError ? error.code : String(error)
    this.#parts.queue({ type: 'load-cancel', table: this.#table, load: this.#load })
    this.#parts.emit({ type: 'load-cancelled', table: this.#table, reason })
  }

  async #copy(parts: LoadParts, table: TableId, signal: AbortSignal): Promise<number> {
    const { log, queue, emit } = this.#parts
    let bytes = 0
    try {
      for (let part = 0; await parts.hasMore(); part++) {
        signal.throwIfAborted()
        const before = parts.rows
        const place = { table, load: this.#load, part }
        const entry = await log.writeLoadPart(place, parts.next())
        queue({ ...entry, rows: parts.rows - before })
        bytes += entry.bytes
        emit({ type: 'load-progress', table, rows: parts.rows, bytes })
      }
    } finally {
      await parts.cancel()
    }
    return bytes
  }
}
