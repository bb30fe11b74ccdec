import assert from 'node:assert/strict'
import { test } from 'node:test'

import { changesKey, loadKey, manifestKey } from '../../../../src/lake/layout.ts'
import { LogReader } from '../../../../src/lake/log/log-reader.ts'
import { encodeManifest } from '../../../../src/lake/log/manifest-json.ts'
import { sweepUnnamed } from '../../../../src/lake/retention/unnamed-files.ts'
import { Shapes } from '../../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import { collect } from '../../../support/collect.ts'
import { changesEntry, changesManifest, ORDERS, USERS } from '../../../support/manifests.ts'

const key = (n: number, generation: number, { dt = '2026-11-23', part = 0, table = ORDERS } = {}) =>
  changesKey({ table, dt, n, generation, part, format: 'csv' })

const named = key(2, 1)
const namedPart = key(2, 1, { part: 1 })

/** Manifest 2 names two files; all other files that the test wants are there too. */
async function lakeWith(files: readonly string[]) {
  const store = new MemoryStore()
  const entries = [named, namedPart].map((path) => changesEntry({ path }))
  await store.put(manifestKey(2), encodeManifest(changesManifest(2, { entries })))
  await store.put(manifestKey(3), encodeManifest(changesManifest(3)))
  for (const file of [named, namedPart, ...files]) await store.put(file, Buffer.from('rows'))
  const reader = new LogReader({ store, shapes: new Shapes(store), rollupEvery: 1000 })
  return { store, reader }
}

const cases: { name: string; file: string; isRemoved: boolean; since?: string | null }[] = [
  { name: 'of an earlier generation that no manifest names', file: key(3, 1), isRemoved: true },
  {
    name: 'of an earlier generation beside one that is named',
    file: key(2, 1, { part: 2 }),
    isRemoved: true,
  },
  { name: 'of a manifest that another generation wrote', file: key(2, 3), isRemoved: true },
  { name: 'of a manifest that is missing', file: key(4, 1), isRemoved: false },
  { name: 'of a day after the last', file: key(3, 1, { dt: '2026-11-24' }), isRemoved: true },
  { name: 'of a day before the last', file: key(3, 1, { dt: '2026-11-22' }), isRemoved: false },
  { name: 'of the present generation', file: key(6, 5), isRemoved: false },
  { name: 'of a later generation', file: key(6, 6), isRemoved: false },
  { name: 'of another table', file: key(3, 1, { table: USERS }), isRemoved: false },
  { name: 'in a lake that was empty', file: key(3, 1), isRemoved: false, since: null },
  {
    name: 'of a load',
    file: loadKey({ table: ORDERS, load: 'l1', part: 0, format: 'csv' }),
    isRemoved: false,
  },
  {
    name: 'that is not ours',
    file: 'app/orders/cdc/dt=2026-11-23/README.txt',
    isRemoved: false,
  },
]

for (const { name, file, isRemoved, since = '2026-11-23' } of cases) {
  test(`a file ${name} ${isRemoved ? 'goes' : 'stays'}`, async () => {
    const lake = await lakeWith([file])
    const removed = await sweepUnnamed(lake, { table: ORDERS, since, below: 5 })
    assert.equal(removed, isRemoved ? 1 : 0)
    const left = await collect(lake.store.list('app/'))
    assert.equal(left.includes(file), !isRemoved)
    assert.ok(left.includes(named) && left.includes(namedPart))
  })
}

test('of a long day only the manifests are read at which a generation may have ended', async () => {
  const { store, reader } = await lakeWith([])
  const numbers = Array.from({ length: 200 }, (_, i) => i + 4)
  for (const n of numbers) {
    const path = key(n, n < 100 ? 1 : 100)
    await store.put(path, Buffer.from('rows'))
    const entries = n === 99 ? [] : [changesEntry({ path })]
    await store.put(manifestKey(n), encodeManifest(changesManifest(n, { entries })))
  }
  const read: number[] = []
  const counting = { manifest: (n: number) => (read.push(n), reader.manifest(n)) }
  const scope = { table: ORDERS, since: '2026-11-23', below: 300 }
  assert.equal(await sweepUnnamed({ store, reader: counting }, scope), 1)
  assert.deepEqual(read, [99, 203])
  assert.equal(await store.get(key(99, 1)), null)
})
