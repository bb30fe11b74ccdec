/**
 * Capture: from the source into the lake, generation after generation.
 *
 * A generation owns the slot, then reads the head of the log, then writes its `open` manifest; only
 * then does it stream and load. Whatever breaks ends the generation, and the code of the error says
 * whether another one begins.
 */

import { BlockPool } from '../core/change-log.ts'
import type { Clock } from '../core/clock.ts'
import { CodedError, hasCode, recoveryOf } from '../core/errors.ts'
import type { Emit } from '../core/events.ts'
import type { LoadRequest } from '../core/load-request.ts'
import type { Lsn } from '../core/lsn.ts'
import type { RunInfo } from '../core/manifest.ts'
import type { LogReader } from '../lake/log/log-reader.ts'
import type { LogState } from '../lake/log/log-state.ts'
import type { LogWriter } from '../lake/log/log-writer.ts'
import type { Shapes } from '../lake/shapes.ts'
import type { FlushLimits } from './flush-policy.ts'
import { Generation } from './generation.ts'
import { LoadDesk } from './loads/load-desk.ts'
import { Loader, type LoadLimits, type LoadSession } from './loads/loader.ts'
import { RetryPolicy } from './retry-policy.ts'
import { guardIdentity, guardOptions, guardPlace } from './slot/guards.ts'
import type { LoadSnapshot, OpenSlot, Prepared, Source } from './source.ts'
import { ColumnCutter } from './stream/column-cutter.ts'
import type { Exclusions } from './stream/exclusions.ts'
import { Spool } from './stream/spool.ts'
import { TrackedTables, type DdlPolicy, type TrackedTablesParts } from './tables/tracked-tables.ts'

export interface CaptureParts {
  readonly source: Source
  readonly reader: LogReader
  readonly shapes: Pick<Shapes, 'read'>
  /** A writer for one generation: after any failure it is not used again. */
  readonly newWriter: () => LogWriter
  readonly isSelected: TrackedTablesParts['isSelected']
  /** Columns that must not be kept anywhere; left out if there are none. */
  readonly exclusions?: Exclusions
  /** `resync` if it is not said. */
  readonly ddl?: DdlPolicy
  /** Makes the lake this task's, or fails if it is another's. Called before anything is written. */
  readonly claimLake: (run: RunInfo) => Promise<void>
  /** Of this task alone; it is emptied at every start. */
  readonly spoolFolder: string
  readonly clock: Clock
  readonly limits: FlushLimits & LoadLimits & LookLimits
  /** What consumers have asked for. */
  readonly requests: () => Promise<readonly LoadRequest[]>
  readonly newId: () => string
  readonly emit: Emit
}

export interface LookLimits {
  /** How often new tables and requests are looked for. */
  readonly lookEveryMs: number
}

export class Capture {
  readonly #parts: CaptureParts
  readonly #pool = new BlockPool()
  #generation: Generation | null = null
  #wanted: Lsn | null = null
  /** Until the disk of the spool was full once: from then on the server keeps what has not ended. */
  #mayStream = true

  constructor(parts: CaptureParts) {
    this.#parts = parts
  }

  /** The log shall reach this LSN as soon as the source has nothing more for us below it. */
  want(lsn: Lsn): void {
    this.#wanted = lsn
    this.#generation?.want(lsn)
  }

