/**
 * The work of a batch in pieces, before any file of it is read.
 *
 * Per table: rows, barrier, rows, barrier … A piece of rows holds the files between two barriers, all
 * of one shape, to be folded together. A truncate makes what stands before it in its piece needless,
 * so those files are never read. A file whose shape is not the one that the table has means that the
 * table must be altered first, whether or not a barrier said so.
 */

import type { Lsn } from '../core/lsn.ts'
import type { ChangesEntry, RenameEntry, ShapeEntry } from '../core/manifest.ts'
import type { TableId } from '../core/table.ts'

export type Piece =
  | { readonly type: 'create'; readonly table: TableId; readonly shape: string }
  | RowsPiece
  | {
      readonly type: 'alter'
      readonly table: TableId
      readonly from: string
      readonly to: string
      readonly defaults: Readonly<Record<string, string | null>>
    }
  | { readonly type: 'rename'; readonly table: TableId; readonly to: TableId }
  | { readonly type: 'drop'; readonly table: TableId; readonly isShadow: boolean }

export interface RowsPiece {
  readonly type: 'rows'
  readonly table: TableId
  readonly shape: string
  /** The table is emptied before these rows. */
  readonly isTruncated: boolean
  readonly files: readonly FilePiece[]
}

export interface FilePiece {
  readonly entry: ChangesEntry
  /** Transactions that commit below this are left out; `null` if none are. */
  readonly from: Lsn | null
}

interface OpenRows extends RowsPiece {
  isTruncated: boolean
  files: FilePiece[]
}

export class Pieces {
  readonly list: Piece[] = []
  /** The shape of each table after the pieces so far. */
  readonly shapes: Map<TableId, string>
  readonly #open = new Map<TableId, OpenRows>()

  constructor(shapes: ReadonlyMap<TableId, string>) {
    this.shapes = new Map(shapes)
  }

  changes(entry: ChangesEntry, from: Lsn | null = null): void {
    this.#take(entry.table, entry.shape, {})
    this.#rows(entry.table, entry.shape).files.push({ entry, from })
  }

  truncate(table: TableId): void {
    const shape = this.shapes.get(table)
    if (shape === undefined) return
    const rows = this.#rows(table, shape)
    rows.isTruncated = true
    rows.files = []
  }

  shape({ table, shape, defaults }: ShapeEntry): void {
    this.#take(table, shape, defaults)
  }

  rename({ table, to, shape }: RenameEntry): void {
    const from = this.shapes.get(table)
    if (from === undefined || table === to) return
    this.drop(to)
    this.#open.delete(table)
    this.shapes.delete(table)
    this.list.push({ type: 'rename', table, to })
    this.shapes.set(to, from)
    this.#take(to, shape, {})
  }

  drop(table: TableId): void {
    if (this.forget(table)) this.list.push({ type: 'drop', table, isShadow: false })
  }

  /** From here on the table is none of ours. False if it was none before. */
  forget(table: TableId): boolean {
    this.#open.delete(table)
    return this.shapes.delete(table)
  }

  dropShadow(table: TableId): void {
    this.list.push({ type: 'drop', table, isShadow: true })
  }

  /** From here on the table has this shape. */
  #take(table: TableId, shape: string, defaults: Readonly<Record<string, string | null>>): void {
    const from = this.shapes.get(table)
    if (from === shape) return
    this.#open.delete(table)
    this.shapes.set(table, shape)
    if (from === undefined) this.list.push({ type: 'create', table, shape })
    else this.list.push({ type: 'alter', table, from, to: shape, defaults })
  }

  #rows(table: TableId, shape: string): OpenRows {
    const open = this.#open.get(table)
    if (open) return open
    const rows: OpenRows = { type: 'rows', table, shape, isTruncated: false, files: [] }
    this.#open.set(table, rows)
    this.list.push(rows)
    return rows
  }
}
