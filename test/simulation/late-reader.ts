/**
 * Who reads the files only: the newest load of a table, then every later row by `_order`.
 *
 * It has no ledger and knows no manifests beyond those that say where the files are, and must come to
 * the source all the same.
 */

import { BlockPool, ChangeCursor, OP } from '../../src/core/change-log.ts'
import { CodedError } from '../../src/core/errors.ts'
import type { ChangesEntry } from '../../src/core/manifest.ts'
import { diffShapes, type ShapeDiff } from '../../src/core/shape-diff.ts'
import type { Shape } from '../../src/core/table.ts'
import { LogReader } from '../../src/lake/log/log-reader.ts'
import { Shapes } from '../../src/lake/shapes.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { UNCHANGED, valuesOf } from '../support/tuples.ts'
import { ROLLUP_EVERY } from './actors.ts'
import { difference } from './equality.ts'
import { idOf, TABLES } from './scripted-database.ts'
import { Violation } from './violation.ts'
import type { World } from './world.ts'

type Values = Readonly<Record<string, string | null>>

/** A row of a file. */
interface LaterRow {
  readonly order: number
  readonly op: number
  readonly values: Readonly<Record<string, Read>>
}

export async function readFiles(world: World): Promise<void> {
  const store = new MemoryStore()
  for (const [key, bytes] of world.network.shelf.objects) await store.put(key, bytes)
  const shapes = new Shapes(store)
  const reader = new LogReader({ store, shapes, rollupEvery: ROLLUP_EVERY })
  for (const name of TABLES) {
    const view = new View(world, { reader, shapes }, name)
    const problem = difference(await read(view), world.database.state.get(name)!)
    if (problem !== null) throw new Violation('view', `${name}: ${problem}`)
  }
}

async function read(view: View): ReturnType<View['read']> {
  try {
    return await view.read()
  } catch (error) {
    throw error instanceof CodedError ? new Violation('data', error.message) : error
  }
}

class View {
  readonly #world: World
  readonly #lake: { readonly reader: LogReader; readonly shapes: Shapes }
  readonly #name: string
  readonly #rows = new Map<string, Values>()
  /** The row that was deleted last: a changed key keeps values of it. */
  #deleted: Values = {}

  constructor(world: World, lake: { reader: LogReader; shapes: Shapes }, name: string) {
    this.#world = world
    this.#lake = lake
    this.#name = name
  }

  async read(): Promise<{ shape: Shape; rows: Map<string, (string | null)[]> }> {
    const { shapes } = this.#lake
    const { state, manifests } = this.#world.audit
    const id = idOf(this.#name)
    const table = state.tables.get(id)!
    const load = table.newestLoad!
    const tick = await this.#load()
    const later = (await this.#laterRows()).filter(({ order }) => order > tick)
    const barriers = manifests.flatMap(({ entries }) =>
      entries.flatMap((entry) =>
        entry.type === 'shape' && entry.table === id && entry.position.lsn >= load.lsn
          ? [entry]
          : [],
      ),
    )
    let before = await shapes.read(load.shape)
    for (const step of [...barriers, ...later].toSorted(byOrder)) {
      if ('op' in step) {
        this.#apply(step)
        continue
      }
      const now = await shapes.read(step.shape)
      this.#alter(diffShapes(before, now), step.defaults)
      before = now
    }
    const shape = await shapes.read(table.shape)
    const rows = [...this.#rows].map(
      ([key, row]) => [key, shape.columns.map(({ name }) => row[name] ?? null)] as const,
    )
    return { shape, rows: new Map(rows) }
  }

  /** Takes the newest load; returns its tick. */
  async #load(): Promise<number> {
    const { reader, shapes } = this.#lake
    const { state, manifests } = this.#world.audit
    const id = idOf(this.#name)
    const load = state.tables.get(id)!.newestLoad!
    const shape = await shapes.read(load.shape)
    for (const part of await reader.loadParts({ ...load, table: id })) {
      for await (const { bytes, starts } of reader.readLoadPart(part, shape).read()) {
        for (const start of starts.slice(0, -1)) {
          const row = named(shape, valuesOf(bytes, start)) as Values
          this.#rows.set(row['id']!, row)
        }
      }
    }
    return manifests[load.since - 1]!.clock - 1
  }

  async #laterRows(): Promise<LaterRow[]> {
    const { state, manifests } = this.#world.audit
    const id = idOf(this.#name)
    const { lsn } = state.tables.get(id)!.newestLoad!
    const rows: LaterRow[] = []
    for (const { entries } of manifests) {
      for (const entry of entries) {
        if (entry.type === 'changes' && entry.table === id) {
          rows.push(...(await this.#rowsOf(entry, lsn)))
        }
      }
    }
    return rows
  }

  async #rowsOf(entry: ChangesEntry, from: bigint): Promise<LaterRow[]> {
    const { reader, shapes } = this.#lake
    const shape = await shapes.read(entry.shape)
    const changes = await reader.readChanges(entry, new BlockPool(0))
    const rows: LaterRow[] = []
    const cursor = new ChangeCursor()
    let order = entry.order
    for (const block of changes.blocks()) {
      cursor.open(block)
      while (cursor.next()) {
        const { op, bytes, start } = cursor
        const values = op === OP.truncate ? {} : named(shape, valuesOf(bytes, start))
        if (cursor.commitLsn >= from) rows.push({ order, op, values })
        order++
      }
    }
    return rows
  }

  #alter({ renamed, added }: ShapeDiff, defaults: Values): void {
    for (const [key, old] of this.#rows) {
      const row: Record<string, string | null> = { ...old }
      for (const { from } of renamed) delete row[from]
      for (const { from, to } of renamed) row[to] = old[from] ?? null
      for (const { name } of added) row[name] = defaults[name] ?? null
      this.#rows.set(key, row)
    }
  }

  #apply({ op, values }: LaterRow): void {
    if (op === OP.truncate) return this.#rows.clear()
    const key = String(values['id'])
    const old = this.#rows.get(key)
    if (op === OP.delete) {
      this.#deleted = old ?? {}
      this.#rows.delete(key)
      return
    }
    const source = op === OP.insert ? this.#deleted : (old ?? {})
    const filled = Object.entries(values).map(([name, value]) => [
      name,
      value === UNCHANGED ? (source[name] ?? null) : value,
    ])
    this.#rows.set(key, { ...old, ...(Object.fromEntries(filled) as Values) })
  }
}

type Read = string | null | typeof UNCHANGED

function named(shape: Shape, values: readonly Read[]): Record<string, Read> {
  const row: Record<string, Read> = {}
  for (const [i, { name }] of shape.columns.entries()) row[name] = values[i]!
  return row
}

function byOrder(a: { readonly order: number }, b: { readonly order: number }): number {
  return a.order - b.order
}
