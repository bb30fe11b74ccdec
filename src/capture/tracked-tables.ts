/**
 * The tables of the stream, by OID: their shape now, and what the log says about them.
 *
 * When a Relation message shows another shape or name than the log has, the table carries a barrier
 * until its next row, and the barrier goes into the log right before that row.
 */

import { fail } from '../core/errors.ts'
import type { Emit } from '../core/events.ts'
import { diffShapes, mergeShape, type WireColumn } from '../core/shape-diff.ts'
import { tableId, type Shape, type TableId, type TableName } from '../core/table.ts'
import type { Relation } from '../pgoutput/messages.ts'
import { ambiguitiesOf } from './ambiguity.ts'

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

export interface Barrier {
  readonly from: TableId
  readonly defaults: Defaults
  /** What of the change the log cannot tell. */
  readonly ambiguities: readonly string[]
}

type Defaults = Readonly<Record<string, string | null>>

/** What only the catalogs of the source know about a Relation message. */
export interface RelationCatalog {
  describe(relation: Relation): Promise<RelationFacts>
}

export interface RelationFacts {
  readonly columns: readonly WireColumn[]
  /** Names of the columns by which rows are found again. */
  readonly key: readonly string[]
  /** Text of rows that are older than the column, by column. */
  readonly missing: ReadonlyMap<string, string | null>
  /** Names of the columns that have a default, which may be computed for each row. */
  readonly computed: ReadonlySet<string>
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
  readonly emit?: Emit
}

export class TrackedTables {
  readonly #parts: TrackedTablesParts
  readonly #tables = new Map<number, TrackedTable>()
  readonly #inLog = new Map<number, KnownShape>()

  constructor(parts: TrackedTablesParts) {
    this.#parts = parts
  }

  get(oid: number): TrackedTable | undefined {
    return this.#tables.get(oid)
  }

  /** The newest shape of a table that the log has, or will have with its first row; `null` if none. */
  shapeOf(oid: number): Shape | null {
    return this.#inLog.get(oid)?.shape ?? null
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
    const former = this.#formerOf(id, relation.oid)
    const wire = { table: name, oid: relation.oid, columns: facts.columns, key: facts.key }
    const shape = mergeShape(known?.shape ?? null, wire)
    this.#tables.set(relation.oid, {
      id,
      shape,
      relation,
      isSelected: this.#parts.isSelected(name),
      keyPlaces: keyPlaces(shape),
      barrier: former
        ? { from: id, defaults: {}, ambiguities: ['it is another table of the same name'] }
        : known && barrier(known, { id, shape }, facts),
    })
    if (known === null && former === null) this.#inLog.set(relation.oid, { id, shape })
  }

  /** Whether the table has to be loaded again behind its barrier. */
  mustReload({ id, barrier: found }: TrackedTable): boolean {
    const changes = found?.ambiguities ?? []
    if (changes.length === 0) return false
    const { ddl = 'resync', emit } = this.#parts
    if (ddl === 'stop') {
      fail('DDL_AMBIGUOUS', `${id} was changed: ${changes.join('; ')}`, {
        hint: 'set source.ddl to resync, and the table is loaded again',
        details: { table: id },
      })
    }
    emit?.({ type: 'ddl-ambiguous', table: id, changes, isReloaded: ddl === 'resync' })
    return ddl === 'resync'
  }

  /** The table that had the name in the log, if it is not this one. */
  #formerOf(id: TableId, oid: number): KnownShape | null {
    if (this.#inLog.get(oid)?.id === id) return null
    return [...this.#inLog.values()].find((known) => known.id === id) ?? null
  }

  /** The barrier of the table is part of the log now. */
  passed(table: TrackedTable): void {
    const former = this.#formerOf(table.id, table.shape.oid)
    if (former !== null) {
      // It may live on under another name, as a table that is new to the log.
      this.#inLog.delete(former.shape.oid)
      const other = this.#tables.get(former.shape.oid)
      if (other !== undefined) other.barrier = null
    }
    table.barrier = null
    this.#inLog.set(table.shape.oid, { id: table.id, shape: table.shape })
  }
}

function barrier(
  before: KnownShape,
  now: KnownShape,
  facts: RelationFacts,
): TrackedTable['barrier'] {
  if (before.shape === now.shape && before.id === now.id) return null
  const defaults: Record<string, string | null> = {}
  const diff = diffShapes(before.shape, now.shape)
  for (const { name } of diff.added) {
    defaults[name] = facts.missing.get(name) ?? null
  }
  return { from: before.id, defaults, ambiguities: ambiguitiesOf(before.shape, diff, facts) }
}

function keyPlaces({ columns, key }: Shape): ReadonlySet<number> {
  const places = new Set<number>()
  for (const index of key) {
    const { wire } = columns[index]!
    if (wire !== null) places.add(wire)
  }
  return places
}
