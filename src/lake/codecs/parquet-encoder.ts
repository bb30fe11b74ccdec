/**
 * Turns the changes of one table, or the rows of a load, into a Parquet file of the lake.
 *
 * The columns are those of CSV, with types. A value goes from the bytes of the block to the page of
 * its column in one step; what does not fit follows the policy and is counted.
 */

import { ChangeCursor, OP, type ChangeLog, type Op } from '../../core/change-log.ts'
import { fail } from '../../core/errors.ts'
import { ZERO_LSN, type Lsn } from '../../core/lsn.ts'
import { tableId, type Shape } from '../../core/table.ts'
import { KIND, TupleFields } from '../../core/tuple.ts'
import { CsvRows } from './csv-rows.ts'
import { GrowingBytes } from './growing-bytes.ts'
import { columnValues, type ColumnValues } from './parquet-column.ts'
import {
  ABOUT_KEY,
  elementsOf,
  fileColumns,
  UNFIT_KEY,
  type FileColumn,
} from './parquet-columns.ts'
import { ParquetFile } from './parquet-file.ts'
import { schemaElements } from './parquet-form.ts'
import type { ParquetOptions, UnfitValues } from './parquet-options.ts'
import { PageWriter } from './parquet-pages.ts'
import { listedName, ROW } from './row-columns.ts'
import { UnfitTexts } from './unfit-texts.ts'

/** Microseconds from 1970 to 2000. */
const EPOCH_2000 = 946_684_800_000_000n
const GROUP_ROWS = 128 * 1024
const GROUP_BYTES = 16 * 1024 * 1024
/** What a row costs beside its values, about. */
const ROW_BYTES = 40
const DROPPED = -1

/** What a row is, beside its values. */
interface RowHead {
  readonly op: Op
  readonly ordinal: number
  readonly commitLsn: Lsn
  readonly committedAt: bigint
}

export type OnUnfit = (values: UnfitValues) => void

export interface EncoderParts {
  readonly shape: Shape
  readonly options: ParquetOptions
  /** Told once for each column that had any, when the file is complete. */
  readonly onUnfit: OnUnfit
}

/** Row `i` gets the order `order + i`. Empties the log, whose tuples are aligned with the wire. */
export function* encodeParquetChanges(
  changes: ChangeLog,
  order: number,
  parts: EncoderParts,
): Generator<Buffer> {
  const encoder = new ParquetEncoder(
    parts,
    parts.shape.columns.map(({ wire }) => wire ?? DROPPED),
  )
  const cursor = new ChangeCursor()
  let next = order
  for (const block of changes.drain()) {
    cursor.open(block)
    while (cursor.next()) {
      encoder.write(cursor, next++, cursor)
      if (encoder.isFull) yield* encoder.takeGroup()
    }
  }
  yield* encoder.end()
}

/** `pieces`: a file of CSV with the rows of a load, all of which have the same order. */
export async function* encodeParquetLoad(
  pieces: AsyncIterable<Uint8Array>,
  order: number,
  parts: EncoderParts,
): AsyncGenerator<Buffer> {
  const { columns } = parts.shape
  const encoder = new ParquetEncoder(
    parts,
    columns.map((_, i) => i),
  )
  const rows = new CsvRows(parts.shape)
  const tuple = new GrowingBytes()
  for await (const piece of pieces) {
    rows.push(piece)
    while (rows.next()) {
      const length = rows.tupleBytes()
      tuple.clear()
      rows.writeTuple(tuple.room(length), 0)
      encoder.write(rows, order, { bytes: tuple.bytes, start: 0, end: length })
      if (encoder.isFull) yield* encoder.takeGroup()
    }
  }
  rows.finish()
  yield* encoder.end()
}

interface TuplePlace {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

class ParquetEncoder {
  readonly #parts: EncoderParts
  readonly #fields: TupleFields
  /** For each column its place in the tuple. */
  readonly #places: readonly number[]
  readonly #row: readonly PageWriter[]
  readonly #columns: readonly ColumnValues[]
  readonly #file: ParquetFile
  readonly #listed: readonly string[]
  readonly #counts: number[]
  readonly #texts = new UnfitTexts()
  #transaction = transactionOf(ZERO_LSN, 0n)
  /** Rows of the file so far, and of this row group. */
  #allRows = 0
  #rows = 0
  #bytes = 0

  constructor(parts: EncoderParts, places: readonly number[]) {
    const { shape, options } = parts
    this.#parts = parts
    this.#places = places
    this.#fields = new TupleFields(places.filter((place) => place !== DROPPED).length)
    const all = fileColumns(shape, options)
    this.#row = all.slice(0, ROW.first).map(rowPages)
    this.#columns = all.slice(ROW.first).map(({ name, form }) => columnValues(name, form))
    this.#listed = shape.columns.map(({ name }) => listedName(name))
    this.#counts = shape.columns.map(() => 0)
    this.#file = new ParquetFile({
      elements: all.map(elementsOf),
      pages: [...this.#row, ...this.#columns.map(({ pages }) => pages)],
    })
  }

