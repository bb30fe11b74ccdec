/**
 * What the log has of one table, row after row: loads and changes, in the order of the log.
 *
 * One data file at a time is in memory. A part of a load is read like a file of changes: its rows are
 * inserts, true at the LSN of the load and dated by its begin.
 */

import { BlockPool, ChangeCursor, type Op } from '../../core/change-log.ts'
import type { Lsn } from '../../core/lsn.ts'
import type { ChangesEntry, LoadBeginEntry, LoadPartEntry, Manifest } from '../../core/manifest.ts'
import type { Shape, TableId } from '../../core/table.ts'
import type { LogReader } from '../log/log-reader.ts'
import type { Shapes } from '../shapes.ts'
import { endsAfter, isEarlier, lastClosedBy, timeOf, type Moment } from './moment.ts'

/** One row. Its bytes are valid until the next one is asked for. */
export interface HistoryRow {
  readonly op: Op
  /** `_order`; `null` for a row of a load whose manifest `since` is no longer kept. */
  readonly order: number | null
  readonly commitLsn: Lsn
  readonly ordinal: number
  readonly committedAt: bigint
  readonly manifest: number
  readonly shape: Shape
  /** Its tuple, aligned with the shape, begins at `bytes[start]`; a truncate has none. */
  readonly bytes: Buffer
  readonly start: number
}

export interface HistoryOptions {
  readonly table: TableId
  /** What committed before is left out. */
  readonly from: Moment | null
  /** What committed then or later is left out. */
  readonly to: Moment | null
  /** Only this data file. */
  readonly file: string | null
  readonly hasLoads: boolean
}

interface Parts {
  readonly reader: LogReader
  readonly shapes: Shapes
}

/** The clock of the source may go that far wrong before rows are looked for in the wrong place. */
const SKEW_MS = 24 * 3_600_000

export async function* history(parts: Parts, options: HistoryOptions): AsyncGenerator<HistoryRow> {
  const walk = new Walk(parts, options)
  const { to } = options
  // With the head known, a manifest that is missing below it is noticed.
  const { n: head } = await parts.reader.recover()
  let clock = Number.MAX_SAFE_INTEGER
  const first = await firstOf(parts.reader, head, options)
  for await (const manifest of parts.reader.manifests(first, head)) {
    yield* walk.rows(manifest)
    if (to !== null && endsAfter(manifest, clock, to)) return
    clock = manifest.clock
  }
}

/** The first manifest that may hold anything of it. */
async function firstOf(reader: LogReader, head: number, { from }: HistoryOptions): Promise<number> {
  const first = await reader.first()
  const time = from === null ? null : timeOf(from)
  if (time === null) return first
  return (await lastClosedBy(reader, { first, head }, time - SKEW_MS)) + 1
}

class Walk {
  readonly #parts: Parts
  readonly #options: HistoryOptions
  readonly #pool = new BlockPool()
  readonly #loads = new Map<string, LoadBeginEntry>()

  constructor(parts: Parts, options: HistoryOptions) {
    this.#parts = parts
    this.#options = options
  }

  async *rows({ n, entries }: Manifest): AsyncGenerator<HistoryRow> {
    const { table, file, hasLoads } = this.#options
    for (const entry of entries) {
      if (entry.table !== table) continue
      if (entry.type === 'load-begin') this.#loads.set(entry.load, entry)
      if (!('path' in entry) || (file !== null && entry.path !== file)) continue
      if (entry.type === 'changes') {
        yield* this.#file(entry, { n, order: entry.order, step: 1 })
      } else if (hasLoads) {
        const loadBegin = this.#loads.get(entry.load)
        // Without its begin it began before the time that was asked for.
        if (loadBegin === undefined) continue
        const order = await this.#tickOf(loadBegin)
        yield* this.#file(asChanges(entry, loadBegin), { n, order, step: 0 })
      }
    }
  }

  async *#file(
    entry: ChangesEntry,
    {
      n,
      order,
      step,
    }: { readonly n: number; readonly order: number | null; readonly step: number },
  ): AsyncGenerator<HistoryRow> {
    const { reader, shapes } = this.#parts
    const shape = await shapes.read(entry.shape)
    const changes = await reader.readChanges(entry, this.#pool)
    const cursor = new ChangeCursor()
    let i = 0
    for (const block of changes.drain()) {
      cursor.open(block)
      while (cursor.next()) {
        const tick = order === null ? null : order + i++ * step
        if (this.#isWanted(cursor)) yield rowOf(cursor, { order: tick, manifest: n, shape })
      }
    }
  }

  #isWanted(change: ChangeCursor): boolean {
    const { from, to } = this.#options
    if (from !== null && isEarlier(change, from)) return false
    return to === null || isEarlier(change, to)
  }

  /** All rows of a load have the tick that manifest `since` left unused. */
  async #tickOf({ since }: LoadBeginEntry): Promise<number | null> {
    const manifest = await this.#parts.reader.manifest(since)
    return manifest === null ? null : manifest.clock - 1
  }
}

function rowOf(
  { op, commitLsn, ordinal, committedAt, bytes, start }: ChangeCursor,
  place: Pick<HistoryRow, 'order' | 'manifest' | 'shape'>,
): HistoryRow {
  return { op, commitLsn, ordinal, committedAt, bytes, start, ...place }
}

function asChanges(entry: LoadPartEntry, { shape, lsn }: LoadBeginEntry): ChangesEntry {
  const { table, path, rows, bytes, sha256 } = entry
  const at = { lsn, ordinal: 0 }
  const counts = { i: rows, u: 0, d: 0 }
  const file = { table, path, bytes, sha256, shape, rows: counts, unchanged: 0 }
  return { type: 'changes', ...file, first: at, last: at, order: 0 }
}
