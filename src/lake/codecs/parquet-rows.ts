/**
 * Reads the rows of one Parquet file of the lake, one at a time, as tuples aligned with its shape.
 *
 * The footer stands at the end, so a file is held as a whole, as it was compressed; of the values of a
 * column there is one page at a time. The schema must be the one that is written for the shape, and each value
 * where the list of unchanged columns says; anything else fails with LAKE_DAMAGED.
 */

import { parquetMetadata, type FileMetaData, type RowGroup, type SchemaElement } from 'hyparquet'

import { OP, type Op } from '../../core/change-log.ts'
import { CodedError, fail } from '../../core/errors.ts'
import { lsn, ZERO_LSN, type Lsn } from '../../core/lsn.ts'
import type { Shape } from '../../core/table.ts'
import { KIND } from '../../core/tuple.ts'
import { GrowingBytes } from './growing-bytes.ts'
import { ColumnChunkReader } from './parquet-chunk.ts'
import { ABOUT_KEY, elementsOf, fileColumns, UNFIT_KEY } from './parquet-columns.ts'
import type { ParquetOptions } from './parquet-options.ts'
import { getOf, takeBigint, takeSized, type Get } from './parquet-text.ts'
import { listedName, ROW } from './row-columns.ts'
import type { RowReader } from './row-reader.ts'
import { UnfitReader } from './unfit-texts.ts'

/** Microseconds from 1970 to 2000. */
const EPOCH_2000 = 946_684_800_000_000n
const OPS: ReadonlyMap<number, Op> = new Map(Object.values(OP).map((op) => [op, op]))

export class ParquetRows implements RowReader {
  op: Op = OP.insert
  commitLsn: Lsn = ZERO_LSN
  ordinal = 0
  committedAt = 0n
  unchanged = 0
  readonly #shape: Shape
  readonly #pieces: Uint8Array[] = []
  readonly #places: ReadonlyMap<string, number>
  readonly #emptyKind: Uint8Array
  readonly #tuple = new GrowingBytes()
  #file: Buffer = Buffer.alloc(0)
  #elements: readonly (readonly SchemaElement[])[] = []
  #groups: readonly RowGroup[] = []
  #group = 0
  #rowsLeft = 0
  #row: ColumnChunkReader[] = []
  #columns: ColumnChunkReader[] = []
  #gets: readonly Get[] = []
  #unfit = new UnfitReader(null)
  /** The current row of the file, from 0. */
  #at = -1
  #isFinished = false

  constructor(shape: Shape) {
    this.#shape = shape
    this.#emptyKind = new Uint8Array(shape.columns.length).fill(KIND.null)
    const live = [...shape.columns.entries()].filter(([, { wire }]) => wire !== null)
    this.#places = new Map(live.map(([i, { name }]) => [listedName(name), i]))
  }

  push(chunk: Uint8Array): void {
    this.#pieces.push(chunk)
  }

