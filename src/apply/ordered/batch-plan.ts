/**
 * What a batch of manifests is to an ordered consumer: the files of each table that is live, in order,
 * and the places of all tables after it.
 *
 * Pure, and it depends on the ledger and the log alone, so that every worker finds the same.
 */

import { compareEntries, isPositioned, type PositionedEntry } from '../../core/entry-order.ts'
import type { StragglerLoad } from '../../core/ledger.ts'
import type { Lsn } from '../../core/lsn.ts'
import type {
  ChangesEntry,
  LoadBeginEntry,
  LoadEntry,
  LoadMode,
  Manifest,
  RenameEntry,
} from '../../core/manifest.ts'
import type { TableId } from '../../core/table.ts'
import { isForUs } from '../controls.ts'
import { isVoided } from '../read-batch.ts'
import { keptFrom } from '../straggler-moves.ts'
import { FIRST_ROW, NEW_TABLE, type OrderedPlace, type TablePlace } from './place.ts'

export interface BatchFacts {
  /** Our name in the `for` of loads. */
  readonly consumer: string
  /** How capture ran before the batch; `null` if it had not begun. */
  readonly mode: LoadMode | null
}

export interface PlannedFile {
  readonly entry: ChangesEntry
  /** Transactions that commit below this are left out; `null` if none are. */
  readonly from: Lsn | null
  /** The manifest that names it. */
  readonly n: number
}

export interface BatchPlan {
  /** In the order of the log. */
  readonly files: readonly PlannedFile[]
  readonly tables: ReadonlyMap<TableId, TablePlace>
}

export function planBatch(
  place: OrderedPlace,
  manifests: readonly Manifest[],
  facts: BatchFacts,
): BatchPlan {
  const planner = new Planner(place, facts, isVoided(manifests))
  for (const manifest of manifests) planner.take(manifest)
  return planner
}

/** Whether the plan depends on how capture ran before the batch. */
export function hasNewTable({ tables }: OrderedPlace, manifests: readonly Manifest[]): boolean {
  const isNew = (table: TableId) => (tables.get(table)?.state ?? 'gone') === 'gone'
  return manifests.some(({ entries }) => entries.some(({ table }) => isNew(table)))
}

/** The files of one table that a stretch of manifests holds on top of its load. */
export function planCatchUp(
  table: TableId,
  load: StragglerLoad | null,
  manifests: readonly Manifest[],
): readonly PlannedFile[] {
  const files: PlannedFile[] = []
  for (const { n, epoch, entries } of manifests) {
    const from = keptFrom(load, epoch)
    if (from === 'none') continue
    for (const entry of entries) {
      if (entry.type !== 'changes' || entry.table !== table) continue
      if (from !== null && entry.last.lsn < from) continue
      files.push({ entry, n, from: from !== null && entry.first.lsn < from ? from : null })
    }
  }
  return files
}

class Planner implements BatchPlan {
  readonly files: PlannedFile[] = []
  readonly tables = new Map<TableId, TablePlace>()
  readonly #before: OrderedPlace
  readonly #facts: BatchFacts
  readonly #isVoided: boolean
  #mode: LoadMode | null
  #n = 0

  constructor(before: OrderedPlace, facts: BatchFacts, voided: boolean) {
    this.#before = before
    this.#facts = facts
    this.#isVoided = voided
    this.#mode = facts.mode
  }

  take(manifest: Manifest): void {
    this.#n = manifest.n
    if (manifest.kind === 'open' || manifest.kind === 'epoch') this.#mode = manifest.run.load
    const isLoss = manifest.kind === 'epoch' && !manifest.continues
    if (isLoss) this.#loseAll()
    if (isLoss || !this.#isVoided) {
      const positioned = manifest.entries.filter(isPositioned).toSorted(compareEntries)
      for (const entry of positioned) this.#change(entry)
    }
    for (const entry of manifest.entries) {
      if (!isPositioned(entry)) this.#control(entry, manifest.epoch)
    }
  }

  #now(table: TableId): TablePlace | undefined {
    return this.tables.get(table) ?? this.#before.tables.get(table)
  }

  #change(entry: PositionedEntry): void {
    if (entry.type === 'rename') this.#rename(entry)
    else if (entry.type === 'drop') this.#leave(entry.table)
    else if (entry.type === 'changes' && this.#isLive(entry.table)) {
      this.files.push({ entry, from: null, n: this.#n })
    }
  }

  /** A table that we never saw waits for its load, unless there are no loads. */
  #isLive(table: TableId): boolean {
    const row = this.#now(table)
    if (row !== undefined && row.state !== 'gone') return row.state === 'live'
    const isLive = this.#mode === 'cdc'
    this.tables.set(table, { ...this.#fresh(table), state: isLive ? 'live' : 'waiting' })
    return isLive
  }

  /** A table that is not live under its old name is loaded under the new one. */
  #rename({ table, to }: RenameEntry): void {
    const row = this.#now(table)
    const isLive = row === undefined ? this.#mode === 'cdc' : row.state === 'live'
    this.#leave(table)
    this.tables.set(to, { ...this.#fresh(to), state: isLive ? 'live' : 'waiting' })
  }

  #leave(table: TableId): void {
    this.tables.set(table, { ...this.#fresh(table), state: 'gone' })
  }

  /** What the folder of a table has seen stays known. */
  #fresh(table: TableId): TablePlace {
    return { ...NEW_TABLE, memo: this.#now(table)?.memo ?? {} }
  }

  #control(entry: LoadEntry, epoch: number): void {
    const { table } = entry
    const row = this.#now(table) ?? NEW_TABLE
    if (entry.type === 'load-begin') return this.#begin(row, entry, epoch)
    if (row.state !== 'loading' || row.load?.load !== entry.load) return
    if (entry.type === 'load-end') {
      const load = { ...row.load, endedAt: this.#n }
      this.tables.set(table, { ...row, state: 'ready', load, place: FIRST_ROW })
    } else if (entry.type === 'load-cancel') {
      const { back, memo } = row
      const before = back && { ...NEW_TABLE, ...back, state: 'catching-up' as const, memo }
      this.tables.set(table, before ?? { ...NEW_TABLE, memo })
    }
  }

  #begin(row: TablePlace, entry: LoadBeginEntry, epoch: number): void {
    const { table, load, lsn, since } = entry
    if (!isForUs(entry.for, this.#facts.consumer)) return
    this.tables.set(table, {
      ...row,
      state: 'loading',
      load: { load, lsn, epoch, since, beganAt: this.#n, endedAt: null },
      n: null,
      back: backOf(row, this.#n),
    })
  }

  #loseAll(): void {
    for (const table of new Set([...this.#before.tables.keys(), ...this.tables.keys()])) {
      if (this.#now(table)!.state !== 'gone') this.tables.set(table, this.#fresh(table))
    }
  }
}

function backOf({ state, n, load, back }: TablePlace, at: number): TablePlace['back'] {
  if (state === 'live') return { n: at, load: null }
  if (state === 'catching-up') return { n: n ?? at, load }
  return back
}
