/**
 * One column on its way into pages of a Parquet file.
 *
 * Values are kept in the PLAIN encoding they have in the file, so nothing is made for a value but its
 * bytes. A page is compressed as soon as it is full: what waits for the end of the row group is small.
 * Pages are of version 1, which every reader knows.
 *
 *   a page:  repetition levels (lists) │ definition levels (not if required) │ values of what is not NULL
 *
 * https://parquet.apache.org/docs/file-format/data-pages/
 */

import type { ColumnMetaData, ParquetType } from 'hyparquet'
import { ByteWriter } from 'hyparquet-writer'
import { writePageHeader } from 'hyparquet-writer/src/datapage.js'

import { GrowingBytes } from './growing-bytes.ts'
import { IntegerRange } from './integer-range.ts'
import { compressSnappy } from './snappy.ts'

export interface PageColumn {
  readonly path: readonly string[]
  readonly type: ParquetType
  /** 0 for a required column, 1 for one that may be NULL, 3 for a list. */
  readonly maxDefinition: 0 | 1 | 3
  /**
   * Whether readers may leave out row groups by the least and the greatest value. Those of a decimal
   * are told as they are stored, without their scale.
   */
  readonly range: 'none' | 'integers' | 'decimals'
}

const PAGE_BYTES = 1024 * 1024

export class PageWriter {
  readonly values = new GrowingBytes()
  readonly #column: PageColumn
  /** One byte a value. */
  readonly #definitions = new GrowingBytes()
  readonly #repetitions = new GrowingBytes()
  readonly #range: IntegerRange | null
  #levels = 0
  #nulls = 0
  #pages: Uint8Array[] = []
  #plainBytes = 0
  #packedBytes = 0
  #allLevels = 0
  #allNulls = 0

  constructor(column: PageColumn) {
    this.#column = column
    const { type, range } = column
    const isInteger = type === 'INT32' || type === 'INT64'
    this.#range = range !== 'none' && isInteger ? new IntegerRange(type) : null
  }

  /** The value that was appended to `values` is of a row of its own, and its page may be full. */
  added(): void {
    if (this.#column.maxDefinition > 0) this.#definitions.byte(1)
    this.#levels++
    if (this.values.length >= PAGE_BYTES) this.#close()
  }

  addNull(): void {
    this.#definitions.byte(0)
    this.#levels++
    this.#nulls++
  }

  /** One entry of a list: see the levels of Parquet. A list that is NULL or empty has one entry. */
  addLevels(definition: 0 | 1 | 2 | 3, repetition: 0 | 1): void {
    this.#definitions.byte(definition)
    this.#repetitions.byte(repetition)
    this.#levels++
    if (definition < 3) this.#nulls++
  }

  /** The list ends, and its page may be full. */
  listEnd(): void {
    if (this.values.length >= PAGE_BYTES) this.#close()
  }

  /** Ends the row group: its pages, and what the file says of them. They begin at `offset`. */
  take(offset: number): { readonly pages: readonly Uint8Array[]; readonly about: ColumnMetaData } {
    if (this.#levels > 0 || this.#pages.length === 0) this.#close()
    const range = this.#takeRange()
    const about: ColumnMetaData = {
      type: this.#column.type,
      encodings: ['PLAIN', 'RLE'],
      path_in_schema: [...this.#column.path],
      codec: 'SNAPPY',
      num_values: BigInt(this.#allLevels),
      total_uncompressed_size: BigInt(this.#plainBytes),
      total_compressed_size: BigInt(this.#packedBytes),
      data_page_offset: BigInt(offset),
      statistics: {
        null_count: BigInt(this.#allNulls),
        ...(range && { min_value: range.min, max_value: range.max }),
      },
    }
    const pages = this.#pages
    this.#pages = []
    this.#plainBytes = 0
    this.#packedBytes = 0
    this.#allLevels = 0
    this.#allNulls = 0
    return { pages, about }
  }

  #takeRange(): { min: bigint | number; max: bigint | number } | undefined {
    const found = this.#range?.take()
    // The library takes a bigint for an unscaled decimal, and wants a number where 32 bits suffice.
    if (found === undefined || this.#column.range === 'decimals') return found
    const { min, max } = found
    return this.#column.type === 'INT32' ? { min: Number(min), max: Number(max) } : found
  }

  #close(): void {
    const { type, maxDefinition } = this.#column
    const values = this.values.written()
    this.#range?.add(values)
    const parts: Uint8Array[] = []
    if (maxDefinition === 3) parts.push(packLevels(this.#repetitions.written(), 1))
    if (maxDefinition > 0) parts.push(this.#packDefinitions())
    parts.push(type === 'BOOLEAN' ? packBits(values, 1) : values)
    const page = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
    const packed = compressSnappy(page)
    const header = new ByteWriter()
    writePageHeader(header, {
      type: 'DATA_PAGE',
      uncompressed_page_size: page.length,
      compressed_page_size: packed.length,
      data_page_header: {
        num_values: this.#levels,
        encoding: 'PLAIN',
        definition_level_encoding: 'RLE',
        repetition_level_encoding: 'RLE',
      },
    })
    const head = header.getBytes().slice()
    this.#pages.push(head, packed)
    this.#plainBytes += head.length + page.length
    this.#packedBytes += head.length + packed.length
    this.#allLevels += this.#levels
    this.#allNulls += this.#nulls
    this.#levels = 0
    this.#nulls = 0
    this.values.clear()
    this.#definitions.clear()
    this.#repetitions.clear()
  }

  #packDefinitions(): Buffer {
    const { maxDefinition } = this.#column
    if (maxDefinition === 3) return packLevels(this.#definitions.written(), 2)
    if (this.#nulls === 0 || this.#nulls === this.#levels) {
      return sized(oneRun(this.#levels, this.#nulls === 0 ? 1 : 0))
    }
    return packLevels(this.#definitions.written(), 1)
  }
}

/** Levels in the hybrid of RLE and bit packing, as one stretch that is bit-packed, with their length. */
function packLevels(levels: Buffer, width: 1 | 2): Buffer {
  const groups = Math.ceil(levels.length / 8)
  return sized(Buffer.concat([varint(groups * 2 + 1), packBits(levels, width, groups * 8)]))
}

function oneRun(count: number, level: number): Buffer {
  return Buffer.concat([varint(count * 2), Buffer.of(level)])
}

/** The lowest bit first, as many values as there are or `count`. */
function packBits(values: Buffer, width: 1 | 2, count = values.length): Buffer {
  const packed = Buffer.alloc(Math.ceil((count * width) / 8))
  for (let i = 0; i < values.length; i++) {
    const bit = i * width
    packed[bit >> 3]! |= values[i]! << (bit & 7)
  }
  return packed
}

function sized(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return Buffer.concat([length, bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}
