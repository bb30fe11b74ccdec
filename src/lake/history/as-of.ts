/**
 * A table as it was at a moment: its newest load then, and the changes on top of it.
 *
 *   closed by then ─► state ─► newest load ─► changes from `since` on, up to the moment ─► its rows
 *
 * If the lake does not know it fails with TIME_UNKNOWN rather than give rows that may be wrong.
 */

import { BlockPool } from '../../core/change-log.ts'
import { fail } from '../../core/errors.ts'
import type {
  BarrierEntry,
  ChangesEntry,
  LoadPartEntry,
  Manifest,
  ShapeEntry,
} from '../../core/manifest.ts'
import type { Shape, TableId } from '../../core/table.ts'
import type { TupleBlock } from '../../core/target.ts'
import type { LogReader } from '../log/log-reader.ts'
import type { LoadState, LogState } from '../log/log-state.ts'
import type { Shapes } from '../shapes.ts'
import { endsAfter, isLater, lastClosedBy, lastWhere, timeOf, type Moment } from './moment.ts'
import { PresentRows, type RowValues } from './present-rows.ts'

export interface TableThen {
  readonly shape: Shape
  /** Aligned with the columns of the shape; valid until the next one is asked for. */
  readonly rows: AsyncIterable<RowValues>
  /** When the lake was written to last, if that was before the moment: it knows no more than this. */
  readonly upTo: string | null
}

interface Parts {
  readonly reader: LogReader
  readonly shapes: Shapes
}

/** Rejects with TIME_UNKNOWN. */
export async function tableAsOf(
  { reader, shapes }: Parts,
  table: TableId,
  moment: Moment,
): Promise<TableThen> {
  const head = await reader.recover()
  const state = await stateThen(reader, head, moment)
  const load = loadOf(state, table)
  const parts = await partsOf(reader, table, load)
  const loadShape = await shapes.read(load.shape)
  const stretch = new Stretch({ reader, shapes }, { table, load, moment }, loadShape)
  const last = await stretch.walk(head.n)
  async function* loaded(): AsyncGenerator<TupleBlock> {
    for (const part of parts) yield* reader.readLoadPart(part, loadShape).read()
  }
  const time = timeOf(moment)
  const isBeyond = last !== null && time !== null && Date.parse(last.closedAt) < time
  const { rows } = stretch
  return { shape: rows.shape, rows: rows.rows(loaded()), upTo: isBeyond ? last.closedAt : null }
}

/** The state of the log when the moment had come. What committed by then may still follow in the log. */
async function stateThen(reader: LogReader, head: LogState, moment: Moment): Promise<LogState> {
  const stretch = { first: await reader.first(), head: head.n }
  const time = timeOf(moment)
  const n =
    moment.type === 'lsn'
      ? await lastWhere(
          reader,
          stretch,
          ({ epoch, to }) => epoch < head.epoch || to.lsn <= moment.lsn,
        )
      : await lastClosedBy(reader, stretch, time!)
  if (n < stretch.first) fail('TIME_UNKNOWN', 'the log of the lake begins later')
  return n === head.n ? head : reader.stateAt(n)
}

function loadOf({ tables, epoch }: LogState, table: TableId): LoadState {
  const state = tables.get(table)
  const load = state?.newestLoad ?? null
  if (load !== null && load.epoch <= epoch) return load
  const reason =
    state === undefined
      ? `the lake knew no table ${table} then`
      : state.ambiguousAt === undefined
        ? `no load of ${table} had ended then`
        : `${table} was changed in a way that the log cannot tell, and was not loaded again yet`
  return fail('TIME_UNKNOWN', reason, { details: { table } })
}

async function partsOf(
  reader: LogReader,
  table: TableId,
  { load, beganAt, endedAt, rows }: LoadState,
): Promise<readonly LoadPartEntry[]> {
  const parts = await reader.loadParts({ table, load, beganAt, endedAt })
  let found = 0
  for (const part of parts) found += part.rows
  if (found === rows) return parts
  return fail('TIME_UNKNOWN', `${table} had another name when it was loaded`, {
    details: { table, load },
  })
}

interface Scope {
  readonly table: TableId
  readonly load: LoadState
  readonly moment: Moment
}

interface NextShape {
  readonly entry: ShapeEntry
  readonly shape: Shape
}

/** The changes from a load to a moment. */
class Stretch {
  readonly rows: PresentRows
  readonly #parts: Parts
  readonly #scope: Scope
  readonly #pool = new BlockPool()
  /** They hold from the next row on, which may lie beyond the moment. */
  #nextShapes: NextShape[] = []

  constructor(parts: Parts, scope: Scope, shape: Shape) {
    this.#parts = parts
    this.#scope = scope
    this.rows = new PresentRows(shape)
  }

  /** Resolves to the last manifest of the log, or `null` if the moment came before it. */
  async walk(head: number): Promise<Manifest | null> {
    const { load, moment } = this.#scope
    let last: Manifest | null = null
    for await (const manifest of this.#parts.reader.manifests(load.since + 1, head)) {
      if (await this.#isOver(manifest)) return null
      if (endsAfter(manifest, last?.clock ?? Number.MAX_SAFE_INTEGER, moment)) return null
      last = manifest
    }
    this.#reshape()
    return last
  }

  /** Takes what the manifest has of the table. True if there is nothing more to take. */
  async #isOver(manifest: Manifest): Promise<boolean> {
    const { table, load } = this.#scope
    const { kind, epoch, entries } = manifest
    // What comes then is another history, which this load is not the beginning of.
    if (kind === 'epoch' && !manifest.continues && epoch > load.epoch) return true
    for (const entry of entries) {
      if (entry.table !== table || 'load' in entry || this.#isInLoad(entry, epoch)) continue
      if (entry.type === 'changes') {
        if (!(await this.#takes(entry, epoch))) return true
      } else if (entry.type === 'shape') {
        this.#nextShapes.push({ entry, shape: await this.#parts.shapes.read(entry.shape) })
      } else if (entry.type !== 'truncate') {
        fail('TIME_UNKNOWN', `${table} was dropped or renamed after its last load`)
      }
      // A truncate is also the last row of the file before it.
    }
    return false
  }

  #isInLoad(entry: ChangesEntry | BarrierEntry, epoch: number): boolean {
    const { load } = this.#scope
    if (epoch !== load.epoch) return epoch < load.epoch
    return (entry.type === 'changes' ? entry.last : entry.position).lsn < load.lsn
  }

  /** False if the moment comes in this file. */
  async #takes(entry: ChangesEntry, epoch: number): Promise<boolean> {
    const { load, moment } = this.#scope
    const changes = await this.#parts.reader.readChanges(entry, this.#pool)
    return this.rows.take(changes, (change) => {
      if (epoch === load.epoch && change.commitLsn < load.lsn) return 'no'
      if (isLater(change, moment)) return 'end'
      this.#reshape()
      return 'yes'
    })
  }

  #reshape(): void {
    for (const { entry, shape } of this.#nextShapes) {
      if (entry.isAmbiguous) {
        const { table } = entry
        fail('TIME_UNKNOWN', `${table} was changed in a way that the log cannot tell`)
      }
      this.rows.reshape(shape, entry.defaults)
    }
    this.#nextShapes = []
  }
}