  /**
   * Resolves once the signal has aborted and what was read is in the lake. Rejects with what cannot
   * be retried; that includes any failure before the first stream has begun, since then it is most
   * likely a mistake of the set-up.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, emit } = this.#parts
    const retries = new RetryPolicy()
    while (!signal.aborted) {
      emit({ type: 'capture-state', state: 'starting', error: null })
      try {
        await this.#runOnce(signal, () => retries.succeeded(clock.now()))
      } catch (error) {
        if (signal.aborted && recoveryOf(error) === 'retry') break
        if (hasCode(error, 'SPOOL_FULL')) this.#mayStream = false
        const waitMs = retries.failed(error, clock.now())
        const coded = error instanceof CodedError ? error : null
        if (waitMs === null) throw error
        emit({ type: 'capture-state', state: 'retrying', error: coded })
        await clock.sleep(waitMs, signal)
      }
    }
    emit({ type: 'capture-state', state: 'stopped', error: null })
  }

  async #runOnce(signal: AbortSignal, onStreaming: () => void): Promise<void> {
    const { source, reader, claimLake, emit } = this.#parts
    const prepared = await source.prepare(signal)
    emit({ type: 'tables-refused', refused: prepared.refused ?? [] })
    await claimLake(prepared.run)
    const before = await reader.recover()
    guardIdentity(before, prepared.run)
    guardOptions(before, prepared.run)
    const options = { mayCreate: before.n === 0, mayStream: this.#mayStream }
    await using slot = await source.open(options, signal)
    // Only a head that is read when the slot is ours can be trusted.
    const head = await reader.recover()
    guardIdentity(head, prepared.run)
    await guardPlace(head, slot, source)
    const log = this.#parts.newWriter()
    const start = { lsn: slot.confirmed, timeline: slot.timeline }
    const manifest = await log.open(head, prepared.run, start)
    emit({ type: 'manifest-written', manifest, bytes: 0, seconds: 0, latencyMs: null })
    onStreaming()
    // Another process may have had the slot between its making and our taking it: then changes that
    // our snapshot lacks stand before our own `open` manifest.
    const snapshot = head.n === before.n ? slot.snapshot : null
    await this.#stream({ log, slot, prepared, snapshot }, signal)
  }

  async #stream(run: OpenRun, signal: AbortSignal): Promise<void> {
    const { clock, limits, emit } = this.#parts
    const { log, slot } = run
    const tables = await this.#trackedTables(log.state)
    await using spool = slot.isStreaming ? await Spool.open(this.#parts.spoolFolder) : null
    const { exclusions, source } = this.#parts
    const look = async (oid: number, isKnown: () => boolean): Promise<void> =>
      source.catalog.look?.(oid, isKnown)
    const generation = new Generation({
      ...(exclusions && { cutter: new ColumnCutter(exclusions, look) }),
      spool,
      slot,
      log,
      tables,
      clock,
      limits,
      emit,
      pool: this.#pool,
    })
    this.#generation = generation
    if (this.#wanted !== null) generation.want(this.#wanted)
    const broken = new AbortController()
    const until = AbortSignal.any([signal, broken.signal])
    const loads = this.#load(run, { tables, generation }, until)
    const streaming = generation.run(until)
    for (const part of [loads, streaming]) part.catch(() => broken.abort())
    try {
      await Promise.all([streaming, loads])
    } finally {
      this.#generation = null
      await Promise.allSettled([streaming, loads])
    }
  }

  async #load(
    { log, slot, prepared, snapshot }: OpenRun,
    { tables, generation }: { tables: TrackedTables; generation: Generation },
    signal: AbortSignal,
  ): Promise<void> {
    const { source, clock, limits, newId, emit, requests, shapes, ddl = 'resync' } = this.#parts
    if (snapshot === null) await slot.snapshot?.[Symbol.asyncDispose]()
    const first = firstSession(log.state, snapshot)
    const queue = generation.queue.bind(generation)
    const desk = new LoadDesk({
      source,
      log,
      loader: new Loader({ source, log, tables, clock, limits, newId, emit, queue }),
      mode: prepared.run.load,
      shapes,
      ddl,
      requests,
      tables,
      queue,
      mark: generation.mark.bind(generation),
      want: generation.want.bind(generation),
      isSettled: () => generation.isSettled,
      clock,
      lookEveryMs: limits.lookEveryMs,
      emit,
    })
    await desk.run(prepared.tables, first, signal)
  }

  /** The tables as the log knows them, so that a change of shape is noticed over restarts too. */
  async #trackedTables(state: LogState): Promise<TrackedTables> {
    const { source, isSelected, shapes, ddl = 'resync', emit } = this.#parts
    const { catalog } = source
    const load = state.run?.load ?? 'full-load-and-cdc'
    const tables = new TrackedTables({ isSelected, catalog, ddl, load, emit })
    const known = await Promise.all(
      [...state.tables].map(async ([id, table]) => ({
        id,
        shape: await shapes.read(table.shape),
        isFormer: table.isFormer ?? false,
      })),
    )
    for (const { isFormer, ...shape } of known) {
      if (isFormer) tables.remember(shape)
      else tables.introduce(shape)
    }
    return tables
  }
}

interface OpenRun {
  readonly log: LogWriter
  readonly slot: OpenSlot
  readonly prepared: Prepared
  /** The one that came with the slot, if it can be used. */
  readonly snapshot: LoadSnapshot | null
}

/** Nothing of a new slot can stand before the run's own `open` manifest. */
function firstSession({ n, clock }: LogState, snapshot: LoadSnapshot | null): LoadSession | null {
  return snapshot === null ? null : { snapshot, since: n, tick: clock - 1 }
}
