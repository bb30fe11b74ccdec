import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { CodedError } from '../../../../src/core/errors.ts'
import { lsn } from '../../../../src/core/lsn.ts'
import type { ChangesEntry, Entry, LoadEntry } from '../../../../src/core/manifest.ts'
import type { Body, PutOptions } from '../../../../src/core/object-store.ts'
import type { TableId } from '../../../../src/core/table.ts'
import { changesKey, loadKey, manifestKey } from '../../../../src/lake/layout.ts'
import { LogReader } from '../../../../src/lake/log/log-reader.ts'
import { LogWriter } from '../../../../src/lake/log/log-writer.ts'
import { Shapes } from '../../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import { collect } from '../../../support/collect.ts'
import { loadBegin, RUN } from '../../../support/manifests.ts'
import { wire } from '../../../support/wire.ts'
import { Feed } from '../../capture/feed.ts'

const CUSTOMERS = 'public.customers' as TableId
const START = { lsn: lsn(0x50n), timeline: 3 }
/** 2026-11-23 10:00:00 UTC, and the same as the server counts. */
const NOON = 1_795_428_000_000
const COMMITTED_AT = BigInt((NOON - 946_684_800_000) * 1000)

class Lake {
  readonly store: FailingStore
  readonly shapes: Shapes
  readonly reader: LogReader
  readonly feed = new Feed()
  nowMs = NOON

  constructor(store = new FailingStore()) {
    this.store = store
    this.shapes = new Shapes(store)
    this.reader = new LogReader({ store, shapes: this.shapes, rollupEvery: 1000 })
  }

  writer(name = 'w1'): LogWriter {
    const { store, shapes, reader } = this
    const clock = { now: () => this.nowMs, sleep: async () => {} }
    const parts = { store, shapes, reader, rollups: reader.rollups, clock }
    return new LogWriter({ ...parts, writer: name, format: 'csv' })
  }

  async open(name = 'w1'): Promise<LogWriter> {
    const writer = this.writer(name)
    await writer.open(await this.reader.recover(), RUN, START)
    return writer
  }

  /** A batch of what the messages say, which make one transaction. */
  async batch(commitLsn: bigint, ...messages: Buffer[]) {
    await this.feed.take(
      wire.begin({ commitLsn, committedAt: COMMITTED_AT }),
      ...messages,
      wire.commit({ commitLsn, endLsn: commitLsn + 8n }),
    )
    return this.feed.pending.take()
  }

  async text(path: string): Promise<string> {
    return String(await this.store.get(path))
  }
}

/** Fails a put whose key matches, before or after it took effect. */
class FailingStore extends MemoryStore {
  fails: RegExp | null = null
  failsAfter: RegExp | null = null

  override async put(key: string, body: Body, options?: PutOptions): Promise<void> {
    if (this.fails?.test(key)) throw new CodedError('DISK_FULL', key)
    await super.put(key, body, options)
    if (this.failsAfter?.test(key)) throw new CodedError('OBJECT_EXISTS', key)
  }
}

const relation = wire.relation({ oid: 1, name: 'customers', columns: ['id', 'name'] })
const orders = wire.relation({ oid: 2, name: 'orders', columns: ['id'] })
const ada = wire.insert(1, ['1', 'Ada'])
const isFile = (entry: Entry): entry is ChangesEntry => entry.type === 'changes'

describe('opening', () => {
  test('an empty lake begins where the slot stands, at our own time', async () => {
    const lake = new Lake()
    const { state } = await lake.open()
    const manifest = await lake.reader.manifest(1)
    assert.equal(manifest?.kind, 'open')
    assert.deepEqual(state.to, { lsn: 0x50n, ordinal: 0, end: true })
    assert.equal(state.confirm, 0x50n)
    assert.equal(state.timeline, 3)
    assert.equal(state.clock, NOON * 1000 + 1)
    assert.equal(state.generation, 1)
  })

  test('a lake with a log goes on from its head, whatever the slot says', async () => {
    const lake = new Lake()
    const first = await lake.open()
    await first.write({ changes: await lake.batch(0x100n, relation, ada), loads: [] })
    const { state } = await lake.open('w2')
    assert.deepEqual(state.to, { lsn: 0x100n, ordinal: 2, end: true })
    assert.equal(state.confirm, 0x108n)
    assert.equal(state.generation, 3)
  })

  test('resolves to its manifest', async () => {
    const lake = new Lake()
    const manifest = await lake.writer().open(await lake.reader.recover(), RUN, START)
    assert.deepEqual(manifest, await lake.reader.manifest(1))
  })

  test('is needed before anything else', () => {
    assert.throws(() => new Lake().writer().state, { code: 'LAKE_MISSING' })
  })
})

