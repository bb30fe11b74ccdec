/**
 * Tables of which the log lacks something, though they have a complete load: they were out of the
 * publication for a while, or more of them is captured than when they were loaded.
 *
 * Rows that are written next show the second by themselves. This look finds it where none are.
 */

import { widenings } from '../../core/narrowing.ts'
import { tableId, type Shape, type TableId } from '../../core/table.ts'
import type { LogState } from '../../lake/log/log-state.ts'
import type { LoadableTable } from '../source.ts'

export interface StaleParts {
  readonly shapes: { read(key: string): Promise<Shape> }
  /** Whether a change of what is captured has a load follow: `ddl: resync`. */
  readonly followsWidening: boolean
}

export async function staleTables(
  { tables: known }: Pick<LogState, 'tables'>,
  tables: readonly LoadableTable[],
  { shapes, followsWidening }: StaleParts,
): Promise<ReadonlySet<TableId>> {
  const stale = new Set<TableId>()
  for (const table of tables) {
    const id = tableId(table.name)
    const newest = known.get(id)?.newestLoad ?? null
    if (newest === null) continue
    const { publishedSince, narrowing, columns } = table
    if (publishedSince !== undefined && newest.lsn < publishedSince) stale.add(id)
    if (!followsWidening || columns === undefined) continue
    const shape = await shapes.read(newest.shape)
    if (widenings(shape.narrowing, narrowing, columns).length > 0) stale.add(id)
  }
  return stale
}
