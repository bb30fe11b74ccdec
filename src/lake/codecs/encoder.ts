/** Makes data files of the lake, in whatever format it has. */

import type { Chunk } from '../../core/batch.ts'
import type { Lsn } from '../../core/lsn.ts'
import { tableId, type Shape, type TableId } from '../../core/table.ts'
import { encodeChanges, encodeHeader, loadPrefix } from './csv-encoder.ts'
import { encodeParquetChanges, encodeParquetLoad, type EncoderParts } from './parquet-encoder.ts'
import { PARQUET_DEFAULTS, type ParquetOptions, type UnfitValues } from './parquet-options.ts'

export interface Encoding {
  readonly format: 'csv' | 'csv.gz' | 'parquet'
  readonly parquet?: ParquetOptions
  /** Told when a file is complete in which values did not fit. */
  readonly onUnfit?: (table: TableId, values: UnfitValues) => void
}

/** What makes rows of a load of the lines of PostgreSQL's own `COPY … (FORMAT csv)`. */
export interface LoadLines {
  /** Stands before the first line of a part. */
  readonly header: Buffer
  /** Stands before every line. */
  readonly prefix: Buffer
  readonly shape: Shape
  readonly order: number
}

export function loadLines(
  shape: Shape,
  load: { readonly lsn: Lsn; readonly order: number; readonly committedAt: bigint },
): LoadLines {
  return { header: encodeHeader(shape), prefix: loadPrefix(load), shape, order: load.order }
}

/** The file of a chunk, before compression. Empties its log; row `i` gets the order `order + i`. */
export function encodeFile(
  chunk: Pick<Chunk, 'shape' | 'changes'>,
  order: number,
  encoding: Encoding,
): Iterable<Buffer> {
  if (encoding.format !== 'parquet') return encodeChanges(chunk, order)
  return encodeParquetChanges(chunk.changes, order, partsOf(chunk.shape, encoding))
}

/** The file of a part of a load, which comes as CSV: lines of COPY with what stands before them. */
export function encodeLoadPart(
  pieces: AsyncIterable<Uint8Array>,
  { shape, order }: Pick<LoadLines, 'shape' | 'order'>,
  encoding: Encoding,
): AsyncIterable<Uint8Array> {
  if (encoding.format !== 'parquet') return pieces
  return encodeParquetLoad(pieces, order, partsOf(shape, encoding))
}

function partsOf(shape: Shape, { parquet = PARQUET_DEFAULTS, onUnfit }: Encoding): EncoderParts {
  const table = tableId(shape.table)
  return { shape, options: parquet, onUnfit: (values) => onUnfit?.(table, values) }
}
