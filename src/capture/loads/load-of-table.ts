/**
 * One load of one table: begin, parts, end.
 *
 * A large table is copied in ranges of its pages. The connection that holds the table takes one range
 * after the other; others take ranges too, as far as there are permits, and may come late or not at
 * all. The end comes when every part is durable, and until then the table is held.
 */

import type { Clock } from '../../core/clock.ts'
import { CodedError } from '../../core/errors.ts'
import type { Emit } from '../../core/events.ts'
import type { LoadEntry } from '../../core/manifest.ts'
import { mergeShape } from '../../core/shape-diff.ts'
import { tableId, type Shape, type TableId } from '../../core/table.ts'
import type { LogWriter } from '../../lake/log/log-writer.ts'
import type { RangeCopy, TableCopy } from '../source.ts'
import type { TrackedTables } from '../tables/tracked-tables.ts'
import { LoadParts } from './load-parts.ts'
import type { LoadLimits, LoadSession } from './loader.ts'
import { rangesOf, type PageRange } from './page-ranges.ts'
import type { Permits } from './permits.ts'
import type { Throttle } from './throttle.ts'
import type { WantedLoad } from './wanted-loads.ts'

export interface LoadOfTableParts {
  readonly log: LogWriter
  readonly tables: TrackedTables
  readonly clock: Clock
  readonly limits: LoadLimits
  readonly emit: Emit
  readonly queue: (entry: LoadEntry) => void
  readonly permits: Permits
  readonly throttle: Throttle
}

/** What all copies of the table have in common. */
interface Plan {
  readonly table: TableId
  readonly places: readonly (number | null)[]
  readonly lines: ReturnType<LogWriter['loadLines']>
  /** Ranges that nobody has taken. */
  readonly ranges: (PageRange | undefined)[]
  /** Aborted when one of the copies fails. */
  readonly signal: AbortSignal
  readonly fail: (error: unknown) => void
}

export class LoadOfTable {
  readonly #parts: LoadOfTableParts
  readonly #random: string
  /** Its id, once it has begun. */
  #load = ''
  #table: TableId | null = null
  readonly #startedAt: number
  #part = 0
  #rows = 0
  #bytes = 0

  /** `random`: what makes its id unlike all others. */
  constructor(parts: LoadOfTableParts, random: string) {
    this.#parts = parts
    this.#random = random
    this.#startedAt = parts.clock.now()
  }

  async run(wanted: WantedLoad, session: LoadSession, signal: AbortSignal): Promise<void> {
    const { log, tables, queue, emit, clock } = this.#parts
    const { table, isReload } = wanted
    await using copy = await session.snapshot.open(table)
    const wire = { table: copy.name, oid: table.oid, ...copy.facts }
    const id = tableId(copy.name)
    const shape = mergeShape(tables.shapeOf(table.oid, id), wire)
    const { since } = session
    const { lsn } = session.snapshot
    const { partitions } = table
    // Before anything is awaited, or the stream might meanwhile show another first shape.
    tables.introduce({ id, shape })
    tables.loadedAs(shape)
    const key = await log.writeShape(shape)
    await log.sweepLoads(id)
    this.#table = id
    const load = log.loadId(this.#random)
    this.#load = load
    const begin = { type: 'load-begin' as const, table: id, load, shape: key, lsn, since }
    queue({ ...begin, for: wanted.for, ...(partitions && { partitions }) })
    const { estimatedRows = null } = copy
    emit({ type: 'load-began', table: id, isReload, estimatedRows })
    await this.#copyAll(copy, { shape, session, table: id }, signal)
    const [rows, bytes] = [this.#rows, this.#bytes]
    queue({ type: 'load-end', table: id, load, rows })
    const seconds = (clock.now() - this.#startedAt) / 1000
    emit({ type: 'load-ended', table: id, rows, bytes, seconds })
  }

  /** The load is over without an end; if it had begun in the log, the log says so. */
  cancel(error: unknown): void {
    if (this.#table === null) return
    const reason = error instanceof CodedError ? error.code : String(error)
    this.#parts.queue({ type: 'load-cancel', table: this.#table, load: this.#load })
    this.#parts.emit({ type: 'load-cancelled', table: this.#table, reason })
  }

  async #copyAll(
    copy: TableCopy,
    of: { readonly shape: Shape; readonly session: LoadSession; readonly table: TableId },
    signal: AbortSignal,
  ): Promise<void> {
    const { log, limits } = this.#parts
    const { shape, session, table } = of
    const failed = new AbortController()
    const ranges = rangesOf(copy.pages ?? 0, limits)
    const plan: Plan = {
      table,
      places: shape.columns.map(({ wire }) => wire),
      lines: log.loadLines(shape, { lsn: session.snapshot.lsn, order: session.tick }),
      ranges: ranges ? [...ranges] : [undefined],
      signal: AbortSignal.any([signal, failed.signal]),
      fail: (error) => failed.abort(error),
    }
    const first = this.#copyRanges(copy, plan)
    const under = new Set<Promise<void>>()
    for (let i = 1; i < Math.min(limits.parallel, plan.ranges.length + 1); i++) {
      void this.#join(copy, plan, under)
    }
    try {
      await first
      await Promise.all(under)
    } catch (error) {
      plan.fail(error)
      // Nothing of the load may come into the log once it is cancelled there.
      await Promise.allSettled(under)
      throw error
    }
  }

  /** Copies ranges beside the first connection, as soon as there is a permit. */
  async #join(copy: TableCopy, plan: Plan, under: Set<Promise<void>>): Promise<void> {
    using _ = await this.#parts.permits.take()
    if (plan.ranges.length === 0 || plan.signal.aborted) return
    const helping = this.#help(copy, plan)
    under.add(helping)
    await helping.catch(plan.fail)
  }

  async #help(copy: TableCopy, plan: Plan): Promise<void> {
    const beside = await copy.beside!()
    if (beside === null) return
    const end = async (): Promise<void> => beside[Symbol.asyncDispose]()
    const stop = (): void => void end()
    plan.signal.addEventListener('abort', stop, { once: true })
    try {
      await this.#copyRanges(beside, plan)
    } finally {
      plan.signal.removeEventListener('abort', stop)
      await end()
    }
  }

  async #copyRanges(copy: RangeCopy, plan: Plan): Promise<void> {
    while (plan.ranges.length > 0) {
      plan.signal.throwIfAborted()
      await this.#copy(copy.rows(plan.places, plan.ranges.shift()), plan)
    }
  }

  async #copy(blocks: AsyncIterable<Buffer>, { table, lines, signal }: Plan): Promise<void> {
    const { log, queue, emit, limits, throttle } = this.#parts
    const parts = new LoadParts(throttle.pace(blocks, signal), lines, limits)
    try {
      while (await parts.hasMore()) {
        signal.throwIfAborted()
        const before = parts.rows
        const place = { table, load: this.#load, part: this.#part++, lines }
        const entry = await log.writeLoadPart(place, parts.next())
        signal.throwIfAborted()
        const rows = parts.rows - before
        queue({ ...entry, rows })
        this.#rows += rows
        this.#bytes += entry.bytes
        emit({ type: 'load-progress', table, rows: this.#rows, bytes: this.#bytes })
      }
    } finally {
      await parts.cancel()
    }
  }
}
