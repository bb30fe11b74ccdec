import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { CodedError } from '../../../../src/core/errors.ts'
import type { Entry } from '../../../../src/core/manifest.ts'
import { loadKey, manifestKey } from '../../../../src/lake/layout.ts'
import { LogReader } from '../../../../src/lake/log/log-reader.ts'
import { encodeManifest } from '../../../../src/lake/log/manifest-json.ts'
import {
  loadId,
  sweepUnnamedLoads,
  type LoadsScope,
} from '../../../../src/lake/retention/unnamed-loads.ts'
import { Shapes } from '../../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import { collect } from '../../../support/collect.ts'
import {
  changesManifest,
  loadBegin,
  loadPart,
  openManifest,
  ORDERS,
} from '../../../support/manifests.ts'

const partOf = (load: string, part: number) => loadKey({ table: ORDERS, load, part, format: 'csv' })

/** Which load each manifest from 2 to 9 begins; our own generation is that of manifest 10. */
async function lakeWith(entries: Readonly<Record<number, readonly Entry[]>>) {
  const store = new MemoryStore()
  await store.put(manifestKey(1), encodeManifest(openManifest(1)))
  for (let n = 2; n < 10; n++) {
    const manifest = changesManifest(n, { entries: entries[n] ?? [] })
    await store.put(manifestKey(n), encodeManifest(manifest))
  }
  const fields = { to: changesManifest(9).to, confirm: changesManifest(9).confirm, clock: 10_000 }
  await store.put(manifestKey(10), encodeManifest(openManifest(10, fields)))
  const reader = new LogReader({ store, shapes: new Shapes(store), rollupEvery: 1000 })
  return { store, reader }
}

const OURS: LoadsScope = { table: ORDERS, newest: null, generation: 10 }
const named = (load: string, part: number) => loadPart(load, { path: partOf(load, part) })

describe('a part of a load', () => {
  const id = loadId(3, 'ab')
  const begun = { 5: [loadBegin(id), named(id, 0)], 7: [named(id, 2)] }
  const cases: [
    name: string,
    entries: Readonly<Record<number, readonly Entry[]>>,
    file: string,
    isRemoved: boolean,
    scope?: Partial<LoadsScope>,
  ][] = [
    ['of which the log has nothing goes', {}, partOf(id, 0), true],
    ['that the log does not name goes', begun, partOf(id, 1), true],
    ['that the log names stays', begun, partOf(id, 2), false],
    [
      'that was written, and never named before its load was cancelled, goes',
      { 4: [loadBegin(id), { type: 'load-cancel', table: ORDERS, load: id }], 6: [named(id, 0)] },
      partOf(id, 0),
      true,
    ],
    ['of our own generation stays', {}, partOf(loadId(10, 'ab'), 0), false],
    ['of a later generation stays', {}, partOf(loadId(11, 'ab'), 0), false],
    ['of a load whose id says nothing stays', {}, partOf('9f86d081', 0), false],
    ['whose manifests are no longer kept stays', {}, partOf(loadId(0, 'ab'), 0), false],
    [
      'of the newest load stays, whatever is known of it',
      {},
      partOf(id, 0),
      false,
      { newest: { load: id, beganAt: 4 } },
    ],
    [
      'that is older than the newest load is not looked at again',
      {},
      partOf(id, 0),
      false,
      { newest: { load: loadId(5, 'cd'), beganAt: 6 } },
    ],
    [
      'that is younger than the newest load goes',
      {},
      partOf(loadId(7, 'ab'), 0),
      true,
      { newest: { load: loadId(5, 'cd'), beganAt: 6 } },
    ],
    ['of another table stays', {}, partOf(id, 0).replace('orders', 'users'), false],
    ['that is no part stays', {}, `app/orders/load/${id}/README.txt`, false],
  ]
  for (const [name, entries, file, isRemoved, scope] of cases) {
    test(name, async () => {
      const lake = await lakeWith(entries)
      if (file.includes('/0-ab/')) await lake.store.delete(manifestKey(1))
      await lake.store.put(file, Buffer.from('rows'))
      const removed = await sweepUnnamedLoads(lake, { ...OURS, ...scope })
      assert.equal(removed, isRemoved ? 1 : 0)
      assert.deepEqual(await collect(lake.store.list('app/')), isRemoved ? [] : [file])
    })
  }

  test('is looked for in the log only where its load can be', async () => {
    const { store, reader } = await lakeWith(begun)
    const parts = [0, 1, 2, 3].map((part) => partOf(id, part))
    for (const part of parts) await store.put(part, Buffer.from('rows'))
    await store.put(partOf(loadId(1, 'ef'), 0), Buffer.from('rows'))
    const asked: number[] = []
    const counting = {
      manifest: (n: number) => {
        asked.push(n)
        return reader.manifest(n)
      },
    }
    assert.equal(await sweepUnnamedLoads({ store, reader: counting }, OURS), 3)
    assert.deepEqual(asked, [2, 3, 4, 5, 4, 5, 6, 7, 8, 9])
    assert.deepEqual(await collect(store.list('app/')), [parts[0], parts[2]])
  })

  test('stays where we may not delete, and nothing fails for it', async () => {
    const { store, reader } = await lakeWith({})
    await store.put(partOf(id, 0), Buffer.from('rows'))
    store.delete = () => Promise.reject(new CodedError('LAKE_UNWRITABLE', 'forbidden'))
    assert.equal(await sweepUnnamedLoads({ store, reader }, OURS), 0)
    store.delete = () => Promise.reject(new Error('bug'))
    await assert.rejects(sweepUnnamedLoads({ store, reader }, OURS), { message: 'bug' })
  })
})
