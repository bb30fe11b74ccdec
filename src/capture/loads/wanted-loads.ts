/**
 * Which tables must be loaded now, and for whom.
 *
 * Pure. A table without a complete load, or changed since in a way that the log cannot tell, is
 * loaded for all, unless there are to be no loads; one that a consumer has asked for is loaded for
 * those who asked, unless the newest load answers all of them already. One of which more is captured
 * than before is loaded again for all. One load of a table at a
 * time: what is asked for meanwhile waits for the next look.
 */

import { answers, type LoadRequest } from '../../core/load-request.ts'
import type { LoadMode } from '../../core/manifest.ts'
import { tableId, type TableId } from '../../core/table.ts'
import type { LogState, TableState } from '../../lake/log/log-state.ts'
import type { LoadableTable } from '../source.ts'

export interface WantedLoad {
  readonly table: LoadableTable
  readonly for: 'all' | readonly string[]
  /** The table has been loaded before. */
  readonly isReload: boolean
}

export interface LoadWishes {
  readonly mode: LoadMode
  readonly requests: readonly LoadRequest[]
  /** Tables of which the newest load, and the stream since, lack something that is captured now. */
  readonly stale?: ReadonlySet<TableId>
}

export function wantedLoads(
  { tables: known }: Pick<LogState, 'tables'>,
  tables: readonly LoadableTable[],
  { mode, requests, stale = new Set() }: LoadWishes,
): WantedLoad[] {
  const wanted: WantedLoad[] = []
  for (const table of tables) {
    const id = tableId(table.name)
    const state = known.get(id)
    if (state && state.openLoads.length > 0) continue
    const newest = state?.newestLoad ?? null
    if (newest === null && mode !== 'cdc') {
      wanted.push({ table, for: 'all', isReload: isReload(state) })
      continue
    }
    if (stale.has(id)) {
      wanted.push({ table, for: 'all', isReload: true })
      continue
    }
    const asked = requests.filter((request) => request.table === id)
    if (asked.every((request) => newest !== null && answers(newest, request))) continue
    // The new load takes the place of the newest, so it is for those too who have not taken that yet:
    // else two who asked one after the other would be loaded for in turn, until both are done.
    const consumers = asked.map(({ consumer }) => consumer)
    wanted.push({ table, for: consumers, isReload: newest !== null })
  }
  return wanted
}

/** A table without a complete load had one before, if something has voided it. */
function isReload(state: TableState | undefined): boolean {
  return state?.ambiguousAt !== undefined || state?.isFormer === true
}
