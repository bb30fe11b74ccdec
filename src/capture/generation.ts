/**
 * One run of capture: from taking the slot until it is stopped, or something breaks.
 *
 *   slot ──blocks──► intake ──► pending ──batch──► log
 *     ▲                          ▲                  │
 *     │               loads ─────┘ entries          │
 *     └───────────────── confirm ◄──── durable ─────┘
 *
 * Two loops share the pending batch: one fills it from the stream, the other writes it. While a
 * batch is written the next one fills; when that one is full too, we stop reading and TCP slows the
 * server down, so memory holds two batches, whatever the load.
 *
 * One rule keeps the data safe: the source is told to forget only what a durable manifest confirms.
 * All else here may be repeated.
 */

import type { ChangeBatch } from '../core/batch.ts'
import { Bell } from '../core/bell.ts'
import type { BlockPool } from '../core/change-log.ts'
import type { Clock } from '../core/clock.ts'
import { fail } from '../core/errors.ts'
import type { Emit } from '../core/events.ts'
import { maxLsn, ZERO_LSN, type Lsn } from '../core/lsn.ts'
import type { LoadEntry, Manifest } from '../core/manifest.ts'
import type { LogWriter } from '../lake/log/log-writer.ts'
import { flushIn, heartbeatIn, isFull, type FlushLimits } from './flush-policy.ts'
import { PutPace } from './put-pace.ts'
import type { OpenSlot } from './source.ts'
import type { ColumnCutter } from './stream/column-cutter.ts'
import { Intake } from './stream/intake.ts'
import { Pending } from './stream/pending.ts'
import type { Spool } from './stream/spool.ts'
import { StreamReader } from './stream/stream-reader.ts'
import { withMarks, type Mark } from './tables/marks.ts'
import type { TrackedTables } from './tables/tracked-tables.ts'

export interface GenerationParts {
  readonly slot: OpenSlot
  readonly log: LogWriter
  readonly tables: TrackedTables
  readonly clock: Clock
  readonly limits: FlushLimits
  readonly emit: Emit
  readonly pool: BlockPool
  /** For transactions that are streamed before they end; `null` if they are not. */
  readonly spool: Spool | null
  /** Left out if no column is excluded. */
  readonly cutter?: ColumnCutter
}

export class Generation {
  readonly #parts: GenerationParts
  readonly #pending: Pending
  readonly #intake: Intake
  readonly #pace: PutPace
  #reader: StreamReader | null = null
  #loads: LoadEntry[] = []
  #marks: (() => readonly Mark[])[] = []
  /** What is being written holds some of those. */
  #isWriting = false
  /** When the oldest thing that waits came; `null` if nothing waits. */
  #waitingSince: number | null = null
  #lastManifestAt: number
  #wanted: Lsn | null = null
  /** Rung when there may be something to write. */
  readonly #work = new Bell()
  /** Rung when the pending batch was taken. */
  readonly #room = new Bell()

  constructor(parts: GenerationParts) {
    this.#parts = parts
    this.#pending = new Pending(parts.pool)
    this.#pace = new PutPace(parts.limits.putsPerSecond ?? null)
    this.#intake = new Intake(this.#pending, parts.tables, parts.log.state.to!)
    this.#lastManifestAt = parts.clock.now()
  }

  /** Makes an entry of a load part of the next manifest. */
  queue(entry: LoadEntry): void {
    this.#loads.push(entry)
    this.#waitingSince ??= this.#parts.clock.now()
    // No consumer may show the load before the log has got to where it is true.
    if (entry.type === 'load-begin') this.want(entry.lsn)
    this.#work.ring()
  }

  /** Makes marks part of the log, where a transaction has ended. They are made only then. */
  mark(make: () => readonly Mark[]): void {
    this.#marks.push(make)
    this.#waitingSince ??= this.#parts.clock.now()
    this.#work.ring()
  }

  /** Whether every entry and mark that was queued is in the log. */
  get isSettled(): boolean {
    return this.#loads.length === 0 && this.#marks.length === 0 && !this.#isWriting
  }

  /** The log shall reach this LSN as soon as the source has nothing more for us below it. */
  want(wanted: Lsn): void {
    this.#wanted = maxLsn(this.#wanted ?? ZERO_LSN, wanted)
    this.#parts.slot.stream.askForKeepalive()
    this.#work.ring()
  }

