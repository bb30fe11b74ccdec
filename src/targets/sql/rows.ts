/**
 * Rows on their way into a database, as the bytes of CSV.
 *
 * A folded row is one line: what to do, its values, and where some are to be kept, a mask with one
 * digit for each column and the key of the row that has them:
 *
 *   u,42,paid,,"",0010,41      op │ values of the live columns │ unchanged │ source key
 */

import type { CsvWriter } from '../../core/csv.ts'
import { fail } from '../../core/errors.ts'
import type { FoldedRow, FoldedRows } from '../../core/fold.ts'
import { tableId, type Column, type Shape } from '../../core/table.ts'
import type { TupleBlock } from '../../core/target.ts'
import { KIND, TupleCursor, TupleFields } from '../../core/tuple.ts'
import { isBare } from '../../core/type.ts'

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

/** Where the bytes go: a file, or a connection. */
export interface RowSink {
  readonly csv: CsvWriter
  /** Ends a row made of about `bytes`; true when `flush` should be called. */
  rowEnd(bytes: number): boolean
  flush(): Promise<void>
  /** How values are written; as the server wrote them, and NULL as an empty field, if left out. */
  readonly values?: ValueWriter
}

/** Writes the values of a database that reads CSV in its own way. */
export interface ValueWriter {
  /** The text `bytes[start, end)` of the live column at `place`. */
  text(place: number, bytes: Buffer, start: number, end: number): void
  null(place: number): void
  /** NULL in the place of a mask. */
  noMask(): void
}

const UPSERT = Buffer.from('u')
const DELETE = Buffer.from('d')
/** Alone on a line and without quotes, a server before 18 takes it for the end of the data. */
const END_MARKER = Buffer.from('"\\."')
const ZERO = 0x30
const ONE = 0x31

/** Writes tuples of one shape. */
export class RowWriter {
  readonly #shape: Shape
  readonly #sink: RowSink
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

  constructor(shape: Shape, sink: RowSink) {
    this.#shape = shape
    this.#sink = sink
    this.#fields = new TupleFields(shape.columns.length)
    this.#live = liveColumns(shape)
    this.#places = Int32Array.from(this.#live, ({ index }) => index)
    this.#isBare = this.#live.map(({ column }) => isBare(column.type))
    this.#mask = Buffer.alloc(this.#live.length)
  }

  async fold(rows: FoldedRows): Promise<void> {
    const hasFills = rows.fills > 0
    for (const row of rows) {
      if (this.#folded(row, hasFills)) await this.#sink.flush()
    }
  }

  /** Of a fold of nothing but inserts: the values alone. */
  async inserts(rows: FoldedRows): Promise<void> {
    for (const { bytes, start, end } of rows) {
      this.#values(bytes, start)
      if (this.#unchanged > 0) this.#noSource()
      if (this.#sink.rowEnd(end - start)) await this.#sink.flush()
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
        if (this.#sink.rowEnd(starts[i + 1]! - starts[i]!)) await this.#sink.flush()
      }
    }
    return rows
  }

  #folded({ op, bytes, start, end, source }: FoldedRow, hasFills: boolean): boolean {
    const { csv } = this.#sink
    csv.raw(op === 'upsert' ? UPSERT : DELETE)
    csv.comma()
    if (op === 'upsert') this.#values(bytes, start)
    else this.#deleted(bytes, start)
    const isFilled = this.#unchanged > 0
    if (isFilled && (source === null || !hasFills)) this.#noSource()
    if (isFilled) this.filled++
    if (hasFills) this.#source(isFilled ? source : null)
    return this.#sink.rowEnd(end - start + (source === null ? 0 : source.end - source.start))
  }

  /** All live columns; where values are unchanged, the mask says which. */
  #values(bytes: Buffer, start: number): void {
    const { csv, values } = this.#sink
    const { kinds, starts, ends } = this.#fields
    const places = this.#places
    this.#fields.read(bytes, start)
    for (let n = 0; n < places.length; n++) {
      const i = places[n]!
      if (n > 0) csv.comma()
      if (values !== undefined) {
        if (kinds[i] === KIND.text) values.text(n, bytes, starts[i]!, ends[i]!)
        else values.null(n)
        continue
      }
      if (kinds[i] !== KIND.text) continue
      if (places.length === 1 && isEndMarker(bytes, starts[i]!, ends[i]!)) csv.raw(END_MARKER)
      else csv.field(bytes, starts[i]!, ends[i]!, this.#isBare[n])
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
    for (const [n, { isKey }] of this.#live.entries()) {
      if (n > 0) this.#sink.csv.comma()
      if (isKey) this.#keyField(n, columns)
      else this.#sink.values?.null(n)
    }
  }

  /** The mask, and the columns of the key alone. */
  #source(source: FoldedRow['source']): void {
    const { csv } = this.#sink
    csv.comma()
    if (source === null) {
      this.#sink.values?.noMask()
      for (let i = 0; i < this.#shape.key.length; i++) csv.comma()
      return
    }
    csv.raw(this.#mask)
    const columns = this.#cursor.open(source.bytes, source.start).left
    for (const [n, { isKey }] of this.#live.entries()) {
      if (!isKey) continue
      csv.comma()
      this.#keyField(n, columns)
    }
  }

  /** Goes on to the live column `n`; a tuple of `columns` that is only a key may end behind it. */
  #keyField(n: number, columns: number): void {
    const { index } = this.#live[n]!
    const { csv, values } = this.#sink
    const cursor = this.#cursor
    while (columns - cursor.left <= index) {
      if (!cursor.next()) this.#damaged('a row without its whole key')
    }
    const { kind, bytes, start, end } = cursor
    if (kind !== KIND.text) values?.null(n)
    else if (values === undefined) csv.field(bytes, start, end)
    else values.text(n, bytes, start, end)
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

function isEndMarker(bytes: Buffer, start: number, end: number): boolean {
  return end - start === 2 && bytes[start] === 0x5c && bytes[start + 1] === 0x2e
}