describe('writing', () => {
  test('stores the rows of each table in a file and names it', async () => {
    const lake = new Lake()
    const writer = await lake.open()
    const changes = await lake.batch(0x100n, relation, ada, orders, wire.insert(2, ['7']), ada)
    const { manifest, bytes } = await writer.write({ changes, loads: [] })
    assert.equal(manifest.n, 2)
    assert.deepEqual(manifest.to, { lsn: 0x100n, ordinal: 6, end: true })
    assert.equal(manifest.confirm, 0x108n)
    const named = manifest.entries.filter(isFile)
    assert.deepEqual(
      named.map(({ table, rows, first, last, path }) => [
        table,
        rows.i,
        first.ordinal,
        last.ordinal,
        path,
      ]),
      [
        [CUSTOMERS, 2, 2, 6, 'public/customers/cdc/dt=2026-11-23/00000000000000000002-g1.csv'],
        ['public.orders', 1, 4, 4, 'public/orders/cdc/dt=2026-11-23/00000000000000000002-g1.csv'],
      ],
    )
    const [customers] = named
    assert.equal(
      await lake.text(customers!.path),
      'Op,_order,_lsn,_seq,_committed_at,_unchanged,id,name\n' +
        `I,${customers!.order},256,2,2026-11-23 10:00:00.000000,,1,Ada\n` +
        `I,${customers!.order + 1},256,6,2026-11-23 10:00:00.000000,,1,Ada\n`,
    )
    assert.equal(bytes, named[0]!.bytes + named[1]!.bytes)
  })

  test('gives the ticks in the order of the entries, and leaves one unused a manifest', async () => {
    const lake = new Lake()
    const writer = await lake.open()
    for (let i = 1n; i <= 3n; i++) {
      const before = writer.state.clock
      const changes = await lake.batch(
        0x100n * i,
        relation,
        ada,
        ada,
        orders,
        wire.insert(2, ['7']),
      )
      const { manifest } = await writer.write({ changes, loads: [] })
      const [first, second] = manifest.entries.filter(isFile)
      assert.ok(first!.order >= before)
      assert.equal(second!.order, first!.order + 2)
      assert.equal(manifest.clock, second!.order + 2)
    }
  })

  test('a barrier cuts the file, and each part has its own name and tick', async () => {
    const lake = new Lake()
    const writer = await lake.open()
    const grown = wire.relation({ oid: 1, name: 'customers', columns: ['id', 'name', 'age'] })
    const bob = wire.insert(1, ['2', 'Bob', '3'])
    const changes = await lake.batch(0x100n, relation, ada, grown, bob, bob)
    const { manifest } = await writer.write({ changes, loads: [] })
    const [before, barrier, after] = manifest.entries
    assert.ok(before?.type === 'changes' && barrier?.type === 'shape' && after?.type === 'changes')
    assert.equal(barrier.order, before.order + 1)
    assert.equal(after.order, before.order + 2)
    assert.match(after.path, /-g1-1\.csv$/)
    assert.notEqual(before.shape, after.shape)
    assert.equal(barrier.shape, after.shape)
    assert.deepEqual(await lake.shapes.read(after.shape), lake.feed.tables.shapeOf(1))
  })

  test('a truncate has the tick of its T row, which ends the file before it', async () => {
    const lake = new Lake()
    const writer = await lake.open()
    const changes = await lake.batch(0x100n, relation, ada, wire.truncate([1]), ada)
    const { manifest } = await writer.write({ changes, loads: [] })
    const [before, truncate, after] = manifest.entries
    assert.ok(
      before?.type === 'changes' && truncate?.type === 'truncate' && after?.type === 'changes',
    )
    assert.equal(truncate.order, before.order + 1)
    assert.deepEqual(before.last, truncate.position)
    const lines = (await lake.text(before.path)).trim().split('\n')
    assert.ok(lines.at(-1)?.startsWith(`T,${truncate.order},256,4,`))
    assert.equal(after.order, truncate.order + 1)
  })

  test('entries of loads stand first, and alone leave the position as it is', async () => {
    const lake = new Lake()
    const writer = await lake.open()
    const shape = await writer.writeShape((await shapeOfCustomers(lake))!)
    const begin: LoadEntry = { ...loadBegin('l1'), table: CUSTOMERS, shape }
    const { manifest } = await writer.write({ changes: null, loads: [begin] })
    assert.deepEqual(manifest.entries, [begin])
    assert.deepEqual(manifest.to, { lsn: 0x50n, ordinal: 0, end: true })
    assert.equal(manifest.confirm, 0x50n)
    const both = await writer.write({
      changes: await lake.batch(0x100n, ada),
      loads: [{ type: 'load-end', table: CUSTOMERS, load: 'l1', rows: 0 }],
    })
    assert.deepEqual(
      both.manifest.entries.map(({ type }) => type),
      ['load-end', 'changes'],
    )
  })

  test('what is confirmed does not go back where a batch ends in the middle of a transaction', async () => {
    const lake = new Lake()
    const writer = await lake.open()
    await writer.heartbeat(lsn(0x90n))
    await lake.feed.take(wire.begin({ commitLsn: 0x100n }), relation, ada)
    const { manifest } = await writer.write({ changes: lake.feed.pending.take(), loads: [] })
    assert.deepEqual(manifest.to, { lsn: 0x100n, ordinal: 2, end: false })
    assert.equal(manifest.confirm, 0x90n)
  })

  test('a commit time far ahead of our clock is taken for a minute ahead, and told', async () => {
    const lake = new Lake()
    const writer = await lake.open()
    lake.nowMs = NOON - 3_600_000
    const changes = await lake.batch(0x100n, relation, ada)
    const { manifest, ahead } = await writer.write({ changes, loads: [] })
    const [entry] = manifest.entries
    assert.ok(entry?.type === 'changes')
    assert.equal(entry.order, Math.max((NOON - 3_540_000) * 1000, NOON * 1000 + 1))
    assert.deepEqual(ahead, { files: 1, ms: 3_600_000 })
    lake.nowMs = NOON
    const next = await lake.batch(0x200n, relation, ada)
    assert.equal((await writer.write({ changes: next, loads: [] })).ahead, null)
  })

  test('a heartbeat stands before any transaction that commits at its place', async () => {
    const lake = new Lake()
    const manifest = await (await lake.open()).heartbeat(lsn(0x90n))
    assert.equal(manifest.kind, 'heartbeat')
    assert.deepEqual(manifest.to, { lsn: 0x90n, ordinal: 0, end: true })
    assert.equal(manifest.confirm, 0x90n)
  })

  test('no manifest is written when a data file could not be', async () => {
    const lake = new Lake()
    const writer = await lake.open()
    lake.store.fails = /orders/
    const changes = await lake.batch(0x100n, relation, ada, orders, wire.insert(2, ['7']))
    await assert.rejects(writer.write({ changes, loads: [] }), { code: 'DISK_FULL' })
    assert.equal(await lake.reader.manifest(2), null)
    assert.equal(writer.state.n, 1)
  })
})

