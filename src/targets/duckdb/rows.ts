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
import { KIND, TupleCursor } from '../../core/tuple.ts'
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

/** Which columns of a tuple are written. */
const LIVE = 1
const KEY = 2

/** Writes tuples of one shape. */
export class RowWriter {
  readonly #shape: Shape
  readonly #file: StagedFile
  readonly #cursor = new TupleCursor()
  readonly #roles: Uint8Array
  readonly #isBare: boolean[]
  /** Live columns of the row written last that are unchanged. */
  readonly #mask: Buffer
  #unchanged = 0
  /** Rows with unchanged values. */
  filled = 0
  /** Live columns that were unchanged in any row. */
  readonly unchangedEver = new Set<number>()

  constructor(shape: Shape, file: StagedFile) {
    const live = liveColumns(shape)
    this.#shape = shape
    this.#file = file
    this.#roles = new Uint8Array(shape.columns.length)
    for (const { index, isKey } of live) this.#roles[index] = isKey ? LIVE | KEY : LIVE
    this.#isBare = shape.columns.map(({ type }) => isBare(type))
    this.#mask = Buffer.alloc(live.length)
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
        this.#values(bytes, starts[i]!, LIVE)
        if (this.#unchanged > 0)
          fail('LAKE_DAMAGED', `a row of a load of ${this.#table()} has gaps`)
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
    if (op === 'upsert') this.#values(bytes, start, LIVE)
    else this.#keyOnly(bytes, start)
    const isFilled = this.#unchanged > 0
    if (isFilled && (source === null || !hasFills)) this.#noSource()
    if (isFilled) this.filled++
    if (hasFills) this.#source(isFilled ? source : null)
    return this.#file.rowEnd(end - start + (source === null ? 0 : source.end - source.start))
  }

  /** The values of all columns with the role, and the mask of those that are unchanged. */
  #values(bytes: Buffer, start: number, role: number): void {
    const cursor = this.#cursor.open(bytes, start)
    const { csv } = this.#file
    let live = 0
    this.#unchanged = 0
    for (let i = 0; i < this.#roles.length; i++) {
      if (!cursor.next()) this.#tooShort(i)
      if ((this.#roles[i]! & role) === 0) continue
      if (live > 0) csv.comma()
      this.#field(i)
      if (cursor.kind === KIND.unchanged) {
        this.#unchanged++
        this.unchangedEver.add(live)
        this.#mask[live] = ONE
      } else this.#mask[live] = ZERO
      live++
    }
  }

  /** The key in its columns, and the others empty; a tuple may end behind its key. */
  #keyOnly(bytes: Buffer, start: number): void {
    const cursor = this.#cursor.open(bytes, start)
    const { csv } = this.#file
    let live = 0
    this.#unchanged = 0
    for (let i = 0; i < this.#roles.length; i++) {
      const isThere = cursor.next()
      const role = this.#roles[i]!
      if ((role & LIVE) === 0) continue
      if (live++ > 0) csv.comma()
      if ((role & KEY) === 0) continue
      if (isThere) this.#field(i)
      else this.#tooShort(i)
    }
  }

  #field(i: number): void {
    const { kind, bytes, start, end } = this.#cursor
    if (kind === KIND.text) this.#file.csv.field(bytes, start, end, this.#isBare[i])
  }

  #source(source: FoldedRow['source']): void {
    const { csv } = this.#file
    if (source === null) {
      for (let i = 0; i <= this.#shape.key.length; i++) csv.comma()
      return
    }
    csv.comma()
    csv.raw(this.#mask)
    csv.comma()
    this.#values(source.bytes, source.start, KEY)
  }

  #table(): string {
    return tableId(this.#shape.table)
  }

  #noSource(): never {
    fail('FILL_MISSING', `${this.#table()}: an unchanged value has no row to be taken from`, {
      details: { table: this.#table() },
    })
  }

  #tooShort(columns: number): never {
    fail('LAKE_DAMAGED', `a row of ${this.#table()} has ${columns} columns only`, {
      details: { table: this.#table() },
    })
  }
}
