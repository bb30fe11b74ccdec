/**
 * What a batch of manifests comes to: pieces of work, and the ledger after it.
 *
 * Pure, since this is where a mistake would lose rows: which tables take part, which are passed by,
 * which become stragglers. A batch changes nothing on a table that is passed by; a table that it
 * makes a straggler is passed by from its first entry on.
 */

import { compareEntries, isPositioned, type PositionedEntry } from '../core/entry-order.ts'
import type { Ledger, Straggler } from '../core/ledger.ts'
import type {
  DropEntry,
  Entry,
  LoadEntry,
  LoadMode,
  Manifest,
  RenameEntry,
} from '../core/manifest.ts'
import type { TableId } from '../core/table.ts'
import { control, WAITING } from './controls.ts'
import { Pieces, type Piece } from './pieces.ts'
import { isVoided } from './read-batch.ts'

export interface BatchFacts {
  /** Our name in the `for` of loads. */
  readonly consumer: string
  /** The first manifest that is kept. */
  readonly first: number
  /** How capture ran before the batch; `null` if it had not begun. */
  readonly mode: LoadMode | null
  /** A table that the source drops goes; else what the target has of it stays. */
  readonly dropsTables?: boolean
}

export interface BatchPlan {
  readonly pieces: readonly Piece[]
  readonly v: number
  /** Rows of the ledger that change; `null` for those that go. */
  readonly stragglers: ReadonlyMap<TableId, Straggler | null>
  readonly tables: ReadonlyMap<TableId, string | null>
  /**
   * Tables whose request for a load has nothing to wait for any more, if it was made before this
   * manifest: a later one is of the table that has the name since.
   */
  readonly withdrawn: ReadonlyMap<TableId, number>
}

export function planBatch(
  ledger: Ledger,
  manifests: readonly Manifest[],
  facts: BatchFacts,
): BatchPlan {
  const planner = new Planner(ledger, facts, isVoided(manifests))
  for (const manifest of manifests) planner.take(manifest)
  return planner.done()
}

/** Whether the plan depends on how capture ran before the batch. */
export function hasNewTable(ledger: Ledger, manifests: readonly Manifest[]): boolean {
  const isNew = ({ table }: Entry) => !ledger.stragglers.has(table) && !ledger.tables.has(table)
  return manifests.some(({ entries }) => entries.some(isNew))
}

class Planner {
  readonly #before: Ledger
  readonly #facts: BatchFacts
  readonly #isVoided: boolean
  readonly #pieces: Pieces
  readonly #stragglers: Map<TableId, Straggler>
  readonly #withdrawn = new Map<TableId, number>()
  readonly #seen = new Set<TableId>()
  #mode: LoadMode | null
  #v: number
  /** The manifest that is being taken. */
  #n = 0

  constructor(ledger: Ledger, facts: BatchFacts, voided: boolean) {
    this.#before = ledger
    this.#facts = facts
    this.#isVoided = voided
    this.#pieces = new Pieces(ledger.tables)
    this.#stragglers = new Map(ledger.stragglers)
    this.#mode = facts.mode
    this.#v = ledger.v
  }

  take(manifest: Manifest): void {
    this.#n = manifest.n
    if (manifest.kind === 'open' || manifest.kind === 'epoch') this.#mode = manifest.run.load
    for (const entry of manifest.entries) this.#seen.add(entry.table)
    const isLoss = manifest.kind === 'epoch' && !manifest.continues
    if (isLoss) this.#loseAll()
    if (isLoss || !this.#isVoided) {
      for (const entry of inOrder(manifest.entries)) this.#change(entry)
    }
    // Loads stand before all else: one of a table that is then dropped is none of its namesake's.
    const dropped = new Set(manifest.entries.flatMap((e) => (e.type === 'drop' ? e.table : [])))
    for (const entry of manifest.entries) {
      if (!isPositioned(entry) && !dropped.has(entry.table)) this.#control(entry, manifest)
    }
  }