describe('the day of a file', () => {
  const DAY_MS = 86_400_000

  test('is that of its writing', async () => {
    const lake = new Lake()
    const writer = await lake.open()
    lake.nowMs += DAY_MS
    const { manifest } = await writer.write({
      changes: await lake.batch(0x100n, relation, ada),
      loads: [],
    })
    assert.match(manifest.entries.filter(isFile)[0]!.path, /dt=2026-11-24/)
  })

  test('never goes back when our clock does, over restarts too', async () => {
    const lake = new Lake()
    await (await lake.open()).write({ changes: await lake.batch(0x100n, relation, ada), loads: [] })
    lake.nowMs -= 3 * DAY_MS
    const writer = await lake.open()
    const { manifest } = await writer.write({ changes: await lake.batch(0x200n, ada), loads: [] })
    assert.match(manifest.entries.filter(isFile)[0]!.path, /dt=2026-11-23/)
  })

  test('is not later than that of its manifest, if the clock goes back while it is written', async () => {
    // Files took the day of the moment, the manifest that of its end; when the clock was set back
    // over midnight in between, the next manifest went back to the day before.
    const lake = new Lake()
    const writer = await lake.open()
    lake.nowMs += DAY_MS
    const changes = await lake.batch(0x100n, relation, ada)
    const put = lake.store.put.bind(lake.store)
    lake.store.put = async (...args) => {
      await put(...args)
      if (args[0].includes('/cdc/')) lake.nowMs = NOON
    }
    const { manifest } = await writer.write({ changes, loads: [] })
    assert.match(manifest.entries.filter(isFile)[0]!.path, /dt=2026-11-24/)
    assert.match(manifest.closedAt, /^2026-11-24/)
    assert.equal(writer.state.dt, '2026-11-24')
  })
})

