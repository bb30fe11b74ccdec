/**
 * The tables of the stream, by OID: their shape now, and what the log says about them.
 *
 * When a Relation message shows another shape or name than the log has, the table carries a barrier
 * until its next row, and the barrier goes into the log right before that row.
 */

import { fail } from '../../core/errors.ts'
import type { Emit } from '../../core/events.ts'
import type { LoadMode } from '../../core/manifest.ts'
import { isSameNarrowing, widenings, type Narrowing } from '../../core/narrowing.ts'
import { mergeShape, type WireColumn } from '../../core/shape-diff.ts'
import { tableId, type Shape, type TableId, type TableName } from '../../core/table.ts'
import type { Relation } from '../../pgoutput/messages.ts'
import { barrierOf, GONE, NEW, type Barrier } from './barrier.ts'
import type { Mark } from './marks.ts'
import type { Stray } from './strays.ts'

export interface TrackedTable {
  readonly id: TableId
  readonly isSelected: boolean
  readonly shape: Shape
  /** Places on the wire of the key columns. */
  readonly keyPlaces: ReadonlySet<number>
  readonly relation: Relation
  /** What the log must say before the next row. */
  barrier: Barrier | null
}

/** What only the catalogs of the source know about a Relation message. */
export interface RelationCatalog {
  describe(relation: Relation): Promise<RelationFacts>
  /** Left out by one that takes every word of a drop for true. */
  has?(oid: number): Promise<boolean>
  /** Left out by one that excludes nothing: see `column-cutter.ts`. */
  look?(oid: number, isKnown: () => boolean): Promise<void>
}

export interface RelationFacts {
  readonly columns: readonly WireColumn[]
  /** Names of the columns by which rows are found again. */
  readonly key: readonly string[]
  /** Text of rows that are older than the column, by column. */
  readonly missing: ReadonlyMap<string, string | null>
  /** Names of the columns that have a default, which may be computed for each row. */
  readonly computed: ReadonlySet<string>
  /** What of the table the stream does not carry. */
  readonly narrowing?: Narrowing
}

/** What the log says about a table. */
export interface KnownShape {
  readonly id: TableId
  readonly shape: Shape
}

/** What is done about changes that the log cannot tell. */
export type DdlPolicy = 'resync' | 'stop' | 'ignore'

export interface TrackedTablesParts {
  readonly isSelected: (name: TableName) => boolean
  readonly catalog: RelationCatalog
  /** `resync` if it is not said. */
  readonly ddl?: DdlPolicy
  /** `cdc`: nothing is loaded, unless somebody asks. */
  readonly load?: LoadMode
  readonly emit?: Emit
}

export class TrackedTables {
  readonly #parts: TrackedTablesParts
  readonly #tables = new Map<number, TrackedTable>()
  readonly #inLog = new Map<number, KnownShape>()
  /** From before an epoch that lost something. By name: an OID may be that of another table now. */
  readonly #former = new Map<TableId, Shape>()
  /** What the newest load of this run captures of a table, by OID. */
  readonly #loadedAs = new Map<number, Narrowing | undefined>()

  constructor(parts: TrackedTablesParts) {
    this.#parts = parts
  }

  get(oid: number): TrackedTable | undefined {
    return this.#tables.get(oid)
  }

  /**
   * The newest shape of a table that the log has, or will have with its first row; `null` if none.
   * With the name also one of a former epoch.
   */
  shapeOf(oid: number, id?: TableId): Shape | null {
    return this.#inLog.get(oid)?.shape ?? (id && this.#former.get(id)) ?? null
  }

  /** The log had this shape for a table in an epoch that is over: columns keep their places in files. */
  remember({ id, shape }: KnownShape): void {
    this.#former.set(id, shape)
  }

  /** A load takes the table as it is now: what is captured of it that was not before comes with it. */
  loadedAs({ oid, narrowing }: Shape): void {
    this.#loadedAs.set(oid, narrowing)
  }

