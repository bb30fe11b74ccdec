/**
 * What a consumer does that takes the log as it is: unfolded, in the order of the source.
 *
 * The drain (`apply/ordered/`) decides which rows belong to a table and when they are due, and names
 * the stretch in the ledger before it is taken. So a stretch that was begun is given again, with the
 * same rows and the same memo, until its end stands in the ledger: whoever takes it twice, or by two
 * workers at once, must have done it once. Effects that have names and contents of their own, made
 * from nothing but the stretch, are of that kind.
 */

import type { ChangeLog } from './change-log.ts'
import type { Lsn } from './lsn.ts'
import type { Shape, TableId, TableName } from './table.ts'
import type { LoadPart } from './target.ts'

/** What the taker wants to know of its own past; the ledger keeps it. */
export type Memo = Readonly<Record<string, number>>

export interface OrderedTaker {
  /** Appears in logs, metrics and the dashboard. */
  readonly name: string

  /** All tables come in one stretch, row after row in the order of the source; else each by itself. */
  readonly isMerged: boolean

  /** Takes changes; resolves to the memo after them. */
  takeChanges(stretch: ChangesStretch): Promise<Memo>

  /** Takes rows of a load, as many as serve it well; resolves to the memo and the place after them. */
  takeLoad(
    stretch: LoadStretchRows,
  ): Promise<{ readonly memo: Memo; readonly place: LoadPlace | null }>
}

export interface ChangesStretch {
  /** `null` if tables are merged. */
  readonly table: TableName | null
  readonly memo: Memo
  /** When the manifest was written with which the stretch ends, ms since 1970. */
  readonly closedAtMs: number
  /** In order. Pieces of one group belong to different tables, and their rows are to be merged. */
  readonly groups: readonly (readonly ChangesPiece[])[]
}

/** A file of changes of one table. */
export interface ChangesPiece {
  readonly table: TableId
  /** Transactions that commit below this are left out; `null` if none are. */
  readonly from: Lsn | null
  shape(): Promise<Shape>
  read(): Promise<ChangeLog>
}

/** The row of a load that comes next: the number of its part, and of the row in it, from 0. */
export interface LoadPlace {
  readonly part: number
  readonly row: number
}

export interface LoadStretchRows {
  readonly table: TableName
  readonly shape: Shape
  readonly memo: Memo
  readonly place: LoadPlace
  readonly parts: readonly TimedPart[]
  /** When capture began to run that made the load, ms since 1970. */
  readonly startedAtMs: number
}

export interface TimedPart {
  readonly part: LoadPart
  /** When it became part of the log. */
  readonly closedAtMs: number
}