  finish(): void {
    this.#file = Buffer.concat(this.#pieces)
    this.#pieces.length = 0
    const metadata = metadataOf(this.#file)
    const columns = fileColumns(this.#shape, optionsOf(metadata))
    this.#elements = columns.map(elementsOf)
    const expected = this.#elements.flat()
    const found = metadata.schema.slice(1)
    for (const [i, element] of expected.entries()) {
      const { name, type, num_children: children, scale } = found[i] ?? {}
      const isEqual = name === element.name && type === element.type
      if (isEqual && children === element.num_children && scale === element.scale) continue
      this.damaged(`column ${i + 1} is "${name}", not "${element.name}"`)
    }
    if (found.length !== expected.length) this.damaged('it has columns that its shape has not')
    this.#gets = columns.slice(ROW.first).map(({ form }) => getOf(form))
    this.#groups = metadata.row_groups
    this.#unfit = new UnfitReader(textOf(metadata, UNFIT_KEY))
    this.#isFinished = true
  }

  next(): boolean {
    if (!this.#isFinished) return false
    if (this.#rowsLeft === 0 && !this.#nextGroup()) return false
    this.#rowsLeft--
    this.#at++
    try {
      this.#readHead()
      this.#readTuple()
    } catch (cause) {
      if (cause instanceof CodedError) throw cause
      throw new CodedError('LAKE_DAMAGED', 'a row cannot be read', { cause })
    }
    return true
  }

  tupleBytes(): number {
    return this.#tuple.length
  }

  writeTuple(target: Buffer, start: number): number {
    return start + this.#tuple.bytes.copy(target, start, 0, this.#tuple.length)
  }

  damaged(what: string): never {
    return fail('LAKE_DAMAGED', what)
  }

  #nextGroup(): boolean {
    const group = this.#groups[this.#group++]
    if (group === undefined) return false
    const rows = Number(group.num_rows)
    if (group.columns.length !== this.#elements.length) this.damaged('a row group of other columns')
    const chunks = group.columns.map((column, i) => {
      const elements = this.#elements[i]!
      const optional = elements[0]!.repetition_type === 'REQUIRED' ? 0 : 1
      return new ColumnChunkReader(this.#file, column, elements.length > 1 ? 3 : optional)
    })
    this.#row = chunks.slice(0, ROW.first)
    this.#columns = chunks.slice(ROW.first)
    this.#rowsLeft = rows
    return this.#rowsLeft > 0 || this.#nextGroup()
  }

  #readHead(): void {
    const [op, order, commitLsn, ordinal, committedAt] = this.#row
    for (const column of this.#row.slice(0, ROW.unchanged)) column.next()
    const letter = takeSized(op!)
    this.op = (letter.length === 1 && OPS.get(letter[0]!)) || this.damaged('an unknown Op')
    this.commitLsn = lsn(BigInt.asUintN(64, takeBigint(commitLsn!)))
    this.ordinal = Number(takeBigint(ordinal!))
    this.committedAt = takeBigint(committedAt!) - EPOCH_2000
    order!.at += 8
    if (this.unchanged > 0) this.#emptyKind.fill(KIND.null)
    this.unchanged = 0
    const unchanged = this.#row[ROW.unchanged]!
    if (unchanged.next()) this.#readList(takeSized(unchanged).toString())
  }

  #readList(list: string): void {
    for (const name of list.split(',')) {
      const place = this.#places.get(name) ?? this.damaged(`_unchanged names no column: "${name}"`)
      this.#emptyKind[place] = KIND.unchanged
      this.unchanged++
    }
  }

  #readTuple(): void {
    const out = this.#tuple
    const columns = this.#columns
    out.clear()
    out.byte(columns.length >> 8)
    out.byte(columns.length)
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i]!
      const isNull = !column.next()
      const text = isNull ? this.#unfit.find(i, this.#at) : undefined
      if (isNull && text === undefined) {
        out.byte(this.#emptyKind[i]!)
        continue
      }
      if (this.#emptyKind[i] === KIND.unchanged) this.damaged('a value in an unchanged column')
      if (this.#shape.columns[i]!.wire === null) this.damaged('a value in a dropped column')
      out.byte(KIND.text)
      out.int32(0)
      const start = out.length
      if (text === undefined) this.#gets[i]!(out, column)
      else out.raw(Buffer.from(text))
      out.bytes.writeUInt32BE(out.length - start, start - 4)
    }
  }
}

/** How a whole file says that it was written. Fails with LAKE_DAMAGED if it does not say. */
export function writtenWith(file: Buffer): Pick<ParquetOptions, 'arrays' | 'types'> {
  return optionsOf(metadataOf(file))
}

/** As the file itself says how it was written. */
function optionsOf(metadata: FileMetaData): Pick<ParquetOptions, 'arrays' | 'types'> {
  const about = textOf(metadata, ABOUT_KEY)
  if (about === null) return fail('LAKE_DAMAGED', 'it does not say how it was written')
  return {
    arrays: about.includes('"arrays":"lists"') ? 'lists' : 'json',
    types: about.includes('"types":"full"') ? 'full' : 'plain',
  }
}

function metadataOf(file: Buffer): FileMetaData {
  try {
    return parquetMetadata(file)
  } catch (cause) {
    throw new CodedError('LAKE_DAMAGED', 'it is not a Parquet file', { cause })
  }
}

function textOf({ key_value_metadata: all = [] }: FileMetaData, key: string): string | null {
  return all.find((one) => one.key === key)?.value ?? null
}
