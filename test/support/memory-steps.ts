/** The steps of work on tables made of maps. A table is never changed, only replaced by another. */

import { CodedError, fail, unreachable } from '../../src/core/errors.ts'
import type { FoldedRow } from '../../src/core/fold.ts'
import { isAdded, VERSION_ORDER } from '../../src/core/mode.ts'
import { diffShapes } from '../../src/core/shape-diff.ts'
import { tableId, type Shape } from '../../src/core/table.ts'
import type { Step, TargetTable } from '../../src/core/target.ts'
import { UNCHANGED, valuesOf } from './tuples.ts'

export type MemoryRow = readonly (string | null)[]

export interface MemoryTable {
  readonly shape: Shape
  /** By key; each aligned with the columns of the shape. */
  readonly rows: ReadonlyMap<string, MemoryRow>
}

type Tables = Map<string, MemoryTable>
type StepOf<T extends Step['type']> = Step & { readonly type: T }

export function placeKey({ name, isShadow }: TargetTable): string {
  return isShadow ? `${tableId(name)} (shadow)` : tableId(name)
}

export async function applyStep(tables: Tables, step: Step): Promise<void> {
  switch (step.type) {
    case 'create':
      tables.set(placeKey(step.table), { shape: step.shape, rows: new Map() })
      return
    case 'drop':
      tables.delete(placeKey(step.table))
      return
    case 'truncate':
      tables.set(placeKey(step.table), { ...tableOf(tables, step.table), rows: new Map() })
      return
    case 'alter':
      return alter(tables, step)
    case 'swap':
      return move(tables, { name: step.name, isShadow: true }, { name: step.name, isShadow: false })
    case 'rename':
      return move(tables, { name: step.from, isShadow: false }, { name: step.to, isShadow: false })
    case 'fold':
      return fold(tables, step)
    case 'load':
      return load(tables, step)
    case 'mark':
      return mark(tables, step)
    case 'keep':
      return keep(tables, step)
    default:
      return unreachable(step)
  }
}

function tableOf(tables: Tables, table: TargetTable): MemoryTable {
  return (
    tables.get(placeKey(table)) ??
    fail('TARGET_FAILED', `there is no table ${placeKey(table)}`, {
      details: { table: tableId(table.name) },
    })
  )
}

function move(tables: Tables, from: TargetTable, to: TargetTable): void {
  const table = tableOf(tables, from)
  tables.delete(placeKey(from))
  tables.set(placeKey(to), table)
}

function alter(tables: Tables, { table, from, to, defaults }: StepOf<'alter'>): void {
  const { rows } = tableOf(tables, table)
  const added = new Set(diffShapes(from, to).added.map(({ name }) => name))
  const before = new Map(from.columns.map(({ name }, i) => [name, i]))
  const altered = [...rows.values()].map((row) =>
    to.columns.map((column, i) => {
      if (added.has(column.name)) return defaults[column.name] ?? null
      return row[isAdded(column) ? before.get(column.name)! : i] ?? null
    }),
  )
  tables.set(placeKey(table), { shape: to, rows: insertAll(to, new Map(), altered) })
}

/** Values are taken over before any row goes. */
function fold(tables: Tables, step: StepOf<'fold'>): void {
  const { table, shape, rows: folded } = step
  if (step.appends === true) return append(tables, step)
  const { rows } = tableOf(tables, table)
  const next = new Map(rows)
  const upserts: MemoryRow[] = []
  for (const row of folded) {
    const values = row.op === 'upsert' ? filled(row, shape, rows) : valuesOf(row.bytes, row.start)
    next.delete(keyOf(shape, values) ?? '')
    if (row.op === 'upsert') upserts.push(values.map((value) => textOf(value)))
  }
  tables.set(placeKey(table), { shape, rows: insertAll(shape, next, upserts) })
}

function append(tables: Tables, { table, shape, rows: versions }: StepOf<'fold'>): void {
  const { rows, shape: keyless } = tableOf(tables, table)
  const newest = new Map<string, MemoryRow>()
  const order = shape.columns.findIndex((column) => column.name === VERSION_ORDER)
  for (const row of [...rows.values()].toSorted((a, b) => Number(a[order]) - Number(b[order]))) {
    newest.set(keyOf(shape, row) ?? '', row)
  }
  const added: MemoryRow[] = []
  for (const row of versions) added.push(filled(row, shape, newest))
  tables.set(placeKey(table), { shape: keyless, rows: insertAll(keyless, new Map(rows), added) })
}

