/**
 * The order of the source.
 *
 * Transactions interleave in the WAL, so a change's own LSN says nothing about order: changes become
 * true when their transaction commits. A position is the LSN of the commit and the ordinal of the
 * change in its transaction; it is never compared without the ordinal, and only within one epoch.
 *
 * Ordinals start at 1, count every row message of the transaction and are doubled: change k of a
 * transaction has 2k, and an update that changes the key is a delete at 2k and an insert at 2k + 1.
 */

import type { Lsn } from './lsn.ts'

export interface Position {
  /** Where the commit record of the transaction begins. */
  readonly lsn: Lsn
  /** 0 stands before every change of the transaction. */
  readonly ordinal: number
}

/** Negative when `a` comes first, 0 when they are the same, positive when `b` comes first. */
export function comparePositions(a: Position, b: Position): number {
  if (a.lsn !== b.lsn) return a.lsn < b.lsn ? -1 : 1
  return a.ordinal - b.ordinal
}

export function isAfter(a: Position, b: Position): boolean {
  return comparePositions(a, b) > 0
}
