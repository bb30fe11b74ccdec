/**
 * The tables of the stream, by OID: their shape now, and what the log says about them.
 *
 * When a Relation message shows another shape or name than the log has, the table carries a barrier
 * until its next row, and the barrier goes into the log right before that row.
 */

import { diffShapes, mergeShape } from '../core/shape-diff.ts'
import { tableId, type Shape, type TableId, type TableName } from '../core/table.ts'
import type { ColumnType } from '../core/type.ts'
import type { Relation } from '../pgoutput/messages.ts'

export interface TrackedTable {
  readonly id: TableId
  readonly isSelected: boolean
  readonly shape: Shape
  /** Places on the wire of the key columns. */
  readonly keyPlaces: ReadonlySet<number>
  readonly relation: Relation
  /** What the log must say before the next row. */
  barrier: { readonly from: TableId; readonly defaults: Defaults } | null
}

type Defaults = Readonly<Record<string, string | null>>

/** What only the catalogs of the source know about a Relation message. */
export interface RelationCatalog {
  describe(relation: Relation): Promise<RelationFacts>
}

export interface RelationFacts {
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[]
  /** Names of the columns by which rows are found again. */
  readonly key: readonly string[]
  /** Text of rows that are older than the column, by column. */
  readonly missing: ReadonlyMap<string, string | null>
}

/** What the log says about a table. */
export interface KnownShape {
  readonly id: TableId
  readonly shape: Shape
}

export interface TrackedTablesParts {
  readonly isSelected: (name: TableName) => boolean
  readonly catalog: RelationCatalog
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

  knows(relation: Relation): boolean {
    const known = this.#tables.get(relation.oid)
    return known !== undefined && isSameRelation(known.relation, relation)
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
    const wire = { table: name, oid: relation.oid, columns: facts.columns, key: facts.key }
    const shape = mergeShape(known?.shape ?? null, wire)
    this.#tables.set(relation.oid, {
      id,
      shape,
      relation,
      isSelected: this.#parts.isSelected(name),
      keyPlaces: keyPlaces(shape),
      barrier: known && barrier(known, { id, shape }, facts),
    })
    if (known === null) this.#inLog.set(relation.oid, { id, shape })
  }

  /** The barrier of the table is part of the log now. */
  passed(table: TrackedTable): void {
    table.barrier = null
    this.#inLog.set(table.shape.oid, { id: table.id, shape: table.shape })
  }
}

function barrier(
  before: KnownShape,
  now: KnownShape,
  { missing }: RelationFacts,
): TrackedTable['barrier'] {
  if (before.shape === now.shape && before.id === now.id) return null
  const defaults: Record<string, string | null> = {}
  for (const { name } of diffShapes(before.shape, now.shape).added) {
    defaults[name] = missing.get(name) ?? null
  }
  return { from: before.id, defaults }
}

function keyPlaces({ columns, key }: Shape): ReadonlySet<number> {
  const places = new Set<number>()
  for (const index of key) {
    const { wire } = columns[index]!
    if (wire !== null) places.add(wire)
  }
  return places
}

function isSameRelation(a: Relation, b: Relation): boolean {
  return (
    a.namespace === b.namespace &&
    a.name === b.name &&
    a.identity === b.identity &&
    a.columns.length === b.columns.length &&
    a.columns.every((column, i) => {
      const other = b.columns[i]!
      return (
        column.name === other.name &&
        column.typeOid === other.typeOid &&
        column.modifier === other.modifier &&
        column.isKey === other.isKey
      )
    })
  )
}
