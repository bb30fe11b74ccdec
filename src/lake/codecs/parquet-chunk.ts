/**
 * Walks the values of one column in one row group.
 *
 * Of a column one page is unpacked at a time, and no object is made for a value: whoever wants one
 * reads it from the bytes of the page. Pages are as `parquet-pages.ts` writes them: version 1, PLAIN.
 */

import type { ColumnChunk } from 'hyparquet'
import { parquetHeader } from 'hyparquet/src/column.js'
import { decompressPage } from 'hyparquet/src/datapage.js'
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js'

import { fail } from '../../core/errors.ts'

export class ColumnChunkReader {
  /** The page, and where its next value begins: in bits, if it is one of booleans. */
  bytes: Buffer = EMPTY
  at = 0
  /** Of the current entry: see the levels of Parquet. */
  definition = 0
  readonly #maxDefinition: 0 | 1 | 3
  readonly #chunk: { readonly view: DataView; offset: number }
  readonly #definitions: number[] = []
  readonly #repetitions: number[] = []
  #level = 0
  #levels = 0

  constructor(file: Uint8Array, { meta_data: about }: ColumnChunk, maxDefinition: 0 | 1 | 3) {
    if (about?.codec !== 'SNAPPY') fail('LAKE_DAMAGED', 'a column that is packed in another way')
    const start = file.byteOffset + Number(about.data_page_offset)
    const view = new DataView(file.buffer, start, Number(about.total_compressed_size))
    this.#chunk = { view, offset: 0 }
    this.#maxDefinition = maxDefinition
  }

  /** Goes to the next row; false if the column is NULL there. Of a list, to its first entry. */
  next(): boolean {
    while (this.#level === this.#levels) this.#openPage()
    this.#enter()
    return this.#maxDefinition === 3 ? this.definition > 0 : this.definition === this.#maxDefinition
  }

  /** Goes to the next entry of the list; false if there is none. */
  nextOfList(): boolean {
    if (this.#level === this.#levels || this.#repetitions[this.#level] === 0) return false
    this.#enter()
    return true
  }

  #enter(): void {
    const isLevelled = this.#definitions.length > 0
    this.definition = isLevelled ? this.#definitions[this.#level]! : this.#maxDefinition
    this.#level++
  }

  #openPage(): void {
    const { view } = this.#chunk
    if (this.#chunk.offset >= view.byteLength) {
      fail('LAKE_DAMAGED', 'a column ends before its rows do')
    }
    const header = parquetHeader(this.#chunk)
    const { data_page_header: about, compressed_page_size: size } = header
    if (about?.encoding !== 'PLAIN') fail('LAKE_DAMAGED', 'a page that is written in another way')
    const packed = new Uint8Array(view.buffer, view.byteOffset + this.#chunk.offset, size)
    this.#chunk.offset += size
    const page = decompressPage(packed, header.uncompressed_page_size, 'SNAPPY', undefined)
    this.bytes = Buffer.from(page.buffer, page.byteOffset, page.length)
    const levels = { view: new DataView(page.buffer, page.byteOffset, page.length), offset: 0 }
    this.#levels = about.num_values
    this.#level = 0
    if (this.#maxDefinition === 3) this.#readLevels(levels, this.#repetitions, 1)
    if (this.#maxDefinition > 0) {
      this.#readLevels(levels, this.#definitions, this.#maxDefinition === 3 ? 2 : 1)
    }
    this.at = levels.offset
  }

  #readLevels(
    from: { readonly view: DataView; offset: number },
    into: number[],
    width: number,
  ): void {
    into.length = this.#levels
    const end = from.offset + 4 + from.view.getUint32(from.offset, true)
    readRleBitPackedHybrid(from, width, into)
    from.offset = end
  }
}

const EMPTY = Buffer.alloc(0)
