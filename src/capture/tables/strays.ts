/**
 * Tables that are no longer where the log has them: renamed, moved, dropped, or not selected any more.
 *
 * Pure. Rows tell of a rename, but a table may have none for long, and of a drop nothing tells. So
 * the log is compared with the catalogs now and then, by OID.
 */

import { tableId, type TableId, type TableName } from '../../core/table.ts'
import type { Prepared } from '../source.ts'
import type { KnownShape } from './tracked-tables.ts'

export interface Stray {
  readonly oid: number
  /** Its name in the log. */
  readonly from: TableId
  /** Its name now; `null` if there is no such table for us. */
  readonly to: TableName | null
}

/** `known` must have been noted before the source was asked. */
export function straysOf(
  known: readonly KnownShape[],
  { tables, refused = [] }: Pick<Prepared, 'tables' | 'refused'>,
): Stray[] {
  const names = new Map(tables.map(({ oid, name }) => [oid, name]))
  const stay = new Set(refused.map(({ name }) => tableId(name)))
  return known.flatMap(({ id: from, shape: { oid } }) => {
    if (stay.has(from)) return []
    const to = names.get(oid) ?? null
    return to !== null && tableId(to) === from ? [] : [{ oid, from, to }]
  })
}