  done(): BatchPlan {
    return {
      pieces: this.#pieces.list,
      v: this.#v,
      stragglers: difference(this.#before.stragglers, this.#stragglers),
      tables: difference(this.#before.tables, this.#pieces.shapes),
      withdrawn: this.#withdrawn,
    }
  }

  #change(entry: PositionedEntry): void {
    if (entry.type === 'rename') return this.#rename(entry)
    if (entry.type === 'drop') return this.#drop(entry)
    if (this.#isPassed(entry.table)) return
    if (entry.type === 'changes') this.#pieces.changes(entry)
    else if (entry.type === 'shape') this.#pieces.shape(entry)
    else this.#pieces.truncate(entry.table)
  }

  /** A table that we never saw waits for its load, unless there are no loads. */
  #isPassed(table: TableId): boolean {
    const row = this.#stragglers.get(table)
    if (row !== undefined) return row.isPassed
    if (this.#pieces.shapes.has(table) || this.#mode === 'cdc') return false
    this.#set(table, WAITING)
    return true
  }

  /** A table that is to be loaded under its new name has no use for a copy under the old one. */
  #rename(entry: RenameEntry): void {
    const { table, to } = entry
    const isPassed = this.#stragglers.get(table)?.isPassed ?? false
    if (isPassed || this.#stragglers.has(to)) {
      this.#remove(table)
      if (!this.#stragglers.has(to)) this.#set(to, WAITING)
      return
    }
    this.#leave(table)
    this.#pieces.rename(entry)
  }

  /**
   * What the target has of the table stays, as the last that is known, unless it was said otherwise; a
   * table of its name replaces it. One that is suspended stays in any case: perhaps it could not go.
   */
  #drop({ table }: DropEntry): void {
    const isSuspended = this.#stragglers.get(table)?.state === 'suspended'
    this.#leave(table)
    if (this.#facts.dropsTables === true && !isSuspended) this.#pieces.drop(table)
    else this.#pieces.forget(table)
  }

  #remove(table: TableId): void {
    this.#leave(table)
    this.#pieces.drop(table)
  }

  /** The table is a straggler no longer, and what it was loaded into goes. */
  #leave(table: TableId): void {
    const row = this.#stragglers.get(table)
    if (row === undefined) return
    if (row.shape !== null) this.#pieces.dropShadow(table)
    this.#set(table, null)
    this.#withdrawn.set(table, this.#n)
  }

  #control(entry: LoadEntry, { n, epoch }: Manifest): void {
    const { table } = entry
    const { consumer, first } = this.#facts
    const isLive = this.#pieces.shapes.has(table)
    const row = this.#stragglers.get(table) ?? null
    const next = control(row, entry, { consumer, first, n, epoch, isLive })
    if (next === undefined) return
    if (entry.type === 'load-end' && next !== null) this.#stragglers.set(table, next)
    else this.#set(table, next)
  }

  /** What the target has stays readable until the load that each table waits for is in place. */
  #loseAll(): void {
    const { shapes } = this.#pieces
    for (const table of new Set([...shapes.keys(), ...this.#stragglers.keys(), ...this.#seen])) {
      this.#leave(table)
      this.#set(table, WAITING)
      this.#withdrawn.set(table, this.#n)
    }
  }

  #set(table: TableId, row: Straggler | null): void {
    if (row === null) this.#stragglers.delete(table)
    else this.#stragglers.set(table, row)
    this.#v++
  }
}

/** The order of the source over all tables, which matters where a name passes from table to table. */
function inOrder(entries: readonly Entry[]): readonly PositionedEntry[] {
  return entries.filter(isPositioned).toSorted(compareEntries)
}

function difference<T>(
  before: ReadonlyMap<TableId, T>,
  after: ReadonlyMap<TableId, T>,
): ReadonlyMap<TableId, T | null> {
  const changed = new Map<TableId, T | null>()
  for (const table of before.keys()) if (!after.has(table)) changed.set(table, null)
  for (const [table, value] of after) if (before.get(table) !== value) changed.set(table, value)
  return changed
}
