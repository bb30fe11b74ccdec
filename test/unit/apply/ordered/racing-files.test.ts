/**
 * Random histories and settings: workers of one consumer write files of a log that still grows, while
 * their store fails, answers late, and carries out what a worker that is long dead has asked for. In
 * the end the lines of each table are those of a small model of its own, none lost and none repeated.
 *
 *   FILES_SEED=17 FILES_HISTORIES=1 node --import tsx --test test/unit/apply/ordered/racing-files.test.ts
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { CodedError, hasCode } from '../../../../src/core/errors.ts'
import type { Body, ObjectStore, PutOptions } from '../../../../src/core/object-store.ts'
import { seededRandom, type Random } from '../../../../src/demo/random.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import type { TestChange, Value } from '../../../support/tuples.ts'
import {
  insert,
  loadBegin,
  loadCancel,
  loadEnd,
  remove,
  ScriptedLog,
  update,
} from '../scripted-log.ts'
import { FilesDesk, filesOf } from './files-desk.ts'

const SEED = Number(process.env['FILES_SEED'] ?? 20_261_124)
const HISTORIES = Number(process.env['FILES_HISTORIES'] ?? 40)

const TABLES = ['a', 'b', 'c'] as const
type Table = (typeof TABLES)[number]

const SETTINGS = [
  '',
  'cdcMinFileSize=1',
  'maxFileSize=1;includeOpForFullLoad=true;addColumnName=true',
  'cdcInsertsOnly=true',
  'cdcInsertsAndUpdates=true;compressionType=GZIP',
  'datePartitionEnabled=true;datePartitionSequence=YYYYMMDDHH;datePartitionTimezone=Asia/Seoul',
  'preserveTransactions=true;cdcPath=stream',
  'preserveTransactions=true;cdcPath=stream;cdcMinFileSize=1',
] as const

for (let history = 0; history < HISTORIES; history++) {
  const seed = SEED + history
  test(`lines are neither lost nor repeated by workers that race and die (seed ${seed})`, async () => {
    const random = seededRandom(seed)
    const settings = `cdcMaxBatchInterval=3;${random.pick(SETTINGS)}`
    const writer = new Writer(random, random.upTo(3) === 1 ? 'cdc' : 'full-load-and-cdc')
    const place = new Place(random)
    let now = 0
    const workers = [1, 2].map(() => startWorker())
    for (let step = 0; step < 30; step++) {
      writer.write()
      now = writer.log.manifests.length * 1000 + random.upTo(5) * 1000
      await Promise.all(workers.map((_, i) => turn(i)))
      await place.carryOutLate()
    }
    writer.end()
    now = 1e12
    place.isCalm = true
    const last = startWorker()
    await last.desk.drain.drainOnce()
    await place.carryOutLate()
    check(await filesOf(place.store), writer, settings)

    function startWorker() {
      const life = { isDead: false }
      const store = place.storeOf(life)
      return { life, desk: new FilesDesk(writer.log, { store, settings, now: () => now }) }
    }

    async function turn(i: number): Promise<void> {
      const { desk, life } = workers[i]!
      if (random.upTo(8) === 1) desk.drain.hurry()
      try {
        await desk.drain.drainOnce()
      } catch (error) {
        assert.ok(hasCode(error, 'DISK_FULL'), String(error))
        life.isDead = true
      }
      if (random.upTo(6) === 1) life.isDead = true
      if (life.isDead) workers[i] = startWorker()
    }
  })
}

/** One bucket, as each of its users sees it. */
class Place {
  readonly store = new MemoryStore()
  isCalm = false
  readonly #random: Random
  #late: (() => Promise<void>)[] = []

  constructor(random: Random) {
    this.#random = random
  }

  storeOf(life: { isDead: boolean }): ObjectStore {
    const { store } = this
    return {
      url: store.url,
      put: (key, body, options) => this.#put(life, key, { body, options }),
      get: async (key) => {
        await this.#wait(life)
        return store.get(key)
      },
      read: (key) => store.read(key),
      list: (prefix, after) => store.list(prefix, after),
      delete: (key) => store.delete(key),
      localPath: () => null,
    }
  }

