/**
 * What a restart, or a new consumer, needs to know of the log up to one manifest.
 *
 * `advance` is the whole of it: the state after manifest n+1 follows from the state after n and the
 * manifest, and from nothing else. So roll-ups have equal content whoever writes them.
 */

import type { LogPosition } from '../../core/batch.ts'
import { entriesInOrder } from '../../core/entry-order.ts'
import type { Lsn } from '../../core/lsn.ts'
import type { Entry, LoadBeginEntry, Manifest, RenameEntry, RunInfo } from '../../core/manifest.ts'
import type { TableId } from '../../core/table.ts'

export interface LogState {
  /** The last manifest; 0 before the first. */
  readonly n: number
  readonly generation: number
  readonly epoch: number
  readonly timeline: number
  /** What the last run of capture reads, and how; `null` before the first. */
  readonly run: RunInfo | null
  readonly to: LogPosition | null
  readonly confirm: Lsn | null
  /** The next free tick of the `order` clock. */
  readonly clock: number
  /** The day of the last manifest, `2026-11-23`; it never goes back. */
  readonly dt: string | null
  readonly tables: ReadonlyMap<TableId, TableState>
}

export interface TableState {
  /** Key of its shape now; oid and number of the shape stand in that file. */
  readonly shape: string
  /** The load that was completed last, unless an epoch or an ambiguous change has voided it. */
  readonly newestLoad: LoadState | null
  /** The manifest with the last ambiguous change: loads whose `since` is before it do not count. */
  readonly ambiguousAt?: number
  /** Nothing has stood in the log of it since an epoch lost something: its shape is of before. */
  readonly isFormer?: true
  /** What was noted last of its partitions, if it has such: `oid:file` each, or `oid`. */
  readonly partitions?: readonly string[]
  readonly openLoads: readonly LoadState[]
}

export interface LoadState {
  readonly load: string
  readonly lsn: Lsn
  readonly epoch: number
  readonly since: number
  readonly shape: string
  readonly for: 'all' | readonly string[]
  /** The name that the table had, if it has another now: its entries stand under that one. */
  readonly under?: TableId
  /** The manifest with its load-begin. */
  readonly beganAt: number
  /** The manifest with its load-end; `null` while it is open. */
  readonly endedAt: number | null
  readonly rows: number
  readonly parts: number
}

export const initialState: LogState = {
  n: 0,
  generation: 0,
  epoch: 1,
  timeline: 0,
  run: null,
  to: null,
  confirm: null,
  clock: 0,
  dt: null,
  tables: new Map(),
}

export function advance(state: LogState, manifest: Manifest): LogState {
  const { n, generation, epoch, timeline, to, confirm, clock } = manifest
  if (n !== state.n + 1) throw new Error(`manifest ${n} does not follow ${state.n}`)
  return {
    n,
    generation,
    epoch,
    timeline,
    run: 'run' in manifest ? manifest.run : state.run,
    to,
    confirm,
    clock,
    dt: laterDay(state.dt, manifest.closedAt),
    tables: tablesAfter(state.tables, manifest),
  }
}

/** The day of a time in ISO 8601, or the last day so far if that is later. */
export function laterDay(last: string | null, time: string): string {
  const day = time.slice(0, 10)
  return last !== null && last > day ? last : day
}

function tablesAfter(
  before: ReadonlyMap<TableId, TableState>,
  manifest: Manifest,
): ReadonlyMap<TableId, TableState> {
  const tables = new Tables(before)
  if (manifest.kind === 'epoch' && !manifest.continues) tables.lose()
  for (const entry of entriesInOrder(manifest.entries)) tables.take(entry, manifest)
  return tables.now
}

/** Copies the map of thousands of tables only when one of them changes. */
class Tables {
  #now: ReadonlyMap<TableId, TableState>
  #copy: Map<TableId, TableState> | null = null

  constructor(before: ReadonlyMap<TableId, TableState>) {
    this.#now = before
  }

  get now(): ReadonlyMap<TableId, TableState> {
    return this.#copy ?? this.#now
  }

  /** Everything that is known is of an epoch that is over. */
  lose(): void {
    for (const [id, { shape, openLoads }] of this.now) {
      this.#set(id, { shape, newestLoad: null, isFormer: true, openLoads })
    }
  }