function mark(tables: Tables, { table, column, value }: StepOf<'mark'>): void {
  const { rows, shape } = tableOf(tables, table)
  const place = shape.columns.findIndex(({ name }) => name === column)
  const marked = [...rows].map(
    ([key, row]) => [key, row.map((was, i) => (i === place ? (was ?? value) : was))] as const,
  )
  tables.set(placeKey(table), { shape, rows: new Map(marked) })
}

function keep(tables: Tables, { name, by, marks }: StepOf<'keep'>): void {
  const shadow = tableOf(tables, { name, isShadow: true })
  const live = tables.get(placeKey({ name, isShadow: false }))
  const placeIn = (table: MemoryTable, column: string): number =>
    table.shape.columns.findIndex((one) => one.name === column && one.wire !== null)
  if (live === undefined || placeIn(live, marks?.column ?? by[0]!) < 0) return
  const nameOf = (table: MemoryTable, row: MemoryRow): string =>
    JSON.stringify(by.map((column) => row[placeIn(table, column)]))
  const known = new Set([...shadow.rows.values()].map((row) => nameOf(shadow, row)))
  const kept = [...live.rows.values()].filter((row) => !known.has(nameOf(live, row)))
  // Columns that only the live table has come along, in the places they had before they were dropped.
  const columns = shadow.shape.columns.map((column) =>
    column.wire === null && placeIn(live, column.name) >= 0 ? { ...column, wire: -1 } : column,
  )
  const rows = kept.map((row) =>
    columns.map((column) => {
      const value = row[placeIn(live, column.name)] ?? null
      return column.name === marks?.column ? (value ?? marks.value) : value
    }),
  )
  const shape = { ...shadow.shape, columns }
  const all = insertAll(shape, new Map(shadow.rows), rows)
  tables.set(placeKey({ name, isShadow: true }), { shape, rows: all })
}

function filled(
  { bytes, start, source }: FoldedRow,
  shape: Shape,
  rows: ReadonlyMap<string, MemoryRow>,
): MemoryRow {
  const key = source && keyOf(shape, valuesOf(source.bytes, source.start))
  const old = key === null ? undefined : rows.get(key)
  return valuesOf(bytes, start).map((value, i) => {
    if (value !== UNCHANGED) return value
    if (old === undefined) throw missing(shape)
    return old[i] ?? null
  })
}

function missing(shape: Shape): CodedError {
  const table = tableId(shape.table)
  return new CodedError('FILL_MISSING', `${table}: a row that keeps values is not there`, {
    details: { table },
  })
}

async function load(tables: Tables, { table, shape, part }: StepOf<'load'>): Promise<void> {
  const loaded: MemoryRow[] = []
  for await (const { bytes, starts } of part.read()) {
    for (const start of starts.slice(0, -1)) {
      loaded.push(valuesOf(bytes, start).map((value) => textOf(value)))
    }
  }
  if (loaded.length !== part.rows) {
    fail('LAKE_DAMAGED', `${part.path} has ${loaded.length} rows, not ${part.rows}`, {
      details: { table: tableId(table.name), path: part.path },
    })
  }
  const { rows } = tableOf(tables, table)
  tables.set(placeKey(table), { shape, rows: insertAll(shape, new Map(rows), loaded) })
}

function textOf(value: string | null | typeof UNCHANGED): string | null {
  return value === UNCHANGED ? fail('FILL_MISSING', 'a value that no row has') : value
}

/** Rows of a table without a key are numbered. A key that is there already is a bug of the caller. */
function insertAll(
  shape: Shape,
  into: Map<string, MemoryRow>,
  rows: Iterable<MemoryRow>,
): Map<string, MemoryRow> {
  for (const row of rows) {
    const key = keyOf(shape, row) ?? `row ${into.size}`
    if (into.has(key)) throw new Error(`the key ${key} of ${tableId(shape.table)} is there twice`)
    into.set(key, row)
  }
  return into
}

function keyOf(shape: Shape, values: readonly unknown[]): string | null {
  return shape.key.length === 0 ? null : JSON.stringify(shape.key.map((i) => values[i]))
}