  /** What the dead have asked for happens all the same, some time. */
  async carryOutLate(): Promise<void> {
    const isDue = () => this.isCalm || this.#random.upTo(4) === 1
    const due = this.#late.filter(isDue)
    this.#late = this.#late.filter((late) => !due.includes(late))
    for (const late of due) await late()
  }

  async #put(
    life: { isDead: boolean },
    key: string,
    { body, options }: { body: Body; options: PutOptions | undefined },
  ): Promise<void> {
    await this.#wait(life)
    const luck = this.isCalm ? 0 : this.#random.upTo(30)
    if (luck === 1) throw broken()
    const bytes = await bytesOf(body)
    if (luck === 2) {
      life.isDead = true
      this.#late.push(() => this.store.put(key, bytes, options).catch(() => {}))
      throw broken()
    }
    await this.store.put(key, bytes, options)
    if (luck === 3) throw broken()
  }

  async #wait(life: { isDead: boolean }): Promise<void> {
    for (let i = this.#random.upTo(3); i > 0; i--) await Promise.resolve()
    if (life.isDead) throw broken()
  }
}

async function bytesOf(body: Body): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body)
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(piece)
  return Buffer.concat(pieces)
}

function broken(): CodedError {
  return new CodedError('DISK_FULL', 'no room')
}

interface OpenLoad {
  readonly table: Table
  readonly load: string
  readonly lsn: number
  readonly since: number
  readonly rows: string[][]
  /** Manifest of its begin. */
  at: number
}

interface Written {
  readonly n: number
  readonly change: TestChange
}

/** Writes a log, and knows what files of it must hold. */
class Writer {
  readonly log = new ScriptedLog()
  readonly loaded = new Map<Table, string[][]>()
  readonly lines = new Map<Table, TestChange[]>()
  readonly #random: Random
  readonly #mode: 'cdc' | 'full-load-and-cdc'
  readonly #written = new Map<Table, Written[]>()
  readonly #live = new Set<Table>()
  #open: OpenLoad | null = null
  #lsn = 100
  #key = 0
  #loads = 0

