/**
 * The selection of tables may be another one at the next start.
 *
 * A table that is out is forgotten, and its files stay as they are. One that is in again, or new, takes
 * a load: what was committed meanwhile is in no file.
 */

import { tableName, type TableId } from '../../core/table.ts'
import { placeInLog } from '../controls.ts'
import type { LogView } from '../log.ts'
import type { Selection } from '../selected-log.ts'
import { NEW_TABLE, type OrderedPlace, type TablePlace } from './place.ts'

/** Tables whose places change. `view` is the selected state of the log where the ledger is. */
export function reselection(
  { n, tables }: OrderedPlace,
  view: LogView,
  facts: { readonly isSelected: Selection; readonly consumer: string; readonly first: number },
): ReadonlyMap<TableId, TablePlace> {
  const { isSelected, consumer, first } = facts
  const changes = new Map<TableId, TablePlace>()
  for (const [table, { state, memo }] of tables) {
    if (state === 'gone' || isSelected(tableName(table))) continue
    changes.set(table, { ...NEW_TABLE, state: 'gone', memo })
  }
  if (view.run?.load === 'cdc') return changes
  for (const [table, found] of view.tables) {
    const before = tables.get(table)
    if (before !== undefined && before.state !== 'gone') continue
    const { state, load } = placeInLog(found, { n, first, consumer })
    const isFound = state === 'ready' || state === 'loading'
    const memo = before?.memo ?? {}
    changes.set(table, { ...NEW_TABLE, state: isFound ? state : 'waiting', load, memo })
  }
  return changes
}
