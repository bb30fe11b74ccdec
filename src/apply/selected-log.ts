/**
 * The log as a target sees it that takes only some of the tables.
 *
 * Nothing else in the apply loop knows of tables that are left out: their entries are not in the
 * manifests, nor they themselves in the states. A table that gets a name which is left out is gone, as
 * if it had been dropped, and one that gets a name which is taken is new.
 *
 * The selection may be another one at the next start. Then the ledger forgets tables that are out, and
 * what the target has of them stays as it is; those that are in wait for a load. So do those whose form
 * is another one: the target goes on showing what it has until the load is there.
 */

import type { Ledger, Straggler } from '../core/ledger.ts'
import type { Entry, Manifest } from '../core/manifest.ts'
import { tableName, type TableId, type TableName } from '../core/table.ts'
import type { LedgerChange, Step } from '../core/target.ts'
import { WAITING } from './controls.ts'
import { hasForm, type FormOf } from './forms.ts'
import type { Log, LogView } from './log.ts'

export type Selection = (table: TableName) => boolean

export function selectedLog(log: Log, isSelected: Selection): Log {
  const isIn = (id: TableId): boolean => isSelected(tableName(id))
  return {
    recover: async () => selectedView(await log.recover(), isIn),
    stateAt: async (n) => selectedView(await log.stateAt(n), isIn),
    manifest: async (n) => {
      const manifest = await log.manifest(n)
      return manifest && selectedManifest(manifest, isIn)
    },
    first: () => log.first(),
    readChanges: (entry, pool) => log.readChanges(entry, pool),
    readLoadPart: (entry, shape) => log.readLoadPart(entry, shape),
    loadParts: (load) => log.loadParts(load),
  }
}

function selectedView(view: LogView, isIn: (id: TableId) => boolean): LogView {
  return { ...view, tables: new Map([...view.tables].filter(([id]) => isIn(id))) }
}

function selectedManifest(manifest: Manifest, isIn: (id: TableId) => boolean): Manifest {
  const entries = manifest.entries.flatMap((entry) => selectedEntry(entry, isIn) ?? [])
  return { ...manifest, entries }
}

function selectedEntry(entry: Entry, isIn: (id: TableId) => boolean): Entry | null {
  if (entry.type !== 'rename') return isIn(entry.table) ? entry : null
  const { table, to, position, order, shape } = entry
  if (isIn(table)) return isIn(to) ? entry : { type: 'drop', table, position, order }
  return isIn(to) ? { type: 'shape', table: to, position, order, shape, defaults: {} } : null
}

export interface Reselection {
  readonly steps: readonly Step[]
  readonly ledger: LedgerChange
}

/** What is asked of the tables of a target. */
export interface Wanted {
  readonly isSelected: Selection
  readonly formOf: FormOf
}

/**
 * What the ledger must become for the selection and the forms, `null` if nothing. `view` is the
 * selected state of the log where the ledger is.
 */
export function reselection(
  { n, epoch, v, stragglers, tables }: Ledger,
  view: LogView,
  { isSelected, formOf }: Wanted,
): Reselection | null {
  const isOut = (id: TableId): boolean => !isSelected(tableName(id))
  const isOther = (id: TableId, key: string): boolean => !hasForm(formOf(tableName(id)), key)
  const rows = new Map<TableId, Straggler | null>()
  const steps: Step[] = []
  for (const [id, key] of tables) if (!isOut(id) && isOther(id, key)) rows.set(id, WAITING)
  for (const [id, { shape }] of stragglers) {
    const isLost = isOut(id) || rows.has(id) || (shape !== null && isOther(id, shape))
    if (!isLost) continue
    rows.set(id, isOut(id) ? null : WAITING)
    if (shape === null) continue
    steps.push({ type: 'drop', table: { name: tableName(id), isShadow: true } })
  }
  const forgotten = [...tables.keys()].filter((id) => isOut(id))
  if (view.run?.load !== 'cdc') {
    for (const id of view.tables.keys()) {
      if (!tables.has(id) && !stragglers.has(id)) rows.set(id, WAITING)
    }
  }
  if (rows.size + forgotten.length === 0) return null
  return {
    steps,
    ledger: {
      main: { n, epoch, v: v + 1 },
      stragglers: rows,
      tables: new Map(forgotten.map((id) => [id, null])),
    },
  }
}
