/** Reads data files of the lake back into bytes, by their format. */

import { unreachable } from '../../core/errors.ts'
import type { Shape } from '../../core/table.ts'
import { CsvRows } from './csv-rows.ts'
import { ParquetRows } from './parquet-rows.ts'
import type { RowReader } from './row-reader.ts'

/** `csv.gz` must be unpacked by whoever pushes the file. */
export function rowReader(format: 'csv' | 'csv.gz' | 'parquet', shape: Shape): RowReader {
  switch (format) {
    case 'csv':
    case 'csv.gz':
      return new CsvRows(shape)
    case 'parquet':
      return new ParquetRows(shape)
    default:
      return unreachable(format)
  }
}