  get isFull(): boolean {
    return this.#rows >= GROUP_ROWS || this.#bytes >= GROUP_BYTES
  }

  write(head: RowHead, order: number, tuple: TuplePlace): void {
    this.#writeHead(head, order)
    this.#rows++
    this.#allRows++
    this.#bytes += ROW_BYTES + tuple.end - tuple.start
    if (head.op === OP.truncate) {
      this.#row[ROW.unchanged]!.addNull()
      for (const column of this.#columns) column.addNull()
    } else {
      this.#fields.read(tuple.bytes, tuple.start)
      this.#writeUnchanged()
      this.#writeColumns(tuple.bytes)
    }
  }

  *takeGroup(): Generator<Buffer> {
    if (this.#rows > 0) yield* this.#file.group(this.#rows)
    this.#rows = 0
    this.#bytes = 0
  }

  *end(): Generator<Buffer> {
    yield* this.takeGroup()
    const { options, shape, onUnfit } = this.#parts
    const { arrays, types } = options
    const texts = this.#texts.toJson()
    yield* this.#file.end({
      [ABOUT_KEY]: JSON.stringify({ version: 1, arrays, types }),
      ...(texts !== null && { [UNFIT_KEY]: texts }),
    })
    for (const [i, values] of this.#counts.entries()) {
      if (values === 0 || options.unfit === 'error') continue
      onUnfit({ column: shape.columns[i]!.name, policy: options.unfit, values })
    }
  }

  #writeHead({ op, ordinal, commitLsn, committedAt }: RowHead, order: number): void {
    const [opPages, orderPages, lsnPages, seqPages, timePages] = this.#row
    opPages!.values.int32(1)
    opPages!.values.byte(op)
    opPages!.added()
    orderPages!.values.int64(order)
    orderPages!.added()
    if (this.#transaction.lsn !== commitLsn || this.#transaction.at !== committedAt) {
      this.#transaction = transactionOf(commitLsn, committedAt)
    }
    lsnPages!.values.raw(this.#transaction.bytes, 0, 8)
    lsnPages!.added()
    seqPages!.values.int64(ordinal)
    seqPages!.added()
    timePages!.values.raw(this.#transaction.bytes, 8, 16)
    timePages!.added()
  }

  #writeUnchanged(): void {
    const pages = this.#row[ROW.unchanged]!
    const { kinds, unchanged } = this.#fields
    if (unchanged === 0) return pages.addNull()
    const names = this.#listed.filter((_, i) => {
      const place = this.#places[i]!
      return place !== DROPPED && kinds[place] === KIND.unchanged
    })
    pages.values.sized(Buffer.from(names.join(',')))
    pages.added()
  }

  #writeColumns(bytes: Buffer): void {
    const { kinds, starts, ends } = this.#fields
    const columns = this.#columns
    const places = this.#places
    for (let i = 0; i < columns.length; i++) {
      const place = places[i]!
      const column = columns[i]!
      if (place === DROPPED || kinds[place] !== KIND.text) column.addNull()
      else if (!column.add(bytes, starts[place]!, ends[place]!)) {
        this.#writeUnfit(i, bytes.subarray(starts[place], ends[place]))
      }
    }
  }

  /** By the policy. */
  #writeUnfit(i: number, text: Buffer): void {
    const { options } = this.#parts
    const column = this.#columns[i]!
    if (options.unfit === 'error') this.#fail(i)
    this.#counts[i]!++
    if (options.unfit === 'clamp' && column.addNearest(text, 0, text.length)) return
    column.addNull()
    if (options.unfit !== 'text') return
    const string = text.toString()
    if (!Buffer.from(string).equals(text)) this.#fail(i)
    this.#texts.add(i, this.#allRows - 1, string)
  }

  #fail(i: number): never {
    const { shape } = this.#parts
    const table = tableId(shape.table)
    const column = shape.columns[i]!.name
    return fail(
      'VALUE_UNFIT',
      `${table}: column ${column} has a value that its type in Parquet cannot hold`,
      { details: { table, column }, hint: HINT },
    )
  }
}

/** What the rows of a transaction have in common, in bytes: its LSN, and its time since 1970. */
function transactionOf(
  commitLsn: Lsn,
  committedAt: bigint,
): { readonly lsn: Lsn; readonly at: bigint; readonly bytes: Buffer } {
  const bytes = Buffer.alloc(16)
  bytes.writeBigUInt64LE(commitLsn)
  bytes.writeBigInt64LE(committedAt + EPOCH_2000, 8)
  return { lsn: commitLsn, at: committedAt, bytes }
}

const HINT =
  'set lake.parquet.unfit to text, null or clamp; see docs/lake-format.md for what fits into Parquet'

function rowPages({ name, form, isRequired }: FileColumn): PageWriter {
  const { type } = schemaElements(name, form, isRequired)[0]!
  return new PageWriter({
    path: [name],
    type: type!,
    maxDefinition: isRequired ? 0 : 1,
    range: 'integers',
  })
}
