/**
 * Reads the rows of one CSV file of the lake, one at a time, as tuples aligned with its shape.
 *
 * The header must be that of the shape, and each value must be where the shape and the list of
 * unchanged columns say; anything else fails with LAKE_DAMAGED. The texts that most rows share with
 * the one before, LSN, time and list, are parsed only when their bytes differ.
 */

import { OP, type Op } from '../../core/change-log.ts'
import { CsvReader } from '../../core/csv-reader.ts'
import { lsn, ZERO_LSN, type Lsn } from '../../core/lsn.ts'
import type { Shape } from '../../core/table.ts'
import { KIND } from '../../core/tuple.ts'
import { parseCommitTime } from './commit-time.ts'
import { listedName, ROW, ROW_COLUMNS } from './row-columns.ts'

const OPS: ReadonlyMap<number, Op> = new Map(Object.values(OP).map((op) => [op, op]))
const DIGITS = /^\d{1,20}$/
const MAX_LSN = 2n ** 64n - 1n
const MAX_ORDINAL = 2 ** 48 - 1

/** Up to about here a loop beats the call of a native copy. */
const SHORT_BYTES = 64

export class CsvRows {
  /** Of the current row. */
  op: Op = OP.insert
  commitLsn: Lsn = ZERO_LSN
  ordinal = 0
  committedAt = 0n
  /** How many of its columns are unchanged. */
  unchanged = 0
  readonly #shape: Shape
  readonly #csv: CsvReader
  /** For each column what stands for an empty field in this row: NULL or unchanged. */
  readonly #emptyKind: Uint8Array
  readonly #places: ReadonlyMap<string, number>
  #lsnText: Buffer | null = null
  #timeText: Buffer | null = null
  #listText = Buffer.alloc(0)
  #isHeaderRead = false

  constructor(shape: Shape) {
    this.#shape = shape
    this.#csv = new CsvReader(ROW.first + shape.columns.length)
    this.#emptyKind = new Uint8Array(shape.columns.length).fill(KIND.null)
    const places = new Map<string, number>()
    for (const [i, { name, wire }] of shape.columns.entries()) {
      if (wire !== null) places.set(listedName(name), i)
    }
    this.#places = places
  }

  /** Hands over the next piece of the file, after `next` has returned false. */
  push(chunk: Uint8Array): void {
    this.#csv.push(chunk)
  }

  /** Goes to the next row; false when there is no whole one left in the pieces so far. */
  next(): boolean {
    if (!this.#isHeaderRead) {
      if (!this.#csv.next()) return false
      this.#checkHeader()
    }
    if (!this.#csv.next()) return false
    this.op = this.#readOp()
    this.ordinal = this.#readOrdinal()
    if (!this.#isText(ROW.lsn, this.#lsnText)) this.#readLsn()
    if (!this.#isText(ROW.committedAt, this.#timeText)) this.#readTime()
    if (!this.#isText(ROW.unchanged, this.#listText)) this.#readList()
    return true
  }

  /** Must be called behind the last piece. */
  finish(): void {
    this.#csv.finish()
    if (!this.#isHeaderRead) this.damaged('there is no header line')
  }

  damaged(what: string): never {
    return this.#csv.damaged(what)
  }

  /** How many bytes `writeTuple` needs. */
  tupleBytes(): number {
    const csv = this.#csv
    const columns = this.#emptyKind.length
    let bytes = 2
    for (let i = ROW.first; i < ROW.first + columns; i++) {
      bytes += csv.isNull(i) ? 1 : 5 + csv.end(i) - csv.start(i)
    }
    return bytes
  }

  /** Writes the row as a tuple, aligned with the columns of the shape; returns its end. */
  writeTuple(target: Buffer, start: number): number {
    const csv = this.#csv
    const emptyKind = this.#emptyKind
    let at = target.writeUInt16BE(emptyKind.length, start)
    for (let i = 0; i < emptyKind.length; i++) {
      const field = ROW.first + i
      if (csv.isNull(field)) {
        target[at++] = emptyKind[i]!
        continue
      }
      if (emptyKind[i] === KIND.unchanged) this.damaged('a value in an unchanged column')
      if (this.#shape.columns[i]!.wire === null) this.damaged('a value in a dropped column')
      at = this.#writeText(field, target, at)
    }
    return at
  }

  #writeText(field: number, target: Buffer, at: number): number {
    const source = this.#csv.bytes
    const start = this.#csv.start(field)
    const length = this.#csv.end(field) - start
    target[at] = KIND.text
    target[at + 1] = length >>> 24
    target[at + 2] = length >>> 16
    target[at + 3] = length >>> 8
    target[at + 4] = length
    const from = at + 5
    if (length > SHORT_BYTES) source.copy(target, from, start, start + length)
    else for (let i = 0; i < length; i++) target[from + i] = source[start + i]!
    return from + length
  }

  #checkHeader(): void {
    const names = [...ROW_COLUMNS, ...this.#shape.columns.map(({ name }) => name)]
    for (const [i, name] of names.entries()) {
      const found = this.#text(i).toString()
      if (found !== name) this.damaged(`column ${i + 1} is "${found}", not "${name}"`)
    }
    this.#isHeaderRead = true
  }

  #text(field: number): Buffer {
    return this.#csv.bytes.subarray(this.#csv.start(field), this.#csv.end(field))
  }

  #isText(field: number, text: Buffer | null): boolean {
    if (text === null) return false
    const { bytes } = this.#csv
    const start = this.#csv.start(field)
    if (this.#csv.end(field) - start !== text.length) return false
    for (let i = 0; i < text.length; i++) if (bytes[start + i] !== text[i]) return false
    return true
  }

  #readOp(): Op {
    const op = this.#csv.end(ROW.op) === 1 ? OPS.get(this.#csv.bytes[0]!) : undefined
    return op ?? this.damaged('an unknown Op')
  }

  /** By hand, since it differs in every row. */
  #readOrdinal(): number {
    const { bytes } = this.#csv
    const start = this.#csv.start(ROW.seq)
    const end = this.#csv.end(ROW.seq)
    let ordinal = 0
    for (let i = start; i < end; i++) {
      const digit = bytes[i]! - 0x30
      if (digit < 0 || digit > 9) this.damaged('_seq is not a number')
      ordinal = ordinal * 10 + digit
    }
    if (start === end || ordinal > MAX_ORDINAL) this.damaged('_seq is not a number')
    return ordinal
  }

  #readLsn(): void {
    const text = Buffer.from(this.#text(ROW.lsn))
    const value = DIGITS.test(text.toString('latin1')) ? BigInt(text.toString('latin1')) : -1n
    if (value < 0n || value > MAX_LSN) this.damaged('_lsn is not a number')
    this.commitLsn = lsn(value)
    this.#lsnText = text
  }

  #readTime(): void {
    const text = Buffer.from(this.#text(ROW.committedAt))
    this.committedAt =
      parseCommitTime(text.toString('latin1')) ?? this.damaged('_committed_at is not a time')
    this.#timeText = text
  }

  #readList(): void {
    const text = Buffer.from(this.#text(ROW.unchanged))
    this.#emptyKind.fill(KIND.null)
    this.unchanged = 0
    for (const name of text.length === 0 ? [] : text.toString().split(',')) {
      const place = this.#places.get(name) ?? this.damaged(`_unchanged names no column: "${name}"`)
      this.#emptyKind[place] = KIND.unchanged
      this.unchanged++
    }
    this.#listText = text
  }
}
