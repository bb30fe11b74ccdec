/**
 * Random histories: two workers of one consumer drain a log that is still being written, one step at
 * a time, and are killed anywhere. After every step each table that is not passed by equals the source
 * where the ledger is; at the end all do.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Entry } from '../../../src/core/manifest.ts'
import { tableName, type TableId } from '../../../src/core/table.ts'
import { MemoryPlace, type PausePoint } from '../../support/memory-target.ts'
import { UNCHANGED, type TestChange } from '../../support/tuples.ts'
import { Desk } from './desk.ts'
import {
  id,
  insert,
  loadBegin,
  loadCancel,
  loadEnd,
  remove,
  ScriptedLog,
  type ManifestOptions,
  truncate,
  update,
} from './scripted-log.ts'

const HISTORIES = 150
const NAMES = ['a', 'b', 'c'] as const
type Name = (typeof NAMES)[number]
type Rows = ReadonlyMap<string, string>
type Source = Readonly<Record<Name, Rows>>

/** mulberry32: the same numbers for the same seed. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * below)
  }
}

interface OpenLoad {
  readonly name: Name
  readonly load: string
  readonly rows: [string, string][]
  readonly lsn: number
  readonly since: number
  isBegun: boolean
}

/** A transaction of the source, as capture will write it. */
interface Pending {
  readonly manifests: readonly ManifestOptions[]
  readonly source: Source
}

/** A source and its capture: writes transactions, cut anywhere, and loads into the log, some time later. */
class Writer {
  readonly log = new ScriptedLog()
  /** The source after each manifest that ends a transaction. */
  readonly sourceAt = new Map<number, Source>()
  readonly #draw: (below: number) => number
  #source: Source = { a: new Map(), b: new Map(), c: new Map() }
  #lsn = 100
  #loads = 0
  #values = 0
  #open: OpenLoad | null = null
  /** The source where the log is. */
  #written: Source = this.#source
  readonly #pending: Pending[] = []
  readonly #loaded = new Set<Name>()