describe('the fence', () => {
  test('a writer is fenced by any manifest of another in its place', async () => {
    const lake = new Lake()
    const old = await lake.open('w1')
    await lake.open('w2')
    await assert.rejects(old.heartbeat(lsn(0x90n)), { code: 'FENCED' })
    const changes = await lake.batch(0x100n, relation, ada)
    await assert.rejects(old.write({ changes, loads: [] }), { code: 'FENCED' })
    assert.equal(old.state.n, 1)
    assert.equal((await lake.reader.recover()).n, 2)
  })

  test('of two that open at the same head one is fenced', async () => {
    const lake = new Lake()
    const head = await lake.reader.recover()
    await lake.writer('w1').open(head, RUN, START)
    await assert.rejects(lake.writer('w2').open(head, RUN, START), { code: 'FENCED' })
  })

  test('its own manifest, written though the answer was lost, is no fence', async () => {
    const lake = new Lake()
    lake.store.failsAfter = /manifests/
    const writer = await lake.open()
    await writer.heartbeat(lsn(0x90n))
    assert.equal(writer.state.n, 2)
  })

  test('a file of the fenced one does not come in the way of the next', async () => {
    const lake = new Lake()
    const old = await lake.open('w1')
    const changes = await lake.batch(0x100n, relation, ada)
    const next = await lake.open('w2')
    await assert.rejects(old.write({ changes, loads: [] }), { code: 'FENCED' })
    const again = new Lake(lake.store)
    const { manifest } = await next.write({
      changes: await again.batch(0x100n, relation, ada),
      loads: [],
    })
    const [file] = manifest.entries.filter(isFile)
    assert.match(file!.path, /00000000000000000003-g2\.csv$/)
    assert.deepEqual(await files(lake), [file!.path], 'what the fenced one wrote was swept')
  })
})

describe('what a crash left', () => {
  const left = (n: number, generation: number, dt = '2026-11-23') =>
    changesKey({ table: CUSTOMERS, dt, n, generation, part: 0, format: 'csv' })

  test('goes when the table is written to for the first time, and not before', async () => {
    const lake = new Lake()
    const first = await lake.open()
    await first.write({ changes: await lake.batch(0x100n, relation, ada), loads: [] })
    await lake.store.put(left(3, 1), Buffer.from('rows'))
    const writer = await lake.open()
    assert.ok((await files(lake)).includes(left(3, 1)))
    const { manifest } = await writer.write({ changes: await lake.batch(0x200n, ada), loads: [] })
    assert.deepEqual(await files(lake), [left(2, 1), manifest.entries.filter(isFile)[0]!.path])
  })

  test('of a load goes when the next load of the table begins, once', async () => {
    const lake = new Lake()
    await lake.open()
    const file = loadKey({ table: CUSTOMERS, load: '1-ab', part: 0, format: 'csv' })
    await lake.store.put(file, Buffer.from('rows'))
    const writer = await lake.open('w2')
    await writer.sweepLoads(CUSTOMERS)
    assert.equal(await lake.store.get(file), null)
    await lake.store.put(file, Buffer.from('rows'))
    await writer.sweepLoads(CUSTOMERS)
    assert.notEqual(await lake.store.get(file), null)
  })

  test('stays in tables that are not written to', async () => {
    const lake = new Lake()
    await lake.open()
    await lake.store.put(left(3, 1), Buffer.from('rows'))
    const writer = await lake.open()
    await writer.write({
      changes: await lake.batch(0x100n, orders, wire.insert(2, ['7'])),
      loads: [],
    })
    assert.ok((await files(lake)).includes(left(3, 1)))
  })
})

test('a roll-up is written with the manifest at which it is due', async () => {
  const lake = new Lake()
  const { store, shapes } = lake
  const reader = new LogReader({ store, shapes, rollupEvery: 2 })
  const clock = { now: () => NOON, sleep: async () => {} }
  const parts = { store, shapes, reader, rollups: reader.rollups, clock }
  const writer = new LogWriter({ ...parts, writer: 'w1', format: 'csv' })
  await writer.open(await reader.recover(), RUN, START)
  assert.equal(await reader.rollups.newest(), null)
  await writer.heartbeat(lsn(0x90n))
  assert.deepEqual(await reader.rollups.newest(), writer.state)
  assert.ok(await store.get(manifestKey(2)))
})

async function files({ store }: Lake): Promise<string[]> {
  return collect(store.list('public/customers/'))
}

async function shapeOfCustomers(lake: Lake) {
  await lake.feed.take(
    wire.begin({ commitLsn: 0x60n }),
    relation,
    wire.commit({ commitLsn: 0x60n, endLsn: 0x68n }),
  )
  return lake.feed.tables.shapeOf(1)
}
