/**
 * Appends to the log: data files first, then the manifest that names them.
 *
 *   open ── manifest n, our generation ──► write, write, heartbeat, write …
 *             n+1 is put only when n is known to be durable
 *
 * A manifest is created only if its number is free. If it is taken by other bytes than ours, another
 * process writes to this lake: FENCED, and the caller begins again from the head as a new
 * generation. What was written by the other is true data of the same slot, so nothing is lost. A
 * writer that has failed in any way is not used again.
 */

import type { BarrierItem, ChangeBatch, Chunk } from '../../core/batch.ts'
import type { Clock } from '../../core/clock.ts'
import { fail, unreachable } from '../../core/errors.ts'
import { maxLsn, type Lsn } from '../../core/lsn.ts'
import type {
  BarrierEntry,
  Entry,
  LoadEntry,
  LoadPartEntry,
  Manifest,
  RunInfo,
} from '../../core/manifest.ts'
import type { ObjectStore } from '../../core/object-store.ts'
import type { Shape, TableId } from '../../core/table.ts'
import { encodeFile, encodeLoadPart, loadLines } from '../codecs/encoder.ts'
import type { Encoding, LoadLines } from '../codecs/encoder.ts'
import { writeDataFile } from '../data-file.ts'
import { changesKey, loadKey, type LoadFile } from '../layout.ts'
import { Sweeper } from '../retention/sweeper.ts'
import { loadId } from '../retention/unnamed-loads.ts'
import type { Shapes } from '../shapes.ts'
import { allOf } from './at-once.ts'
import type { LogReader } from './log-reader.ts'
import { advance, laterDay, type LogState } from './log-state.ts'
import { lostEpoch, type EpochBegin } from './lost-epoch.ts'
import { OrderClock } from './order-clock.ts'
import { putManifest } from './put-manifest.ts'
import type { Rollups } from './rollups.ts'

export interface LogWriterParts extends Encoding {
  readonly store: ObjectStore
  readonly reader: LogReader
  readonly rollups: Rollups
  readonly shapes: Shapes
  readonly clock: Clock
  /** Random id of this process. */
  readonly writer: string
}

export interface LogBatch {
  /** `null` if there are only entries of loads. */
  readonly changes: ChangeBatch | null
  readonly loads: readonly LoadEntry[]
}

export interface Written {
  readonly manifest: Manifest
  readonly bytes: number
  /** Files whose commit time lay more than a minute ahead of our clock; `null` if none did. */
  readonly ahead: { readonly files: number; readonly ms: number } | null
}

/** 2000-01-01, from which PostgreSQL counts. */
const POSTGRES_EPOCH_MS = 946_684_800_000

/** Files that are encoded and stored at the same time, where the store does not say more. */
const FILES_AT_ONCE = 4

export class LogWriter {
  readonly #parts: LogWriterParts
  #state: LogState | null = null
  #generation = 0
  #sweeper: Sweeper | null = null

  constructor(parts: LogWriterParts) {
    this.#parts = parts
  }

  /** The log up to the last durable manifest. */
  get state(): LogState {
    return this.#state ?? fail('LAKE_MISSING', 'the log is not open')
  }