  /** The log has a shape for this table: one of an earlier run, or that of a load that begins now. */
  introduce(known: KnownShape): void {
    if (!this.#inLog.has(known.shape.oid)) this.#inLog.set(known.shape.oid, known)
  }

  /**
   * Compared with the log, never with what the stream has shown since: after a restart it shows
   * shapes from before those that the log has, and in the end nothing may have changed.
   */
  async resolve(relation: Relation): Promise<void> {
    const name = { namespace: relation.namespace || 'pg_catalog', name: relation.name }
    const id = tableId(name)
    const facts = await this.#parts.catalog.describe(relation)
    const known = this.#inLog.get(relation.oid) ?? null
    const { columns, key, narrowing } = facts
    const found = { columns, key, ...(narrowing && { narrowing }) }
    const wire = { table: name, oid: relation.oid, ...found }
    const shape = mergeShape(this.shapeOf(relation.oid, id), wire)
    const widened =
      known === null ? [] : [...this.#widened(known.shape, facts), ...doubts(relation)]
    const table: TrackedTable = {
      id,
      shape,
      relation,
      isSelected: this.#parts.isSelected(name) && (known !== null || canBeFound(relation, facts)),
      keyPlaces: keyPlaces(shape),
      barrier: known === null ? NEW : barrierOf(known, { id, shape }, { ...facts, widened }),
    }
    this.#tables.set(relation.oid, table)
    this.#settle(table)
  }

  /** What is captured now and was not before, unless a load brings it in any case. */
  #widened({ oid, narrowing }: Shape, facts: RelationFacts): string[] {
    const hasLoad = this.#loadedAs.has(oid)
    if (hasLoad && isSameNarrowing(this.#loadedAs.get(oid), facts.narrowing)) return []
    return widenings(narrowing, facts.narrowing, facts.columns)
  }

  /** Whether the table has to be loaded again behind its barrier. */
  mustReload({ id, barrier: found }: TrackedTable): boolean {
    return this.#mustReload(id, found?.ambiguities ?? [])
  }

  /** Notes what happened to a table that the log cannot tell, and the partitions that it has now. */
  changed(oid: number, changes: readonly string[], partitions?: readonly string[]): Mark[] {
    const known = this.#inLog.get(oid)
    if (known === undefined) return []
    const isAmbiguous = this.#mustReload(known.id, changes)
    if (!isAmbiguous && partitions === undefined) return []
    const notes = { ...(partitions && { partitions }), ...(isAmbiguous && { isAmbiguous }) }
    return [
      { table: known.id, item: { type: 'shape', shape: known.shape, defaults: {}, ...notes } },
    ]
  }

  #mustReload(id: TableId, changes: readonly string[]): boolean {
    if (changes.length === 0) return false
    const { ddl = 'resync', load, emit } = this.#parts
    if (ddl === 'stop') {
      fail('DDL_AMBIGUOUS', `${id} was changed: ${changes.join('; ')}`, {
        hint: 'set source.ddl to resync, and the table is loaded again',
        details: { table: id },
      })
    }
    const isVoid = ddl === 'resync'
    emit?.({ type: 'ddl-ambiguous', table: id, changes, isReloaded: isVoid && load !== 'cdc' })
    return isVoid
  }

  /** The barrier of the table is part of the log now. */
  passed(table: TrackedTable): void {
    const { id, shape } = table
    const former = this.#formerOf(id, shape.oid)
    table.barrier = null
    this.#inLog.set(shape.oid, { id, shape })
    this.#evict(former)
    this.#settleAll()
  }

  /** All tables that the log has, or will have with their first row. */
  get known(): readonly KnownShape[] {
    return [...this.#inLog.values()]
  }

  /** Whether the log has the table under this name, or neither the table nor the name. */
  isAtHome({ oid, name }: { readonly oid: number; readonly name: TableName }): boolean {
    const id = tableId(name)
    const known = this.#inLog.get(oid)
    return known === undefined ? this.#formerOf(id, oid) === null : known.id === id
  }

  /** Lets the log follow a table that it has under another name than the source. */
  follow({ oid, from, to }: Stray): Mark[] {
    const known = this.#inLog.get(oid)
    // A row may have told it meanwhile.
    if (known?.id !== from) return []
    const marks = to === null ? this.#dropped(known) : this.#renamed(known, to)
    this.#settleAll()
    return marks
  }

  /** Whether a table of the log is not at the source any more. */
  async isGone(oid: number): Promise<boolean> {
    if (!this.#inLog.has(oid)) return false
    return !((await this.#parts.catalog.has?.(oid)) ?? false)
  }

  dropped(oid: number): Mark[] {
    const known = this.#inLog.get(oid)
    return known === undefined ? [] : this.follow({ oid, from: known.id, to: null })
  }

  #dropped(known: KnownShape): Mark[] {
    const { id, shape } = known
    this.#inLog.delete(shape.oid)
    const tracked = this.#tables.get(shape.oid)
    if (tracked) tracked.barrier = GONE
    // While it was being loaded a table of its name may have taken its place.
    if (this.#formerOf(id, shape.oid) !== null) return []
    this.#parts.emit?.({ type: 'table-dropped', table: id })
    return [{ table: id, item: { type: 'drop' } }]
  }

  #renamed({ id: from, shape: before }: KnownShape, table: TableName): Mark[] {
    const { oid, number } = before
    const id = tableId(table)
    const former = this.#formerOf(id, oid)
    const shape = { ...before, table, number: number + 1 }
    this.#inLog.set(oid, { id, shape })
    this.#evict(former)
    const tracked = this.#tables.get(oid)
    if (tracked) {
      // Not every server says so before the next row: a schema may have been renamed.
      const now = tracked.barrier === null ? shape : { ...tracked.shape, table }
      const waits = tracked.barrier && { ...tracked.barrier, from: id }
      this.#tables.set(oid, { ...tracked, id, shape: now, barrier: waits })
    }
    const drop: Mark = { table: id, item: { type: 'drop' } }
    return [...(former ? [drop] : []), { table: from, item: { type: 'rename', to: id, shape } }]
  }

  /** Another table has its name in the log from now on. It may live on, as one that is new there. */
  #evict(former: KnownShape | null): void {
    if (former === null) return
    const { oid } = former.shape
    this.#inLog.delete(oid)
    const table = this.#tables.get(oid)
    if (table !== undefined) table.barrier = NEW
    this.#parts.emit?.({ type: 'table-dropped', table: former.id })
  }

  #settleAll(): void {
    for (const table of this.#tables.values()) this.#settle(table)
  }

  /** What other tables are called in the log is part of what a table's barrier has to say. */
  #settle(table: TrackedTable): void {
    const { id, shape, barrier: found, isSelected } = table
    if (found === null || found === GONE || !isSelected) return
    const evicts = this.#formerOf(id, shape.oid) !== null
    if (found.from === null && !evicts) {
      table.barrier = null
      this.#inLog.set(shape.oid, { id, shape })
    } else if (found.evicts !== evicts) {
      table.barrier = { ...found, evicts }
    }
  }

  /** The table that has the name in the log, if it is not this one. */
  #formerOf(id: TableId, oid: number): KnownShape | null {
    if (this.#inLog.get(oid)?.id === id) return null
    for (const known of this.#inLog.values()) if (known.id === id) return known
    return null
  }
}

/** What was cut without need comes with a load. */
function doubts({ isInDoubt, columns }: Relation): string[] {
  if (!isInDoubt && columns.length > 0) return []
  return ['columns were left out that could not be told from an excluded one']
}

/** Else its updates and deletes are lost, and it is refused: the look for tables says so. */
function canBeFound({ identity }: Relation, { key }: RelationFacts): boolean {
  return key.length > 0 || identity === 'full'
}

function keyPlaces({ columns, key }: Shape): ReadonlySet<number> {
  const places = new Set<number>()
  for (const index of key) {
    const { wire } = columns[index]!
    if (wire !== null) places.add(wire)
  }
  return places
}
