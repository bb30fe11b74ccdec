/**
 * What changed between two shapes of a table, and how the shape of the lake follows the wire.
 *
 * Columns are compared by name. The server says nothing of what happened to them, so a column that
 * was renamed is one that vanished and one that is new; what that means for rows that exist is for
 * others to decide.
 */

import { fail } from './errors.ts'
import type { Column, Shape, TableName } from './table.ts'
import type { ColumnType } from './type.ts'

export interface ShapeDiff {
  /** Columns that are new or have come back. */
  readonly added: readonly Column[]
  readonly dropped: readonly Column[]
  readonly retyped: readonly Retyped[]
  readonly keyChanged: boolean
  /** The name the table has now, if it is another. */
  readonly renamedTable: TableName | null
  /** Whether a target has nothing to do. */
  readonly isEqual: boolean
}

export interface Retyped {
  readonly name: string
  readonly from: ColumnType
  readonly to: ColumnType
}

/** The columns and the key of a table as the server announces them. */
export interface WireShape {
  readonly table: TableName
  readonly oid: number
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[]
  /** Names of the key columns. */
  readonly key: readonly string[]
}

export function diffShapes(from: Shape, to: Shape): ShapeDiff {
  const before = liveColumns(from)
  const after = liveColumns(to)
  const added = [...after.values()].filter(({ name }) => !before.has(name))
  const dropped = [...before.values()].filter(({ name }) => !after.has(name))
  const retyped: Retyped[] = []
  for (const { name, type } of after.values()) {
    const old = before.get(name)
    if (old && !isSameType(old.type, type)) retyped.push({ name, from: old.type, to: type })
  }
  const keyChanged = !isSameSet(keyNames(from), keyNames(to))
  const renamedTable = isSameTable(from.table, to.table) ? null : to.table
  const changes = added.length + dropped.length + retyped.length
  const isEqual = changes === 0 && !keyChanged && renamedTable === null
  return { added, dropped, retyped, keyChanged, renamedTable, isEqual }
}

/**
 * The shape of the lake for what the wire has now. Columns keep their places by name, new ones are
 * appended, and a vanished one keeps its empty place, which it takes again if it comes back. It is
 * `previous` itself if nothing has changed.
 */
export function mergeShape(previous: Shape | null, wire: WireShape): Shape {
  const places = new Map(wire.columns.map(({ name }, place) => [name, place]))
  const columns = (previous?.columns ?? []).map((old): Column => {
    const place = places.get(old.name)
    places.delete(old.name)
    return place === undefined
      ? { ...old, wire: null }
      : { name: old.name, type: wire.columns[place]!.type, wire: place }
  })
  for (const [name, place] of places) {
    columns.push({ name, type: wire.columns[place]!.type, wire: place })
  }
  const key = keyPlaces(columns, wire)
  const { table, oid } = wire
  const merged: Shape = { table, oid, number: (previous?.number ?? 0) + 1, columns, key }
  return previous && isSameShape(previous, merged) ? previous : merged
}

/** In the order of the columns: the server names them now in this order, now in that of an index. */
function keyPlaces(columns: readonly Column[], { key, table }: WireShape): number[] {
  const places = key.map((name) => {
    const place = columns.findIndex((column) => column.name === name && column.wire !== null)
    if (place >= 0) return place
    return fail('PROTOCOL_VIOLATION', `${table.name} has no column "${name}", which is in its key`)
  })
  return places.toSorted((a, b) => a - b)
}

function liveColumns({ columns }: Shape): Map<string, Column> {
  return new Map(columns.filter(({ wire }) => wire !== null).map((column) => [column.name, column]))
}

function keyNames({ key, columns }: Shape): string[] {
  return key.map((place) => columns[place]!.name)
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name))
}

function isSameTable(a: TableName, b: TableName): boolean {
  return a.namespace === b.namespace && a.name === b.name
}

function isSameType(a: ColumnType, b: ColumnType): boolean {
  if (a.oid !== b.oid || a.name !== b.name || a.modifier !== b.modifier) return false
  if (a.element && b.element) return isSameType(a.element, b.element)
  return a.element === b.element
}

/** Equal in everything but the number, places on the wire included. */
function isSameShape(a: Shape, b: Shape): boolean {
  return (
    isSameTable(a.table, b.table) &&
    a.oid === b.oid &&
    isSameSet(keyNames(a), keyNames(b)) &&
    a.columns.length === b.columns.length &&
    a.columns.every(({ name, type, wire }, i) => {
      const other = b.columns[i]!
      return name === other.name && wire === other.wire && isSameType(type, other.type)
    })
  )
}
