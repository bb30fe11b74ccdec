import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Entry, Manifest } from '../../../src/core/manifest.ts'
import { manifestKey } from '../../../src/lake/layout.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { encodeManifest } from '../../../src/lake/log/manifest-json.ts'
import { writeKept } from '../../../src/lake/retention/kept.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { summarize } from '../../../src/lake/summary.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import {
  changesEntry,
  changesManifest,
  loadBegin,
  loadPart,
  openManifest,
  ORDERS,
  USERS,
} from '../../support/manifests.ts'
import { wire } from '../../support/wire.ts'
import { SampleLake } from './sample-lake.ts'

async function readerOf(manifests: readonly Manifest[]): Promise<LogReader> {
  const store = new MemoryStore()
  for (const manifest of manifests) {
    await store.put(manifestKey(manifest.n), encodeManifest(manifest))
  }
  return new LogReader({ store, shapes: new Shapes(store), rollupEvery: 1000 })
}

const users = { table: USERS, path: 'app/users/cdc/dt=2026-11-23/00000000000000000003-g1.csv.gz' }
const truncate: Entry = {
  type: 'truncate',
  table: ORDERS,
  position: changesEntry().last,
  order: 7,
}

const LOG = [
  openManifest(1),
  changesManifest(2, { entries: [loadBegin('l1'), loadPart('l1'), changesEntry()] }),
  changesManifest(3, {
    entries: [
      loadPart('l1', { path: 'app/orders/load/l1/000001.csv.gz', rows: 5, bytes: 50 }),
      { type: 'load-end', table: ORDERS, load: 'l1', rows: 15 },
      changesEntry({ ...users, rows: { i: 0, u: 3, d: 0 }, bytes: 7 }),
      truncate,
    ],
  }),
]

test('a lake is counted from its manifests, table by table', async () => {
  const { head, total, tables } = await summarize(await readerOf(LOG), null)
  assert.equal(head, 3)
  assert.deepEqual(total, { files: 4, bytes: 280, loaded: 15, changes: 5 })
  assert.deepEqual(tables, [
    {
      table: 'app.orders',
      loaded: 15,
      counts: { i: 1, u: 0, d: 1 },
      files: 3,
      bytes: 273,
      lastManifest: 2,
      lastChangeAt: '2026-11-23T10:11:12.345Z',
    },
    {
      table: 'app.users',
      loaded: 0,
      counts: { i: 0, u: 3, d: 0 },
      files: 1,
      bytes: 7,
      lastManifest: 3,
      lastChangeAt: '2026-11-23T10:11:12.345Z',
    },
  ])
})

test('the files of one table are listed in the order of the log', async () => {
  const { files } = await summarize(await readerOf(LOG), 'app.orders')
  assert.deepEqual(
    files.map(({ table, type, rows, manifest }) => [table, type, rows, manifest]),
    [
      ['app.orders', 'load-part', 10, 2],
      ['app.orders', 'changes', 2, 2],
      ['app.orders', 'load-part', 5, 3],
    ],
  )
})

test('one table is counted alone', async () => {
  const { head, tables, files } = await summarize(await readerOf(LOG), 'app.users')
  assert.equal(head, 3)
  assert.deepEqual(
    tables.map(({ table }) => table),
    ['app.users'],
  )
  assert.deepEqual(
    files.map(({ path }) => path),
    [users.path],
  )
})

test('an empty lake has nothing', async () => {
  assert.deepEqual(await summarize(await readerOf([]), null), {
    first: 1,
    head: 0,
    from: null,
    upTo: null,
    total: { files: 0, bytes: 0, loaded: 0, changes: 0 },
    tables: [],
    files: [],
  })
})

test('a log that retention has cut is counted from there', async () => {
  const lake = new SampleLake({ rollupEvery: 2 })
  const writer = await lake.open()
  for (const id of ['1', '2', '3']) await lake.commit(writer, wire.insert(1, [id, 'Ada']))
  await writeKept(lake.store, { first: 3, loads: 0, sweptLoads: 0 })
  for (const n of [1, 2]) await lake.store.delete(manifestKey(n))
  const { store, shapes } = lake
  const reader = new LogReader({ store, shapes, rollupEvery: 2 })
  const { first, head, total } = await summarize(reader, null)
  assert.deepEqual([first, head, total.changes], [3, 4, 2])
})
