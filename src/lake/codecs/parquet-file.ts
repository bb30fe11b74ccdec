/**
 * A Parquet file from its first byte to its last, in pieces.
 *
 * Columns fill pages; every so many rows or bytes the pages of all columns are written out as a row
 * group, so that memory holds one of them, and the footer says in the end where everything is.
 */

import type { FileMetaData, RowGroup, SchemaElement } from 'hyparquet'
import { ByteWriter } from 'hyparquet-writer'
import { writeMetadata } from 'hyparquet-writer/src/metadata.js'

import type { PageWriter } from './parquet-pages.ts'

const MAGIC = Buffer.from('PAR1')

export interface FileParts {
  /** Those of the columns, one after the other. */
  readonly elements: readonly (readonly SchemaElement[])[]
  readonly pages: readonly PageWriter[]
}

export class ParquetFile {
  readonly #parts: FileParts
  readonly #groups: RowGroup[] = []
  #offset = 0
  #rows = 0

  constructor(parts: FileParts) {
    this.#parts = parts
  }

  /** Writes what the columns hold as one row group. */
  *group(rows: number): Generator<Buffer> {
    if (this.#offset === 0) yield this.#count(MAGIC)
    const columns: RowGroup['columns'] = []
    let plainBytes = 0n
    let packedBytes = 0n
    for (const column of this.#parts.pages) {
      const { pages, about } = column.take(this.#offset)
      for (const page of pages) yield this.#count(page)
      columns.push({ file_offset: about.data_page_offset, meta_data: about })
      plainBytes += about.total_uncompressed_size
      packedBytes += about.total_compressed_size
    }
    this.#rows += rows
    this.#groups.push({
      columns,
      total_byte_size: plainBytes,
      num_rows: BigInt(rows),
      total_compressed_size: packedBytes,
    })
  }

  /** The footer; `about` is what it says beside. */
  *end(about: Readonly<Record<string, string>>): Generator<Buffer> {
    if (this.#offset === 0) yield this.#count(MAGIC)
    const { elements } = this.#parts
    const metadata: Omit<FileMetaData, 'metadata_length'> = {
      version: 2,
      created_by: 'millrace version 1',
      schema: [{ name: 'schema', num_children: elements.length }, ...elements.flat()],
      num_rows: BigInt(this.#rows),
      row_groups: this.#groups,
      key_value_metadata: Object.entries(about).map(([key, value]) => ({ key, value })),
    }
    const footer = new ByteWriter()
    // The length is that of what is written here, and not part of it.
    writeMetadata(footer, { ...metadata, metadata_length: 0 })
    yield Buffer.from(footer.getBytes())
    yield MAGIC
  }

  #count(piece: Uint8Array): Buffer {
    this.#offset += piece.length
    return Buffer.from(piece.buffer, piece.byteOffset, piece.length)
  }
}