  take(entry: Entry, { n, epoch }: Manifest): void {
    switch (entry.type) {
      case 'changes':
        return this.#setShape(entry.table, entry.shape)
      case 'shape':
        this.#setShape(entry.table, entry.shape)
        if (entry.isAmbiguous) this.#voidLoad(entry.table, n)
        if (entry.partitions) this.#note(entry.table, entry.partitions)
        return
      case 'rename':
        return this.#rename(entry)
      case 'drop':
        return this.#remove(entry.table)
      case 'truncate':
        return this.#truncate(entry.table)
      case 'load-begin':
        return this.#beginLoad(entry, n, epoch)
      case 'load-part': {
        const { rows } = entry
        return this.#withLoad(entry, (table, load) =>
          withOpen(table, { ...load, rows: load.rows + rows, parts: load.parts + 1 }),
        )
      }
      case 'load-end': {
        const { rows } = entry
        return this.#withLoad(entry, (table, load) => ({
          ...without(table, load.load),
          newestLoad:
            load.since < (table.ambiguousAt ?? 0)
              ? table.newestLoad
              : { ...load, rows, endedAt: n },
        }))
      }
      case 'load-cancel':
        return this.#withLoad(entry, (table, load) => without(table, load.load))
    }
  }

  #setShape(id: TableId, shape: string): void {
    const table = this.now.get(id)
    if (table?.shape === shape && !table.isFormer) return
    this.#set(id, table ? present(table, shape) : newTable(shape))
  }

  #voidLoad(id: TableId, ambiguousAt: number): void {
    const table = this.now.get(id)
    if (table) this.#set(id, { ...table, newestLoad: null, ambiguousAt })
  }

  #note(id: TableId, partitions: readonly string[]): void {
    const table = this.now.get(id)
    if (table) this.#set(id, { ...table, partitions })
  }

  /** All partitions are stored in other files now, which nobody has told us yet. */
  #truncate(id: TableId): void {
    const partitions = this.now.get(id)?.partitions?.map((partition) => partition.split(':')[0]!)
    if (partitions) this.#note(id, partitions)
  }

  #rename({ table: from, to, shape }: RenameEntry): void {
    const table = this.now.get(from)
    this.#remove(from)
    if (table === undefined) return this.#set(to, newTable(shape))
    // One that is open is that of another table, which took the name: this one was held by its own.
    const newestLoad = table.newestLoad && { under: from, ...table.newestLoad }
    this.#set(to, { ...present(table, shape), newestLoad, openLoads: [] })
  }

  /** The load has a shape of its own; that of a table we know changes by a barrier, or an epoch. */
  #beginLoad(entry: LoadBeginEntry, beganAt: number, epoch: number): void {
    const { table: id, load, lsn, since, shape } = entry
    const progress = { beganAt, endedAt: null, rows: 0, parts: 0 }
    const open: LoadState = { load, lsn, epoch, since, shape, for: entry.for, ...progress }
    const table = this.now.get(id)
    const isKnown = table !== undefined && !table.isFormer
    this.#set(id, withOpen(isKnown ? table : present(table ?? newTable(shape), shape), open))
    const { partitions } = entry
    if (partitions && !this.now.get(id)?.partitions) this.#note(id, partitions)
  }

  /** Changes the table that has the load open; without one the entry says nothing. */
  #withLoad(
    entry: { readonly table: TableId; readonly load: string },
    change: (table: TableState, load: LoadState) => TableState,
  ): void {
    const table = this.now.get(entry.table)
    const load = table?.openLoads.find((open) => open.load === entry.load)
    if (table && load) this.#set(entry.table, change(table, load))
  }

  #set(id: TableId, table: TableState): void {
    this.#copy ??= new Map(this.#now)
    this.#copy.set(id, table)
  }

  #remove(id: TableId): void {
    this.#copy ??= new Map(this.#now)
    this.#copy.delete(id)
  }
}

function newTable(shape: string): TableState {
  return { shape, newestLoad: null, openLoads: [] }
}

/** The table, with a shape of the present epoch. */
function present(table: TableState, shape: string): TableState {
  const { newestLoad, openLoads, ambiguousAt, partitions } = table
  return {
    shape,
    newestLoad,
    openLoads,
    ...(ambiguousAt !== undefined && { ambiguousAt }),
    ...(partitions && { partitions }),
  }
}

function withOpen(table: TableState, load: LoadState): TableState {
  const isOpen = table.openLoads.some((open) => open.load === load.load)
  if (!isOpen) return { ...table, openLoads: [...table.openLoads, load] }
  return {
    ...table,
    openLoads: table.openLoads.map((open) => (open.load === load.load ? load : open)),
  }
}

function without(table: TableState, id: string): TableState {
  return { ...table, openLoads: table.openLoads.filter(({ load }) => load !== id) }
}
