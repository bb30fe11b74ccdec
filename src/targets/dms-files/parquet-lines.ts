/**
 * Lines as a Parquet file: `Op`, the timestamp and the columns, typed and all of them nullable.
 *
 * Rows gather until they are a row group, then its columns are written out. All of the settings for
 * pages and groups are obeyed; the bytes are those of another program than DMS has.
 */

import { gzipSync } from 'node:zlib'

import { ByteWriter, ParquetWriter } from 'hyparquet-writer'

import type { DmsFilesSettings, ParquetSettings } from '../../core/dms-files-settings.ts'
import { fail } from '../../core/errors.ts'
import { tableId, type Shape } from '../../core/table.ts'
import { KIND, TupleFields } from '../../core/tuple.ts'
import type { FileLines, Line } from './file-lines.ts'
import { parquetColumn, TEXT_ELEMENT, type ParquetColumn } from './parquet-values.ts'
import { timestampText } from './value-text.ts'

/** A row group is written out when it has so much, however few rows that are. */
const GROUP_BYTES = 16 * 1024 * 1024

interface OwnColumn extends ParquetColumn {
  readonly name: string
  readonly place: number
  readonly data: unknown[]
}

export class ParquetLines implements FileLines {
  readonly #parquet: ParquetSettings
  readonly #shape: Shape
  readonly #fields: TupleFields
  readonly #columns: readonly OwnColumn[]
  readonly #ops: string[] | null
  readonly #times: string[] | null
  readonly #names: readonly string[]
  readonly #bytes = new PieceWriter()
  readonly #file: ParquetWriter
  #rows = 0
  #groupBytes = 0
  #lastBytes = 0
  #sizeBefore = 0

  constructor(
    settings: DmsFilesSettings & { readonly parquet: ParquetSettings },
    { shape, hasOp }: { readonly shape: Shape; readonly hasOp: boolean },
  ) {
    const { timestampColumnName, compressionType } = settings
    this.#parquet = settings.parquet
    this.#shape = shape
    this.#fields = new TupleFields(shape.columns.length)
    this.#columns = ownColumns(shape, settings.parquet.isMillis)
    this.#ops = hasOp ? [] : null
    this.#times = timestampColumnName === null ? null : []
    this.#names = [
      ...(hasOp ? ['Op'] : []),
      ...(timestampColumnName === null ? [] : [timestampColumnName]),
    ]
    this.#file = new ParquetWriter({
      writer: this.#bytes,
      codec: compressionType === 'gzip' ? 'GZIP' : 'UNCOMPRESSED',
      compressors: { GZIP: (plain) => gzipSync(plain) },
      statistics: settings.parquet.hasStatistics,
      createdBy: 'millrace version 1',
      schema: [
        { name: 'schema', num_children: this.#names.length + this.#columns.length },
        ...this.#names.map((name) => ({ name, ...TEXT_ELEMENT })),
        ...this.#columns.map(({ name, element }) => ({ name, ...element })),
      ],
    })
  }

  get size(): number {
    return this.#sizeBefore + this.#groupBytes
  }

  row({ op, bytes, start, at }: Line): void {
    const end = this.#fields.read(bytes, start)
    const { kinds, starts, ends } = this.#fields
    this.#ops?.push(String.fromCharCode(op))
    this.#times?.push(timestampText(at))
    for (const { place, data, value, name } of this.#columns) {
      if (kinds[place] !== KIND.text) data.push(null)
      else data.push(value(bytes, starts[place]!, ends[place]!) ?? this.#unfit(name))
    }
    this.#rows++
    this.#lastBytes = end - start
    this.#groupBytes += this.#lastBytes
  }

  undo(): void {
    this.#rows--
    this.#groupBytes -= this.#lastBytes
    this.#ops?.pop()
    this.#times?.pop()
    for (const { data } of this.#columns) data.pop()
  }

  piece(): Buffer | null {
    const isFull = this.#rows >= this.#parquet.rowGroupLength || this.#groupBytes >= GROUP_BYTES
    if (!isFull) return null
    this.#writeGroup()
    return this.#bytes.take()
  }

  end(): Buffer {
    if (this.#rows > 0) this.#writeGroup()
    void this.#file.finish() // whose writer has nothing to wait for
    return this.#bytes.take()
  }

  #writeGroup(): void {
    const { isPlain, dataPageBytes, dictPageBytes } = this.#parquet
    const texts = [this.#ops, this.#times].filter((data) => data !== null)
    const encoding = isPlain ? ({ encoding: 'PLAIN' } as const) : {}
    void this.#file.write({
      columnData: [
        ...texts.map((data, i) => ({ name: this.#names[i]!, data, ...encoding })),
        ...this.#columns.map(({ name, data }) => ({ name, data, ...encoding })),
      ],
      rowGroupSize: this.#rows,
      pageSize: dataPageBytes,
      dictionarySize: dictPageBytes,
    })
    this.#sizeBefore += this.#groupBytes
    this.#groupBytes = 0
    this.#rows = 0
    for (const data of [...texts, ...this.#columns.map((column) => column.data)]) data.length = 0
  }

  #unfit(column: string): never {
    const table = tableId(this.#shape.table)
    const message = `${table}: column ${column} has a value that its type in Parquet cannot hold`
    return fail('VALUE_UNFIT', message, { details: { table, column } })
  }
}

function ownColumns(shape: Shape, isMillis: boolean): OwnColumn[] {
  return [...shape.columns.entries()]
    .filter(([, { wire }]) => wire !== null)
    .map(([place, { name, type }]) => ({ name, place, data: [], ...parquetColumn(type, isMillis) }))
}

/** Gives away what was written so far, and goes on counting. */
class PieceWriter extends ByteWriter {
  take(): Buffer {
    const piece = Buffer.from(this.getBytes())
    this.index = 0
    return piece
  }
}