  constructor(draw: (below: number) => number) {
    this.#draw = draw
    this.log.open('full-load-and-cdc', { to: [this.#lsn, 0], confirm: this.#lsn })
    this.#note()
  }

  step(): void {
    const what = this.#draw(16)
    if (what < 6) this.#transaction()
    else if (what < 11) this.#flush()
    else if (what < 15) this.#load()
    else if (this.#pending.length === 0) this.#heartbeat()
  }

  /** What is needed so that every table can join. */
  finish(): void {
    while (this.#open !== null || this.#loaded.size < NAMES.length) this.#load()
    while (this.#pending.length > 0) this.#flush()
    this.#heartbeat()
  }

  #transaction(): void {
    this.#lsn += 1 + this.#draw(3)
    const at = this.#lsn
    const manifests: ManifestOptions[] = []
    const entries: Entry[] = []
    let ordinal = 0
    const files = 1 + this.#draw(3)
    for (let file = 0; file < files; file++) {
      const name = this.#anyName()
      const count = 1 + this.#draw(3)
      const changes: TestChange[] = []
      for (let i = 0; i < count; i++) changes.push(...this.#change(name, [at, (ordinal += 2)]))
      entries.push(this.log.rows(name, changes))
      if (this.#draw(8) === 0) entries.push(this.#truncate(name, [at, (ordinal += 2)]))
      if (file < files - 1 && this.#draw(3) === 0) {
        manifests.push({ to: [at, ordinal, 'half'], entries: entries.splice(0) })
      }
    }
    manifests.push({ to: [at, ordinal], entries })
    this.#pending.push({ manifests, source: this.#source })
  }

  /** Writes the next transaction to the log. */
  #flush(): void {
    const next = this.#pending.shift()
    if (next === undefined) return
    for (const manifest of next.manifests) this.log.changes(manifest)
    this.#written = next.source
    this.#note()
  }

  #change(name: Name, at: readonly [number, number]): TestChange[] {
    const rows = new Map(this.#source[name])
    const key = String(this.#draw(5))
    const old = rows.get(key)
    const value = `v${this.#values++}`
    const what = this.#draw(4)
    this.#source = { ...this.#source, [name]: rows }
    if (old === undefined) {
      rows.set(key, value)
      return [insert(at, key, value)]
    }
    if (what === 0) {
      rows.delete(key)
      return [remove(at, key)]
    }
    const other = String(this.#draw(5))
    if (what === 1 && !rows.has(other)) {
      rows.delete(key)
      rows.set(other, old)
      return [remove(at, key), insert([at[0], at[1] + 1], other, UNCHANGED)]
    }
    const isKept = what === 2
    if (!isKept) rows.set(key, value)
    return [update(at, key, isKept ? UNCHANGED : value)]
  }

  #truncate(name: Name, at: readonly [number, number]): Entry {
    this.#source = { ...this.#source, [name]: new Map() }
    return truncate(name, at)
  }

  /** Takes the snapshot of a load, tells its beginning, writes a part of it, or ends it. */
  #load(): void {
    const open = this.#open
    if (open === null) {
      const name = NAMES.find((any) => !this.#loaded.has(any)) ?? this.#anyName()
      const load = `L${this.#loads++}`
      const since = this.log.manifests.length
      const rows = [...this.#source[name]]
      this.#open = { name, load, rows, lsn: this.#lsn + 1, since, isBegun: false }
    } else if (!open.isBegun) {
      open.isBegun = true
      this.#write([loadBegin(open.name, open.load, open)])
    } else if (this.#draw(12) === 0) {
      this.#open = null
      this.#write([loadCancel(open.name, open.load)])
    } else if (open.rows.length > 0) {
      const rows = open.rows.splice(0, 1 + this.#draw(3))
      this.#write([this.log.part(open.name, open.load, rows)])
    } else {
      this.#open = null
      this.#loaded.add(open.name)
      this.#write([loadEnd(open.name, open.load)])
    }
  }

  #heartbeat(): void {
    this.#lsn += 2
    this.log.heartbeat(this.#lsn)
    this.#note()
  }

  #write(entries: readonly Entry[]): void {
    this.log.changes({ entries })
    this.#note()
  }

  #note(): void {
    this.sourceAt.set(this.log.manifests.length, this.#written)
  }

  #anyName(): Name {
    return NAMES[this.#draw(NAMES.length)]!
  }
}

class Killed extends Error {}

/** One thing that a worker does, held at every point where it would wait. */
class Worker {
  readonly desk: Desk
  #go: ((error: Error | null) => void) | null = null
  #done: Promise<void> | null = null

  constructor(log: ScriptedLog, place: MemoryPlace, draw: (below: number) => number) {
    const limits = { rows: 1 + draw(6), bytes: 1e6, manifests: 1 + draw(5) }
    const pause = (point: PausePoint) => (point === 'open' ? Promise.resolve() : this.#wait())
    this.desk = new Desk(log, { place, limits, pause })
  }

  /** Lets it go on to its next point; begins something if it does nothing. */
  async step(begin: () => Promise<unknown>, isKilled: boolean): Promise<void> {
    this.#done ??= begin().then(
      () => this.#end(),
      (error: unknown) => {
        this.#end()
        if (!(error instanceof Killed)) throw error
      },
    )
    this.#done.catch(() => {})
    await new Promise((resolve) => setImmediate(resolve))
    this.#go?.(isKilled ? new Killed() : null)
    await new Promise((resolve) => setImmediate(resolve))
    if (this.#failed !== null) throw this.#failed
  }

  #failed: unknown = null

  #end(): void {
    this.#done = null
    this.#go = null
  }

  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#go = (error) => {
        this.#go = null
        if (error) reject(error)
        else resolve()
      }
    })
  }
}

async function check(writer: Writer, desk: Desk): Promise<void> {
  const ledger = desk.target.place.ledgers.get('shop/memory')?.ledger
  if (!ledger || ledger.n === 0) return
  const source = writer.sourceAt.get(ledger.n)
  assert.ok(source, `manifest ${ledger.n} does not end a transaction`)
  for (const [table] of ledger.tables) {
    if (ledger.stragglers.get(table)?.isPassed) continue
    assert.equal(
      desk.rows(nameOf(table)),
      inWords(source[nameOf(table)]),
      `${table} at ${ledger.n}`,
    )
  }
}

function nameOf(table: TableId): Name {
  return tableName(table).name as Name
}

function inWords(rows: Rows): string {
  return [...rows]
    .map((row) => row.join('='))
    .toSorted()
    .join(' ')
}

async function history(seed: number): Promise<{ kills: number; joins: number }> {
  const draw = random(seed)
  const writer = new Writer(draw)
  const place = new MemoryPlace()
  const counts = { kills: 0, joins: 0 }
  let workers = [0, 1].map(() => new Worker(writer.log, place, draw))
  const free = new Desk(writer.log, { place })
  await free.applier.open()
  for (let i = 0; i < 250; i++) {
    if (draw(6) === 0) writer.step()
    const w = draw(2)
    const worker = workers[w]!
    const isKilled = draw(25) === 0
    const { applier } = worker.desk
    const table = id(NAMES[draw(3)]!)
    await worker.step(
      () => (draw(2) === 0 ? applier.takeBatch() : applier.advanceStraggler(table)),
      isKilled,
    )
    if (isKilled) {
      counts.kills++
      workers = workers.with(w, new Worker(writer.log, place, draw))
    }
    await check(writer, free)
  }
  writer.finish()
  const last = new Desk(writer.log, { place })
  await last.applier.drainOnce()
  const { stragglers, tables, n } = await last.ledger()
  assert.equal(stragglers.size, 0)
  counts.joins += tables.size
  const source = writer.sourceAt.get(n)!
  for (const name of NAMES) assert.equal(last.rows(name), inWords(source[name]))
  return counts
}

describe('two workers of one consumer', () => {
  test(`agree with the source in ${HISTORIES} random histories`, async () => {
    const total = { kills: 0, joins: 0 }
    for (let seed = 1; seed <= HISTORIES; seed++) {
      try {
        const { kills, joins } = await history(seed)
        total.kills += kills
        total.joins += joins
      } catch (error) {
        throw new Error(`history ${seed}: ${String(error)}`, { cause: error })
      }
    }
    assert.ok(total.kills > HISTORIES && total.joins === 3 * HISTORIES, JSON.stringify(total))
  })
})
