/**
 * Which tables must be loaded now, and for whom.
 *
 * Pure. A table without a complete load, or changed since in a way that the log cannot tell, is
 * loaded for all, unless there are to be no loads; one that a consumer has asked for is loaded for
 * those who asked, unless the newest load answers them already. One load of a table at a
 * time: what is asked for meanwhile waits for the next look.
 */

import { answers, type LoadRequest } from '../core/load-request.ts'
import type { LoadMode } from '../core/manifest.ts'
import { tableId } from '../core/table.ts'
import type { LogState } from '../lake/log-state.ts'
import type { LoadableTable } from './source.ts'

export interface WantedLoad {
  readonly table: LoadableTable
  readonly for: 'all' | readonly string[]
  /** The table has been loaded before. */
  readonly isReload: boolean
}

export function wantedLoads(
  { tables: known }: Pick<LogState, 'tables'>,
  tables: readonly LoadableTable[],
  { mode, requests }: { readonly mode: LoadMode; readonly requests: readonly LoadRequest[] },
): WantedLoad[] {
  const wanted: WantedLoad[] = []
  for (const table of tables) {
    const id = tableId(table.name)
    const state = known.get(id)
    if (state && state.openLoads.length > 0) continue
    const newest = state?.newestLoad ?? null
    if (newest === null && mode !== 'cdc') {
      wanted.push({ table, for: 'all', isReload: state?.ambiguousAt !== undefined })
      continue
    }
    const consumers = requests
      .filter((request) => request.table === id && !(newest && answers(newest, request)))
      .map(({ consumer }) => consumer)
    if (consumers.length > 0) wanted.push({ table, for: consumers, isReload: newest !== null })
  }
  return wanted
}
