/**
 * What one manifest will hold: the changes of a stretch of the source's order, table by table.
 *
 * Within a table, chunks and barriers stand in position order. A chunk is written as one data file;
 * a barrier ends the file before it.
 */

import type { ChangeLog } from './change-log.ts'
import type { Lsn } from './lsn.ts'
import type { Position } from './position.ts'
import type { Shape, TableId } from './table.ts'

export interface ChangeBatch {
  readonly tables: ReadonlyMap<TableId, readonly BatchItem[]>
  readonly to: LogPosition
  /** The end LSN of the last transaction wholly contained; `null` if none ends in this batch. */
  readonly confirm: Lsn | null
}

/** The last position contained; `end`: its transaction is complete. */
export interface LogPosition extends Position {
  readonly end: boolean
}

export type BatchItem = Chunk | BarrierItem

export interface Chunk {
  readonly type: 'changes'
  readonly shape: Shape
  /** Its tuples are aligned with the wire: see `Column.wire`. */
  readonly changes: ChangeLog
  readonly counts: ChangeCounts
  readonly first: Position
  readonly last: Position
  /** Commit time of the first change, microseconds since 2000-01-01 UTC. */
  readonly firstCommittedAt: bigint
}

export interface ChangeCounts {
  i: number
  u: number
  d: number
  /** Rows with at least one unchanged value. */
  unchanged: number
}

export type BarrierItem =
  | {
      readonly type: 'truncate'
      readonly shape: Shape
      readonly position: Position
    }
  | {
      readonly type: 'shape'
      readonly shape: Shape
      readonly position: Position
      /** For each added column the text that rows have which existed before: `attmissingval`. */
      readonly defaults: Readonly<Record<string, string | null>>
      /** See `ShapeEntry`. */
      readonly isAmbiguous?: true
      readonly partitions?: readonly string[]
    }
  | {
      readonly type: 'rename'
      readonly to: TableId
      readonly shape: Shape
      readonly position: Position
    }
  | { readonly type: 'drop'; readonly position: Position }