  /**
   * Writes the `open` manifest after the head of the log, which is our fence. The head must have been
   * read when the slot was ours already. `start` is where the slot stands, for a lake that is empty.
   */
  async open(
    head: LogState,
    run: RunInfo,
    start: { readonly lsn: Lsn; readonly timeline: number },
  ): Promise<Manifest> {
    const state = head.n > 0 ? head : this.#beginning(head, start)
    this.#state = state
    this.#generation = state.n + 1
    const order = this.#orderClock()
    const manifest = await this.#put({
      ...this.#draft(order),
      kind: 'open',
      timeline: start.timeline,
      run,
    })
    const { store, reader } = this.#parts
    this.#sweeper = new Sweeper({ store, reader, since: head.dt, generation: this.#generation })
    return manifest
  }

  /** An empty lake begins where the slot stands, and its `order` at our own time. */
  #beginning(
    empty: LogState,
    { lsn, timeline }: { readonly lsn: Lsn; readonly timeline: number },
  ): LogState {
    const to = { lsn, ordinal: 0, end: true }
    const clock = Math.trunc(this.#parts.clock.now() * 1000)
    return { ...empty, epoch: 1, to, confirm: lsn, timeline, clock }
  }

  /** Makes a batch part of the log. Resolves once it is durable. */
  async write({ changes, loads }: LogBatch): Promise<Written> {
    const order = this.#orderClock()
    const startedAt = this.#parts.clock.now()
    const dt = this.#dt(startedAt)
    const entries: Entry[] = [...loads]
    const files: (() => Promise<void>)[] = []
    for (const [table, items] of changes?.tables ?? []) {
      let part = 0
      for (const item of items) {
        const at = entries.length
        entries.push(PLACEHOLDER)
        if (item.type === 'changes') {
          const first = order.file(item.changes.rows, item.firstCommittedAt)
          const place = { table, part: part++, dt, order: first }
          files.push(async () => {
            entries[at] = await this.#writeChanges(item, place)
          })
        } else {
          entries[at] = await this.#barrier(item, table, order)
        }
      }
    }
    await allOf(files, this.#parts.store.parallel ?? FILES_AT_ONCE)
    const draft = this.#draft(order, startedAt)
    const manifest: Manifest = {
      ...draft,
      kind: 'changes',
      to: changes?.to ?? draft.to,
      confirm: maxLsn(changes?.confirm ?? draft.confirm, draft.confirm),
      entries,
    }
    await this.#put(manifest)
    const { clamped, aheadMs } = order
    const ahead = clamped > 0 ? { files: clamped, ms: aheadMs } : null
    return { manifest, bytes: bytesOf(entries), ahead }
  }

  /** Says that the source has nothing for us below `lsn`. */
  async heartbeat(lsn: Lsn): Promise<Manifest> {
    return this.#put({
      ...this.#draft(this.#orderClock()),
      kind: 'heartbeat',
      to: { lsn, ordinal: 0, end: true },
      confirm: lsn,
    })
  }

  /** Begins another epoch, which the log so far does not fit to. */
  async loseEpoch(begin: EpochBegin): Promise<Manifest> {
    const order = this.#orderClock()
    const fields = lostEpoch(this.state, begin, order)
    return this.#put({ ...this.#draft(order), ...fields })
  }

  /** Stores a shape, so that an entry may name it. Resolves to its key. */
  async writeShape(shape: Shape): Promise<string> {
    return this.#parts.shapes.write(shape)
  }

  /** Deletes, once per table, what loads of earlier generations left and no manifest names. */
  async sweepLoads(table: TableId): Promise<void> {
    await this.#sweeper?.loads(table, this.state.tables.get(table)?.newestLoad ?? null)
  }

  /** The id of a load whose `load-begin` is queued now. */
  loadId(random: string): string {
    return loadId(this.state.n, random)
  }

  /** What all parts of a load have in common. */
  loadLines(shape: Shape, load: { readonly lsn: Lsn; readonly order: number }): LoadLines {
    const sinceEpochMs = Math.trunc(this.#parts.clock.now()) - POSTGRES_EPOCH_MS
    const committedAt = BigInt(sinceEpochMs) * 1000n
    return loadLines(shape, { ...load, committedAt })
  }

  /** Stores one part of a load. It becomes part of the log by the entry, in a later `write`. */
  async writeLoadPart(
    place: Omit<LoadFile, 'format'> & { readonly lines: LoadLines },
    pieces: AsyncIterable<Uint8Array>,
  ): Promise<Omit<LoadPartEntry, 'rows'>> {
    const { store, format } = this.#parts
    const { table, load, lines } = place
    const path = loadKey({ ...place, format })
    const encoded = encodeLoadPart(pieces, lines, this.#parts)
    const file = await writeDataFile(store, { key: path, format }, encoded)
    return { type: 'load-part', table, load, path, ...file }
  }

  async #writeChanges(
    chunk: Chunk,
    place: { table: TableId; part: number; dt: string; order: number },
  ): Promise<Entry> {
    const { store, format, shapes } = this.#parts
    const { table, part, dt, order } = place
    const shape = await shapes.write(chunk.shape)
    await this.#sweeper?.changes(table)
    const n = this.state.n + 1
    const path = changesKey({ table, part, format, dt, n, generation: this.#generation })
    const pieces = encodeFile(chunk, order, this.#parts)
    const file = await writeDataFile(store, { key: path, format }, pieces)
    const { i, u, d, unchanged } = chunk.counts
    const { first, last } = chunk
    const rows = { i, u, d }
    return { type: 'changes', table, shape, path, first, last, rows, unchanged, ...file, order }
  }

  async #barrier(item: BarrierItem, table: TableId, clock: OrderClock): Promise<BarrierEntry> {
    const { position } = item
    switch (item.type) {
      case 'truncate':
        // The tick of its row, which is the last one of the file before it.
        return { type: 'truncate', table, position, order: clock.last }
      case 'shape': {
        const shape = await this.#parts.shapes.write(item.shape)
        return { ...item, table, order: clock.barrier(), shape }
      }
      case 'rename': {
        const shape = await this.#parts.shapes.write(item.shape)
        return { type: 'rename', table, position, order: clock.barrier(), to: item.to, shape }
      }
      case 'drop':
        return { type: 'drop', table, position, order: clock.barrier() }
      default:
        return unreachable(item)
    }
  }

  #orderClock(): OrderClock {
    return new OrderClock(this.state.clock, this.#parts.clock.now())
  }

  /** What the next manifest says if nothing new is known. It closes no earlier than it began. */
  #draft(order: OrderClock, startedAt = 0): Omit<Manifest, 'kind'> & { entries: readonly Entry[] } {
    const { n, epoch, timeline, to, confirm } = this.state
    return {
      n: n + 1,
      writer: this.#parts.writer,
      generation: this.#generation,
      epoch,
      timeline,
      to: to ?? fail('LAKE_DAMAGED', `manifest ${n} has no position`),
      confirm: confirm ?? fail('LAKE_DAMAGED', `manifest ${n} confirms nothing`),
      clock: order.close(),
      closedAt: new Date(Math.max(startedAt, this.#parts.clock.now())).toISOString(),
      entries: [],
    }
  }

  /** The folder of the files of that time; it never goes back, whatever our clock does. */
  #dt(at: number): string {
    return laterDay(this.state.dt, new Date(at).toISOString())
  }

  async #put(manifest: Manifest): Promise<Manifest> {
    const { store, rollups } = this.#parts
    await putManifest(store, manifest)
    this.#state = advance(this.state, manifest)
    await rollups.writeIfDue(this.#state)
    return manifest
  }
}

/** Stands in the list of entries until its file is written, which keeps the order of entries. */
const PLACEHOLDER: Entry = {
  type: 'load-cancel',
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- replaced before anyone reads it
  table: '' as TableId,
  load: '',
}

function bytesOf(entries: readonly Entry[]): number {
  let bytes = 0
  for (const entry of entries) if ('bytes' in entry) bytes += entry.bytes
  return bytes
}
