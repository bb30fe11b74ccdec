/**
 * Loads that nobody takes any more: cancelled, followed by a newer one of their table, or voided.
 *
 * Pure. What one manifest does to the loads shows in the states before and after it.
 */

import type { TableId } from '../../core/table.ts'
import type { LogState, TableState } from '../log/log-state.ts'

export interface DeadLoad {
  readonly table: TableId
  readonly load: string
}

/** The loads that were open, or a table's newest, in the one state and are neither in the next. */
export function deadLoads(before: LogState, after: LogState): DeadLoad[] {
  if (before.tables === after.tables) return []
  const dead: DeadLoad[] = []
  for (const [table, state] of before.tables) {
    if (after.tables.get(table) === state) continue
    const alive = new Set<string>()
    for (const later of after.tables.values()) for (const load of loadsOf(later)) alive.add(load)
    for (const load of loadsOf(state)) if (!alive.has(load)) dead.push({ table, load })
  }
  return dead
}

function loadsOf({ newestLoad, openLoads }: TableState): string[] {
  const open = openLoads.map(({ load }) => load)
  return newestLoad === null ? open : [newestLoad.load, ...open]
}