  /** Runs until the signal aborts; then what was read is written, and confirmed, before it resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const broken = new AbortController()
    const until = AbortSignal.any([signal, broken.signal])
    const wake = (): void => {
      this.#work.ring()
      this.#room.ring()
    }
    until.addEventListener('abort', wake, { once: true })
    // The slot may not know it yet, if an earlier run was killed before it could tell.
    this.#parts.slot.stream.confirm(this.#parts.log.state.confirm!)
    try {
      const writing = this.#write(until)
      const reading = this.#read(until)
      reading.catch(() => broken.abort())
      writing.catch(() => broken.abort())
      await writing
      // After a stop the reader may wait for a server that is silent: it ends with the connection.
      if (!signal.aborted) await reading
    } finally {
      broken.abort()
    }
  }

  async #read(until: AbortSignal): Promise<void> {
    const reader = this.#newReader(until)
    this.#reader = reader
    for (let goesOn = true; goesOn && !until.aborted;) {
      const block = await this.#nextBlock(reader)
      if (until.aborted) return
      if (block === null) fail('CONNECTION_LOST', 'the server ended the replication stream')
      goesOn = await reader.take(block)
    }
  }

  async #nextBlock(reader: StreamReader): Promise<Buffer | null> {
    const { stream } = this.#parts.slot
    try {
      return await stream.next()
    } catch (error) {
      throw stream.oversized ? reader.nameOversized(error, stream.oversized) : error
    }
  }

  #newReader(until: AbortSignal): StreamReader {
    const { slot, log, tables, spool, cutter = null } = this.#parts
    return new StreamReader({
      cutter,
      intake: this.#intake,
      tables,
      spool,
      onReplyWanted: () => slot.stream.confirm(log.state.confirm!),
      onPiece: () => this.#makeRoom(until),
    })
  }

  /** Tells the writer what there is, and waits while the pending batch is full. */
  async #makeRoom(until: AbortSignal): Promise<boolean> {
    const { log, clock } = this.#parts
    if (this.#pending.isEmpty) {
      if (this.#heard > log.state.confirm!) this.#work.ring()
    } else {
      if (this.#waitingSince === null || this.#isFull || this.#isAwaited) this.#work.ring()
      this.#waitingSince ??= clock.now()
      while (this.#isFull && !until.aborted) await this.#room.heard()
    }
    return !until.aborted
  }

  /** The server has nothing for us below this. */
  get #heard(): Lsn {
    return maxLsn(this.#reader?.heard ?? ZERO_LSN, this.#intake.idleLsn)
  }

  get #isFull(): boolean {
    const { rows, bytes } = this.#pending
    return isFull({ rows, bytes, ageMs: null }, this.#parts.limits)
  }

  async #write(until: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    while (!until.aborted) {
      const flush = this.#flushIn()
      const heartbeat = this.#heartbeatIn()
      if (flush === 0) await this.#flush()
      else if (heartbeat === 0) await this.#heartbeat()
      else await this.#wait(clock, Math.min(flush, heartbeat))
    }
    if (this.#waitingSince !== null) await this.#flush()
  }

  async #wait(clock: Clock, ms: number): Promise<void> {
    if (ms === Infinity) return this.#work.heard()
    const done = new AbortController()
    await Promise.race([this.#work.heard(), clock.sleep(ms, done.signal)])
    done.abort()
  }

  /** Somebody waits for a place that the server has reached, so nothing more comes before it. */
  get #isAwaited(): boolean {
    const wanted = this.#wanted ?? ZERO_LSN
    const isHeard = this.#heard >= wanted && !this.#intake.isInTransaction
    return isHeard && this.#parts.log.state.confirm! < wanted
  }

  #flushIn(): number {
    if (this.#waitingSince !== null && this.#isAwaited) return 0
    const now = this.#parts.clock.now()
    const ageMs = this.#waitingSince === null ? null : now - this.#waitingSince
    const { rows, bytes } = this.#pending
    return flushIn({ rows, bytes, ageMs, pauseMs: this.#pace.pauseMs(now) }, this.#parts.limits)
  }

  #heartbeatIn(): number {
    const { log, clock, limits } = this.#parts
    const { to, confirm } = log.state
    return heartbeatIn(
      {
        heard: this.#heard,
        confirmed: confirm!,
        isQuiet: this.#isQuiet && to!.end,
        sinceLastManifestMs: clock.now() - this.#lastManifestAt,
        wanted: this.#wanted,
      },
      limits,
    )
  }

  /**
   * Nothing waits, and nothing is under way. What was just taken has not waited yet, and a heartbeat
   * must not step over it.
   */
  get #isQuiet(): boolean {
    const isWaiting = this.#waitingSince !== null || !this.#pending.isEmpty
    return !isWaiting && !this.#intake.isInTransaction
  }

  async #flush(): Promise<void> {
    const { log, clock } = this.#parts
    const startedAt = clock.now()
    const [marks, loads, waitingSince] = [this.#marks.length, this.#loads, this.#waitingSince]
    const changes = this.#marked(this.#pending.take())
    this.#loads = []
    this.#waitingSince = null
    this.#room.ring()
    if (changes === null && loads.length === 0) return
    this.#isWriting = loads.length > 0 || this.#marks.length < marks
    const { manifest, bytes, ahead } = await log.write({ changes, loads })
    this.#isWriting = false
    this.#pace.wrote(startedAt, manifest)
    if (ahead !== null) this.#parts.emit({ type: 'clock-ahead', ...ahead })
    this.#durable(manifest, {
      bytes,
      startedAt,
      oldest: changes === null ? null : waitingSince,
    })
  }

  /** With the marks that wait, if a transaction ends here; what comes next must find them made. */
  #marked(changes: ChangeBatch | null): ChangeBatch | null {
    const { to, confirm } = this.#parts.log.state
    if (this.#marks.length === 0 || !(changes?.to ?? to!).end) return changes
    const marks = this.#marks.flatMap((make) => make())
    this.#marks = []
    return withMarks(changes, marks, maxLsn(changes?.confirm ?? confirm!, confirm!))
  }

  async #heartbeat(): Promise<void> {
    const startedAt = this.#parts.clock.now()
    const manifest = await this.#parts.log.heartbeat(this.#heard)
    this.#durable(manifest, { bytes: 0, startedAt, oldest: null })
  }

  #durable(
    manifest: Manifest,
    facts: { bytes: number; startedAt: number; oldest: number | null },
  ): void {
    const { slot, clock, emit } = this.#parts
    slot.stream.confirm(manifest.confirm)
    const now = clock.now()
    this.#lastManifestAt = now
    emit({
      type: 'manifest-written',
      manifest,
      bytes: facts.bytes,
      seconds: (now - facts.startedAt) / 1000,
      latencyMs: facts.oldest === null ? null : now - facts.oldest,
    })
    emit({
      type: 'source-lag',
      serverLsn: maxLsn(this.#heard, manifest.confirm),
      confirmedLsn: manifest.confirm,
    })
  }
}
