/**
 * What a batch of manifests comes to: pieces of work, and the ledger after it.
 *
 * Pure, since this is where a mistake would lose rows: which tables take part, which are passed by,
 * which become stragglers. A batch changes nothing on a table that is passed by; a table that it
 * makes a straggler is passed by from its first entry on.
 */

import type { Ledger, Straggler } from '../core/ledger.ts'
import type {
  BarrierEntry,
  ChangesEntry,
  DropEntry,
  Entry,
  LoadEntry,
  LoadMode,
  Manifest,
  RenameEntry,
} from '../core/manifest.ts'
import { comparePositions, type Position } from '../core/position.ts'
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
}

export interface BatchPlan {
  readonly pieces: readonly Piece[]
  readonly v: number
  /** Rows of the ledger that change; `null` for those that go. */
  readonly stragglers: ReadonlyMap<TableId, Straggler | null>
  readonly tables: ReadonlyMap<TableId, string | null>
  /** Tables whose request for a load has nothing to wait for any more. */
  readonly withdrawn: ReadonlySet<TableId>
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

type Positioned = ChangesEntry | BarrierEntry

class Planner {
  readonly #before: Ledger
  readonly #facts: BatchFacts
  readonly #isVoided: boolean
  readonly #pieces: Pieces
  readonly #stragglers: Map<TableId, Straggler>
  readonly #withdrawn = new Set<TableId>()
  readonly #seen = new Set<TableId>()
  #mode: LoadMode | null
  #v: number

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
    if (manifest.kind === 'open' || manifest.kind === 'epoch') this.#mode = manifest.run.load
    for (const entry of manifest.entries) this.#seen.add(entry.table)
    if (!this.#isVoided) for (const entry of inOrder(manifest.entries)) this.#change(entry)
    for (const entry of manifest.entries) if (!isPositioned(entry)) this.#control(entry, manifest)
    if (manifest.kind === 'epoch' && !manifest.continues) this.#loseAll()
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

  #change(entry: Positioned): void {
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

  #drop({ table }: DropEntry): void {
    this.#remove(table)
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
    this.#withdrawn.add(table)
  }

  #control(entry: LoadEntry, { n, epoch }: Manifest): void {
    const { table } = entry
    const { consumer, first } = this.#facts
    const isLive = this.#pieces.shapes.has(table)
    const row = this.#stragglers.get(table) ?? null
    const next = control(row, entry, { consumer, first, n, epoch, isLive })
    if (next === undefined) return
    if (entry.type === 'load-cancel') this.#withdrawn.add(table)
    if (entry.type === 'load-end' && next !== null) this.#stragglers.set(table, next)
    else this.#set(table, next)
  }

  #loseAll(): void {
    const { shapes } = this.#pieces
    for (const table of new Set([...shapes.keys(), ...this.#stragglers.keys(), ...this.#seen])) {
      this.#set(table, WAITING)
      this.#withdrawn.add(table)
    }
  }

  #set(table: TableId, row: Straggler | null): void {
    if (row === null) this.#stragglers.delete(table)
    else this.#stragglers.set(table, row)
    this.#v++
  }
}

function isPositioned(entry: Entry): entry is Positioned {
  return !entry.type.startsWith('load-')
}

/** The order of the source over all tables, which matters where a name passes from table to table. */
function inOrder(entries: readonly Entry[]): readonly Positioned[] {
  return entries.filter(isPositioned).toSorted((a, b) => comparePositions(startOf(a), startOf(b)))
}

function startOf(entry: Positioned): Position {
  return entry.type === 'changes' ? entry.first : entry.position
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
