/** What the manifests tell of each table, taken one after the other. */

import type {
  ChangesEntry,
  Entry,
  LoadPartEntry,
  Manifest,
  RenameEntry,
  ShapeEntry,
} from '../../core/manifest.ts'
import type { Shape, TableId } from '../../core/table.ts'
import { changeOf } from '../../core/type-change.ts'
import type { DataFormat } from '../data-file.ts'
import { changesFolder, formatOf, parseChangesKey } from '../layout.ts'
import type { Shapes } from '../shapes.ts'
import type { ColumnFacts, EpochFacts, Stretch } from './table-facts.ts'

export interface KnownTable {
  readonly shape: Shape | null
  readonly stretches: readonly Stretch[]
  /** Aligned with the columns of the shape, as far as something happened to them. */
  readonly columns: readonly ColumnFacts[]
  readonly formats: ReadonlySet<DataFormat>
  /** The first and the last files: of changes, and of loads. */
  readonly files: { readonly changes: readonly string[]; readonly loads: readonly string[] }
  readonly days: ReadonlySet<string>
  /** The last manifest whose changes have unchanged values; 0 if there is none. */
  readonly unchangedAt: number
}

export const UNTOUCHED: ColumnFacts = { added: null, hadOtherType: false }

export class Past {
  readonly epochs: EpochFacts[] = []
  /** By load: `app/orders/load/<load id>/`. */
  readonly loadFolders = new Map<string, string>()
  readonly #shapes: Shapes
  readonly #tables = new Map<TableId, KnownTable>()

  constructor(shapes: Shapes) {
    this.#shapes = shapes
  }

  of(table: TableId): KnownTable {
    return this.#tables.get(table) ?? beginning(table, null)
  }

  async take({ epoch, clock, n, entries }: Manifest): Promise<void> {
    // Every manifest leaves the tick before its clock unused, which a load may take.
    if (this.epochs.at(-1)?.epoch !== epoch) this.epochs.push({ epoch, order: clock - 1 })
    for (const entry of entries) await this.#takeEntry(entry, n)
  }

  async #takeEntry(entry: Entry, n: number): Promise<void> {
    switch (entry.type) {
      case 'changes':
        return this.#addFile(entry, n)
      case 'load-part':
        this.loadFolders.set(entry.load, entry.path.slice(0, entry.path.lastIndexOf('/') + 1))
        return this.#addLoadPart(entry)
      case 'shape':
        return this.#changeShape(entry)
      case 'rename':
        return this.#rename(entry)
      case 'drop':
        return void this.#tables.set(entry.table, beginning(entry.table, entry.order))
      case 'truncate':
      case 'load-begin':
      case 'load-end':
      case 'load-cancel':
    }
  }

  #addLoadPart(entry: LoadPartEntry): void {
    const { files } = this.of(entry.table)
    const loads = endsWith(files.loads, entry.path)
    this.#set(entry.table, { formats: this.#formatsWith(entry), files: { ...files, loads } })
  }

  async #addFile(entry: ChangesEntry, n: number): Promise<void> {
    const { table, path, unchanged, shape } = entry
    const known = this.of(table)
    this.#set(table, {
      shape: known.shape ?? (await this.#shapes.read(shape)),
      formats: this.#formatsWith(entry),
      files: { ...known.files, changes: endsWith(known.files.changes, path) },
      days: withOne(known.days, parseChangesKey(path)!.dt),
      unchangedAt: unchanged > 0 ? n : known.unchangedAt,
    })
  }

  async #changeShape({ table, shape: key, order, defaults }: ShapeEntry): Promise<void> {
    const known = this.of(table)
    const shape = await this.#shapes.read(key)
    if (known.shape !== null && known.shape.oid !== shape.oid) {
      this.#tables.set(table, { ...beginning(table, order), shape })
      return
    }
    const before = known.shape?.columns ?? shape.columns
    const columns = shape.columns.map((column, i) => {
      const facts = known.columns[i] ?? UNTOUCHED
      const old = before[i]
      if (old === undefined) {
        return { ...facts, added: { order, value: defaults[column.name] ?? null } }
      }
      const isOther = changeOf(old.type, column.type) !== 'none'
      return isOther ? { ...facts, hadOtherType: true } : facts
    })
    this.#set(table, { shape, columns })
  }

  async #rename({ table: from, to, order, shape: key }: RenameEntry): Promise<void> {
    const known = this.of(from)
    this.#tables.set(from, beginning(from, order))
    const last = known.stretches.at(-1)!
    const next = { folder: changesFolder(to, null), from: order, to: null }
    this.#tables.set(to, {
      ...known,
      shape: await this.#shapes.read(key),
      stretches: [...known.stretches.slice(0, -1), { ...last, to: order }, next],
    })
  }

  #formatsWith({ table, path }: { table: TableId; path: string }): ReadonlySet<DataFormat> {
    return withOne(this.of(table).formats, formatOf(path))
  }

  #set(table: TableId, change: Partial<KnownTable>): void {
    this.#tables.set(table, { ...this.of(table), ...change })
  }
}

/** Most files are of a day and a format that are known, so there is mostly nothing to copy. */
function withOne<T>(set: ReadonlySet<T>, one: T): ReadonlySet<T> {
  return set.has(one) ? set : new Set(set).add(one)
}

/** The first of a list, and the newest. */
function endsWith([first]: readonly string[], path: string): readonly string[] {
  return first === undefined ? [path] : [first, path]
}

function beginning(table: TableId, from: number | null): KnownTable {
  return {
    shape: null,
    stretches: [{ folder: changesFolder(table, null), from, to: null }],
    columns: [],
    formats: new Set(),
    files: { changes: [], loads: [] },
    days: new Set(),
    unchangedAt: 0,
  }
}
