/**
 * How DuckDB reads our CSV: every column as text, and nothing guessed.
 *
 * Its reader would cut a file into ranges for its threads and guess where a line begins in each; a
 * quoted value that looks like lines of CSV makes it fail. So it reads a file from the beginning to
 * the end. A line may not be longer than its buffer, which has 2 MiB unless told.
 *
 * https://duckdb.org/docs/stable/data/csv/overview
 */

import { literal } from '../sql/names.ts'

export interface CsvFile {
  readonly path: string
  readonly isGzip: boolean
  readonly hasHeader: boolean
  /** No line is longer. */
  readonly lineBytes: number
}

const DEFAULT_LINE_BYTES = 2 * 1024 * 1024
const DEFAULT_BUFFER_BYTES = 32 * 1024 * 1024
/** A row has at most 64 MiB, and quotes may double it. */
export const MAX_LINE_BYTES = 136 * 1024 * 1024

/** The columns of the file are called c0, c1, … */
export function readCsv(file: CsvFile, columns: number): string {
  const names = Array.from({ length: columns }, (_, i) => `c${i}: 'VARCHAR'`)
  return `read_csv(${literal(file.path)}, columns = {${names.join(', ')}},
    auto_detect = false, parallel = false, strict_mode = true, delim = ',', quote = '"',
    escape = '"', nullstr = '', allow_quoted_nulls = false, header = ${file.hasHeader},
    compression = '${file.isGzip ? 'gzip' : 'none'}'${lineOptions(file.lineBytes)})`
}

function lineOptions(lineBytes: number): string {
  if (lineBytes <= DEFAULT_LINE_BYTES) return ''
  const line = Math.min(lineBytes, MAX_LINE_BYTES)
  return `, max_line_size = ${line}, buffer_size = ${Math.max(line, DEFAULT_BUFFER_BYTES)}`
}
