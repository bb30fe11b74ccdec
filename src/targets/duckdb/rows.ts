/**
 * Rows on their way into a staged file, as bytes.
 *
 * A folded row is one line: what to do, its values, and where some are to be kept, a mask with one
 * digit for each column and the key of the row that has them:
 *
 *   u,42,paid,,"",0010,41      op │ values of the live columns │ unchanged │ source key
 */

import { fail } from '../../core/errors.ts'
import type { FoldedRow, FoldedRows } from '../../core/fold.ts'
import { tableId, type Column, type Shape } from '../../core/table.ts'
import type { TupleBlock } from '../../core/target.ts'
import { KIND, TupleCursor, TupleFields } from '../../core/tuple.ts'
import { isBare } from '../../core/type.ts'
import type { StagedFile } from './staging.ts'

export interface LiveColumn {
  readonly column: Column
  /** The place in tuples of the shape. */
  readonly index: number
  readonly isKey: boolean
}

/** A dropped column keeps its place in tuples, but is no column of a new table. */
export function liveColumns({ columns, key }: Shape): LiveColumn[] {
  return columns.flatMap((column, index) =>
    column.wire === null ? [] : [{ column, index, isKey: key.includes(index) }],
  )
}

const UPSERT = Buffer.from('u')
const DELETE = Buffer.from('d')
const ZERO = 0x30
const ONE = 0x31

/** Writes tuples of one shape. */
export class RowWriter {
  readonly #shape: Shape
  readonly #file: StagedFile
  readonly #fields: TupleFields
  readonly #cursor = new TupleCursor()
  readonly #live: readonly LiveColumn[]
  /** For each live column, its place in the tuple. */
  readonly #places: Int32Array
  readonly #isBare: readonly boolean[]
  /** A digit for each live column of the row written last: whether it is unchanged. */
  readonly #mask: Buffer
  #unchanged = 0
  /** Rows with unchanged values. */
  filled = 0
  /** Live columns that were unchanged in any row. */
  readonly unchangedEver = new Set<number>()

  constructor(shape: Shape, file: StagedFile) {
    this.#shape = shape
    this.#file = file
    this.#fields = new TupleFields(shape.columns.length)
    this.#live = liveColumns(shape)
    this.#places = Int32Array.from(this.#live, ({ index }) => index)
    this.#isBare = this.#live.map(({ column }) => isBare(column.type))
    this.#mask = Buffer.alloc(this.#live.length)
  }

  async fold(rows: FoldedRows): Promise<void> {
    const hasFills = rows.fills > 0
    for (const row of rows) {
      if (this.#folded(row, hasFills)) await this.#file.flush()
    }
  }

  /** Resolves to the number of rows. */
  async load(blocks: AsyncIterable<TupleBlock>): Promise<number> {
    let rows = 0
    for await (const { bytes, starts } of blocks) {
      for (let i = 0; i + 1 < starts.length; i++) {
        this.#values(bytes, starts[i]!)
        if (this.#unchanged > 0) this.#damaged('a row of a load with unchanged values')
        rows++
        if (this.#file.rowEnd(starts[i + 1]! - starts[i]!)) await this.#file.flush()
      }
    }
    return rows
  }

  #folded({ op, bytes, start, end, source }: FoldedRow, hasFills: boolean): boolean {
    const { csv } = this.#file
    csv.raw(op === 'upsert' ? UPSERT : DELETE)
    csv.comma()
    if (op === 'upsert') this.#values(bytes, start)
    else this.#deleted(bytes, start)
    const isFilled = this.#unchanged > 0
    if (isFilled && (source === null || !hasFills)) this.#noSource()
    if (isFilled) this.filled++
    if (hasFills) this.#source(isFilled ? source : null)
    return this.#file.rowEnd(end - start + (source === null ? 0 : source.end - source.start))
  }

  /** All live columns; where values are unchanged, the mask says which. */
  #values(bytes: Buffer, start: number): void {
    const { csv } = this.#file
    const { kinds, starts, ends } = this.#fields
    const places = this.#places
    this.#fields.read(bytes, start)
    for (let n = 0; n < places.length; n++) {
      const i = places[n]!
      if (n > 0) csv.comma()
      if (kinds[i] === KIND.text) csv.field(bytes, starts[i]!, ends[i]!, this.#isBare[n])
    }
    this.#unchanged = 0
    if (this.#fields.unchanged > 0) this.#mark()
  }

  #mark(): void {
    for (const [n, place] of this.#places.entries()) {
      const isUnchanged = this.#fields.kinds[place] === KIND.unchanged
      this.#mask[n] = isUnchanged ? ONE : ZERO
      if (!isUnchanged) continue
      this.#unchanged++
      this.unchangedEver.add(n)
    }
  }

  /** The key in its columns, and the others empty. */
  #deleted(bytes: Buffer, start: number): void {
    const cursor = this.#cursor.open(bytes, start)
    const columns = cursor.left
    this.#unchanged = 0
    for (const [n, { index, isKey }] of this.#live.entries()) {
      if (n > 0) this.#file.csv.comma()
      if (isKey) this.#keyField(index, columns)
    }
  }

  /** The mask, and the columns of the key alone. */
  #source(source: FoldedRow['source']): void {
    const { csv } = this.#file
    csv.comma()
    if (source === null) {
      for (let i = 0; i < this.#shape.key.length; i++) csv.comma()
      return
    }
    csv.raw(this.#mask)
    const columns = this.#cursor.open(source.bytes, source.start).left
    for (const { index, isKey } of this.#live) {
      if (!isKey) continue
      csv.comma()
      this.#keyField(index, columns)
    }
  }

  /** Goes on to the column at `index`; a tuple of `columns` that is only a key may end behind it. */
  #keyField(index: number, columns: number): void {
    const cursor = this.#cursor
    while (columns - cursor.left <= index) {
      if (!cursor.next()) this.#damaged('a row without its whole key')
    }
    const { kind, bytes, start, end } = cursor
    if (kind === KIND.text) this.#file.csv.field(bytes, start, end)
  }

  #table(): string {
    return tableId(this.#shape.table)
  }

  #noSource(): never {
    fail('FILL_MISSING', `${this.#table()}: an unchanged value has no row to be taken from`, {
      details: { table: this.#table() },
    })
  }

  #damaged(what: string): never {
    fail('LAKE_DAMAGED', `${this.#table()}: ${what}`, { details: { table: this.#table() } })
  }
}
