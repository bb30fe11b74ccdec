/**
 * What a database or folder must do to be kept equal to the source.
 *
 * The apply loop decides everything: which manifests, in which order, which table is where. A target
 * does one thing: `commit` runs the steps of a piece of work and moves the ledger, all in one
 * transaction, and only if the ledger is still where the work expects it. So a piece of work that is
 * delivered twice, late, or by two workers at once takes effect once.
 */

import type { FoldedRows } from './fold.ts'
import type { Ledger, Straggler } from './ledger.ts'
import type { Shape, TableId, TableName } from './table.ts'

export interface Target {
  /** Appears in logs, metrics and the dashboard. */
  readonly name: string

  /** Makes the place of the ledger if there is none. Resolves to `null` if this consumer is new here. */
  open(): Promise<Ledger | null>

  /** The ledger as it is now. */
  ledger(): Promise<Ledger>

  /**
   * Runs the steps and moves the ledger in one transaction. Resolves to false, with nothing changed,
   * if the ledger is not where `work.expect` says; steps are not asked for in that case.
   */
  commit(work: Work): Promise<boolean>

  close(): Promise<void>
}

export interface Work {
  readonly expect: Expectation
  /** Made one by one, so that memory holds one chunk however long the work is. */
  readonly steps: AsyncIterable<Step>
  readonly ledger: LedgerChange
}

/** The compare of compare-and-set: what the ledger must say for the work to take effect. */
export interface Expectation {
  /** Main row; `null` for work of one straggler that does not touch it. `n: -1` expects no ledger at all. */
  readonly main: { readonly n: number; readonly epoch: number; readonly v: number } | null
  /** The straggler's row; `null` for work that is not a straggler's. */
  readonly straggler: {
    readonly table: TableId
    readonly load: string | null
    readonly n: number | null
    readonly partsDone: number
  } | null
}

export interface LedgerChange {
  readonly main: { readonly n: number; readonly epoch: number; readonly v: number } | null
  /** Rows to write, or to remove where `null`. */
  readonly stragglers: ReadonlyMap<TableId, Straggler | null>
  readonly tables: ReadonlyMap<TableId, string | null>
}

/** A table of the target: the live one, or the shadow that a load fills beside it. */
export interface TargetTable {
  readonly name: TableName
  readonly isShadow: boolean
}

export type Step =
  /** Makes an empty table, in the place of any that has the name. */
  | { readonly type: 'create'; readonly table: TargetTable; readonly shape: Shape }
  | { readonly type: 'drop'; readonly table: TargetTable }
  | { readonly type: 'truncate'; readonly table: TargetTable }
  /** Gives the table another shape. Rows that exist get `defaults` in added columns. */
  | {
      readonly type: 'alter'
      readonly table: TargetTable
      readonly from: Shape
      readonly to: Shape
      readonly defaults: Readonly<Record<string, string | null>>
      /** Columns that the source dropped go here too; else they stay, with what they hold. */
      readonly dropsColumns?: boolean
    }
  /** The shadow takes the place of the live table. */
  | { readonly type: 'swap'; readonly name: TableName; readonly shape: Shape }
  | { readonly type: 'rename'; readonly from: TableName; readonly to: TableName }
  /** The batch's last word on each key. */
  | {
      readonly type: 'fold'
      readonly table: TargetTable
      readonly shape: Shape
      readonly rows: FoldedRows
      /**
       * The rows are versions of a `history`: all of them are added and nothing goes. The key of the
       * shape is not unique in the table; an unchanged value is that of the newest version.
       */
      readonly appends?: boolean
    }
  /** Gives the value, a text, to all rows that have NULL in the column. */
  | {
      readonly type: 'mark'
      readonly table: TargetTable
      readonly shape: Shape
      readonly column: string
      readonly value: string
    }
  /**
   * Before a swap: the shadow takes over the rows of the live table whose values in the columns `by`
   * it has not, and `marks` those that have NULL. Does nothing if the live table is not there, or has
   * not the columns of the mode.
   */
  | {
      readonly type: 'keep'
      readonly name: TableName
      /** Of the shadow. */
      readonly shape: Shape
      readonly by: readonly string[]
      readonly marks: { readonly column: string; readonly value: string } | null
    }
  /** Rows of a load, which are all new. */
  | {
      readonly type: 'load'
      readonly table: TargetTable
      readonly shape: Shape
      readonly part: LoadPart
    }

export interface LoadPart {
  readonly path: string
  /** Where other programs of this machine can read the file; `null` if they cannot. */
  readonly localPath: string | null
  /** As `lake.format` said when it was written. */
  readonly format: 'csv' | 'csv.gz' | 'parquet'
  readonly rows: number
  /** Tuples of the part, aligned with `shape.columns`: each `bytes[start, end)`. */
  read(): AsyncIterable<TupleBlock>
}

/** Many tuples in one piece of memory, which is valid until the next one is asked for. */
export interface TupleBlock {
  readonly bytes: Buffer
  /** Start of each tuple in `bytes`, and the end of the last. */
  readonly starts: readonly number[]
}
