/**
 * What changed between two shapes of a table, and how the shape of the lake follows the wire.
 *
 * The stream says nothing of what happened to columns. With their numbers from the catalog a renamed
 * column is known by its number, and one that took the name of another by having another. Without
 * numbers columns are compared by name, so a renamed one is one that vanished and one that is new.
 */

import { fail } from './errors.ts'
import { isAdded } from './mode.ts'
import { isSameNarrowing, type Narrowing } from './narrowing.ts'
import type { Column, Shape, TableName } from './table.ts'
import type { ColumnType } from './type.ts'

export interface ShapeDiff {
  /** Columns that are new, have come back, or stand where another of their name stood. */
  readonly added: readonly Column[]
  readonly dropped: readonly Column[]
  readonly renamed: readonly Renamed[]
  /** By the names that the columns have now. */
  readonly retyped: readonly Retyped[]
  readonly keyChanged: boolean
  /** The name the table has now, if it is another. */
  readonly renamedTable: TableName | null
  /** Whether a target has nothing to do. */
  readonly isEqual: boolean
}

export interface Renamed {
  readonly from: string
  readonly to: string
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
  readonly columns: readonly WireColumn[]
  /** Names of the key columns. */
  readonly key: readonly string[]
  readonly narrowing?: Narrowing
}

export interface WireColumn {
  readonly name: string
  readonly type: ColumnType
  readonly attnum?: number
}

export function diffShapes(from: Shape, to: Shape): ShapeDiff {
  const renamed = renames(from, to)
  const names = new Map(renamed.map((pair) => [pair.from, pair.to]))
  const nameNow = (name: string): string => names.get(name) ?? name
  const before = liveColumns(from, nameNow)
  const after = liveColumns(to)
  const isOther = (a: Column | undefined, b: Column | undefined): boolean =>
    a === undefined || b === undefined || (from.oid === to.oid && isReplaced(a, b))
  const added = [...after.values()].filter((now) => isOther(before.get(now.name), now))
  const dropped = [...before].flatMap(([name, was]) => (isOther(was, after.get(name)) ? [was] : []))
  const retyped: Retyped[] = []
  for (const now of after.values()) {
    const { name, type } = now
    const old = before.get(name)
    if (old === undefined || isOther(old, now) || isSameType(old.type, type)) continue
    retyped.push({ name, from: old.type, to: type })
  }
  const keyChanged = !isSameSet(keyNames(from).map(nameNow), keyNames(to))
  const renamedTable = isSameTable(from.table, to.table) ? null : to.table
  const changes = added.length + dropped.length + renamed.length + retyped.length
  const isEqual = changes === 0 && !keyChanged && renamedTable === null
  return { added, dropped, renamed, retyped, keyChanged, renamedTable, isEqual }
}

/**
 * The shape of the lake for what the wire has now. Columns keep their places by number or by name, new
 * ones are appended, and a vanished one keeps its empty place, which it takes again if it comes back.
 * It is `previous` itself if nothing has changed.
 */
export function mergeShape(previous: Shape | null, wire: WireShape): Shape {
  const places = new Map(wire.columns.map(({ name }, place) => [name, place]))
  const names = newNames(previous, wire)
  const columns = (previous?.columns ?? []).map((old): Column => {
    const name = names.get(old.name) ?? old.name
    const place = places.get(name)
    if (place === undefined) return { ...old, wire: null }
    places.delete(name)
    return liveColumn(wire.columns[place]!, place, old.attnum)
  })
  for (const place of places.values()) columns.push(liveColumn(wire.columns[place]!, place))
  const key = keyPlaces(columns, wire)
  const { table, oid, narrowing } = wire
  const number = (previous?.number ?? 0) + 1
  const merged: Shape = { table, oid, number, columns, key, ...(narrowing && { narrowing }) }
  return previous && isSameShape(previous, merged) ? previous : merged
}

function liveColumn({ name, type, attnum }: WireColumn, wire: number, before?: number): Column {
  const number = attnum ?? before
  return { name, type, wire, ...(number !== undefined && { attnum: number }) }
}

/**
 * The columns that were renamed, from old name to new. Two columns of a shape never have one name, so
 * a new name that also belongs to a column which is gone makes it a dropped column and a new one.
 */
function newNames(previous: Shape | null, wire: WireShape): Map<string, string> {
  const names = new Map<string, string>()
  if (previous === null || previous.oid !== wire.oid) return names
  const byNumber = new Map(wire.columns.map(({ attnum, name }) => [attnum, name]))
  for (const { name, attnum, wire: place } of previous.columns) {
    const now = attnum === undefined || place === null ? undefined : byNumber.get(attnum)
    if (now !== undefined && now !== name) names.set(name, now)
  }
  const known = new Set(previous.columns.map(({ name }) => name))
  const isTaken = ([, to]: readonly [string, string]): boolean => known.has(to) && !names.has(to)
  for (let pair; (pair = [...names].find(isTaken)) !== undefined;) names.delete(pair[0])
  return names
}

/** A renamed column keeps its place among the columns of a table. */
function renames(from: Shape, to: Shape): Renamed[] {
  if (from.oid !== to.oid) return []
  return from.columns.flatMap((old, i) => {
    const now = to.columns[i]
    const isLive = now !== undefined && now.wire !== null && old.wire !== null
    if (!isLive || now.name === old.name || isAdded(now) || isAdded(old)) return []
    return [{ from: old.name, to: now.name }]
  })
}

/** Another column that has the name of one that is gone. */
function isReplaced(a: Column, b: Column): boolean {
  return a.attnum !== undefined && b.attnum !== undefined && a.attnum !== b.attnum
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

function liveColumns(
  { columns }: Shape,
  nameOf: (name: string) => string = (name) => name,
): Map<string, Column> {
  const live = columns.filter(({ wire }) => wire !== null)
  return new Map(live.map((column) => [nameOf(column.name), column]))
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
    isSameNarrowing(a.narrowing, b.narrowing) &&
    a.columns.length === b.columns.length &&
    a.columns.every(({ name, type, wire, attnum }, i) => {
      const other = b.columns[i]!
      const isSamePlace = name === other.name && wire === other.wire && attnum === other.attnum
      return isSamePlace && isSameType(type, other.type)
    })
  )
}
