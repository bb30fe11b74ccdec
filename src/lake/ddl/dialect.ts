/** What differs between the engines that read the lake: names, types, casts and how files become a table. */

import type { LogicalType } from '../../core/type.ts'
import type { DataFormat } from '../data-file.ts'
import type { TypedForm } from './typed-columns.ts'

/** A folder of files as a table. */
export interface RawTable {
  readonly name: string
  /** `s3://bucket/shop/app/orders/cdc/`, with its slash. */
  readonly url: string
  readonly format: DataFormat
  readonly columns: readonly RawColumn[]
  /** The days with a folder `dt=2026-11-23/`, in order; `null` if the files stand in the folder itself. */
  readonly partitions: readonly string[] | null
}

export interface RawColumn {
  readonly name: string
  readonly type: LogicalType
}

export interface Dialect {
  /** What it can read of columns that are not written as text; the others have to be. */
  readonly typed: readonly TypedForm[]
  /** Makes the table. Statements without a semicolon at the end. */
  rawTable(table: RawTable): readonly string[]
  view(name: string, query: string): string
  /** What `rawTable` made, in a query. */
  rawName(name: string): string
  /** A name in a query. */
  quote(name: string): string
  literal(text: string): string
  /** A typed value from PostgreSQL's text. `isLoose`: NULL where the text is none of the type. */
  fromText(text: string, type: LogicalType, isLoose: boolean): string
  /** Whether the first text has the second in it. */
  contains(text: string, part: string): string
}
