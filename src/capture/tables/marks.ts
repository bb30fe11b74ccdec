/**
 * Barriers that no row brings: what a look at the catalogs of the source found.
 *
 * The place in the WAL where it happened is not known. A mark stands where a heartbeat would, at the
 * end of the last whole transaction of a batch and before the first one after it.
 */

import type { BarrierItem, BatchItem, ChangeBatch } from '../../core/batch.ts'
import type { Lsn } from '../../core/lsn.ts'
import type { TableId } from '../../core/table.ts'

export interface Mark {
  readonly table: TableId
  readonly item: WithoutPosition<BarrierItem>
}

type WithoutPosition<T> = T extends unknown ? Omit<T, 'position'> : never

/** The batch, or an empty one, with marks at its end. It ends with a whole transaction at `end`. */
export function withMarks(
  batch: ChangeBatch | null,
  marks: readonly Mark[],
  end: Lsn,
): ChangeBatch | null {
  if (marks.length === 0) return batch
  const position = { lsn: end, ordinal: 0 }
  const tables = new Map<TableId, readonly BatchItem[]>(batch?.tables)
  for (const { table, item } of marks) {
    tables.set(table, [...(tables.get(table) ?? []), { ...item, position }])
  }
  return { tables, to: { ...position, end: true }, confirm: end }
}
