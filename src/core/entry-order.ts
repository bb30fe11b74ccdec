/**
 * The order of the source over all tables of a manifest.
 *
 * In a manifest entries stand in position order per table only. Where a name passes from table to
 * table the order between tables matters too, also at one position: who had the name gives it up
 * before it is taken, and only then come rows under it.
 */

import type { BarrierEntry, ChangesEntry, Entry } from './manifest.ts'
import { comparePositions, type Position } from './position.ts'

export type PositionedEntry = ChangesEntry | BarrierEntry

const RANKS: Readonly<Record<PositionedEntry['type'], number>> = {
  drop: 0,
  shape: 1,
  rename: 2,
  changes: 3,
  truncate: 3,
}

/** All entries, those of loads first. Sorted only if a name passes from one table to another. */
export function entriesInOrder(entries: readonly Entry[]): readonly Entry[] {
  if (!entries.some(({ type }) => type === 'rename')) return entries
  const positioned = entries.filter(isPositioned).toSorted(compareEntries)
  return [...entries.filter((entry) => !isPositioned(entry)), ...positioned]
}

export function isPositioned(entry: Entry): entry is PositionedEntry {
  return !entry.type.startsWith('load-')
}

export function compareEntries(a: PositionedEntry, b: PositionedEntry): number {
  return comparePositions(startOf(a), startOf(b)) || RANKS[a.type] - RANKS[b.type]
}

function startOf(entry: PositionedEntry): Position {
  return entry.type === 'changes' ? entry.first : entry.position
}