  constructor(random: Random, mode: 'cdc' | 'full-load-and-cdc') {
    this.#random = random
    this.#mode = mode
    for (const table of TABLES) {
      this.loaded.set(table, [])
      this.lines.set(table, [])
      this.#written.set(table, [])
      if (mode === 'cdc') this.#live.add(table)
    }
    this.log.open(mode, { to: [this.#lsn, 0], confirm: this.#lsn })
  }

  write(): void {
    for (let i = this.#random.upTo(4); i > 0; i--) this.#one()
  }

  end(): void {
    if (this.#open !== null) this.#endLoad(this.#open)
    if (this.#mode === 'cdc') return
    for (const table of TABLES) {
      if (this.#live.has(table)) continue
      this.#beginLoad(table)
      this.#endLoad(this.#open!)
    }
  }

  #one(): void {
    const luck = this.#random.upTo(10)
    if (luck === 1) this.log.heartbeat(this.#lsn + 1)
    else if (luck <= 3 && this.#mode !== 'cdc') this.#advanceLoad()
    else this.#transaction()
  }

  #transaction(): void {
    this.#lsn += 10
    const changes = new Map<Table, TestChange[]>()
    const count = this.#random.upTo(this.#random.upTo(5) === 1 ? 60 : 4)
    for (let k = 1; k <= count; k++) {
      const table = this.#random.pick(TABLES)
      changes.set(table, [...(changes.get(table) ?? []), ...this.#change(k)])
    }
    const n = this.log.manifests.length + 1
    const entries = [...changes].map(([table, list]) => this.log.rows(table, list))
    this.log.changes({ to: [this.#lsn, 2 * count + 1], entries })
    for (const [table, list] of changes) {
      for (const change of list) {
        this.#written.get(table)!.push({ n, change })
        if (this.#live.has(table)) this.lines.get(table)!.push(change)
      }
    }
  }

  #change(k: number): TestChange[] {
    const at = [this.#lsn, 2 * k] as const
    const key = String(++this.#key)
    const luck = this.#random.upTo(5)
    if (luck <= 2) return [insert(at, key, 'a text, "of" some length')]
    if (luck === 3) return [update(at, key, null)]
    if (luck === 4) return [remove(at, key)]
    return [remove(at, key), insert([this.#lsn, 2 * k + 1], `${key}n`, 'x')]
  }

  #advanceLoad(): void {
    if (this.#open === null) return this.#beginLoad(this.#random.pick(TABLES))
    if (this.#random.upTo(4) > 1) return this.#endLoad(this.#open)
    const { table, load, at } = this.#open
    this.log.changes({ entries: [loadCancel(table, load)] })
    if (this.#wasLive) {
      const held = this.#written.get(table)!.filter(({ n }) => n > at)
      this.lines.get(table)!.push(...held.map(({ change }) => change))
      this.#live.add(table)
    }
    this.#open = null
  }

  #wasLive = false

  #beginLoad(table: Table): void {
    const load = `L${++this.#loads}`
    const rows = Array.from({ length: this.#random.upTo(30) - 1 }, (_, i) => [
      `${load}-${i}`,
      'loaded',
    ])
    const since = this.log.manifests.length
    // Between the look at the head and the snapshot the source goes on.
    const isLate = this.#random.upTo(2) === 1
    if (isLate) this.#transaction()
    const lsn = this.#lsn + (this.#random.upTo(2) === 1 ? 0 : 5)
    const at = this.log.manifests.length + 1
    this.log.changes({ entries: [loadBegin(table, load, { lsn, since })] })
    this.#open = { table, load, lsn, since, rows, at }
    this.#wasLive = this.#live.delete(table)
  }

  #endLoad({ table, load, lsn, since, rows }: OpenLoad): void {
    const half = Math.floor(rows.length / 2)
    const parts = [rows.slice(0, half), rows.slice(half)]
    const entries = parts.map((part) => this.log.part(table, load, part))
    this.log.changes({ entries: [...entries, loadEnd(table, load)] })
    this.loaded.get(table)!.push(...rows)
    const above = this.#written
      .get(table)!
      .filter(({ n, change }) => n > since && change.lsn >= lsn)
    this.lines.get(table)!.push(...above.map(({ change }) => change))
    this.#live.add(table)
    this.#open = null
  }
}

const LETTER = { insert: 'I', update: 'U', delete: 'D', truncate: 'T' } as const

function check(files: Record<string, string>, writer: Writer, settings: string): void {
  const has = (name: string) => settings.includes(name)
  const quoted = (value: Value) => {
    if (typeof value !== 'string') return ''
    return value.includes('"') ? `"${value.replaceAll('"', '""')}"` : value
  }
  const names = Object.keys(files)
  const linesOf = (found: string[]) =>
    found
      .toSorted((x, y) => (x.slice(x.lastIndexOf('/')) < y.slice(y.lastIndexOf('/')) ? -1 : 1))
      .flatMap((name) => files[name]!.split('\n').slice(has('addColumnName') ? 1 : 0, -1))
  const stream = linesOf(names.filter((name) => name.startsWith('stream/')))
  for (const table of TABLES) {
    const own = names.filter((name) => name.startsWith(`app/${table}/`))
    const loads = linesOf(own.filter((name) => name.includes('/LOAD')))
    const op = has('includeOpForFullLoad') ? 'I,' : ''
    assert.deepEqual(
      loads,
      writer.loaded.get(table)!.map((row) => op + row.join(',')),
      `load of ${table}`,
    )
    const expected = writer.lines
      .get(table)!
      .filter(
        ({ op: kind, ordinal }) =>
          !has('cdcInsertsOnly') || (kind === 'insert' && ordinal % 2 === 0),
      )
      .filter(({ op: kind }) => !has('cdcInsertsAndUpdates') || kind !== 'delete')
      .map(({ op: kind, values }) => {
        const row = values.map(quoted).join(',')
        if (has('cdcInsertsOnly')) return row
        return `${LETTER[kind]},${has('cdcPath') ? `${table},app,` : ''}${row}`
      })
    const found = has('cdcPath')
      ? stream.filter((line) => line.split(',')[1] === table)
      : linesOf(own.filter((name) => !name.includes('/LOAD')))
    assert.deepEqual(found, expected, `changes of ${table} (${settings})`)
  }
}
