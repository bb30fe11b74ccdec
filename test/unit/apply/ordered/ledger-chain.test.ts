import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { LedgerChain } from '../../../../src/apply/ordered/ledger-chain.ts'
import { decodePlace, encodePlace } from '../../../../src/apply/ordered/place-json.ts'
import { NEW_TABLE, type OrderedPlace } from '../../../../src/apply/ordered/place.ts'
import { lsn } from '../../../../src/core/lsn.ts'
import { FolderStore } from '../../../../src/storage/folder-store.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { id } from '../scripted-log.ts'

const folder = temporaryFolder('ledger-chain')
const NAMES = { lakeId: 'lake', consumer: 'shop/files' }

for (const store of [new MemoryStore(), new FolderStore(folder)]) {
  describe(`a ledger in ${store.constructor.name}`, () => {
    test('is not there before it was written', async () => {
      assert.equal(await new LedgerChain(store, { ...NAMES, consumer: 'none' }).read(), null)
    })

    test('is replaced by exactly one of many who know it as it is', async () => {
      const chain = new LedgerChain(store, NAMES)
      for (let v = 0; v < 5; v++) {
        const tries = Array.from({ length: 20 }, (_, n) => chain.replace(v, at(n)))
        const won = (await Promise.all(tries)).filter((version) => version !== null)
        assert.equal(won.length, 1)
        assert.deepEqual(await chain.read(), won[0])
      }
    })

    test('is not replaced by who slept while its versions went by and were removed', async () => {
      const chain = new LedgerChain(store, { ...NAMES, consumer: 'sleeper' })
      for (let v = 0; v < 10; v++) await chain.replace(v, at(v))
      assert.equal(await chain.replace(3, at(99)), null)
      assert.deepEqual(await chain.read(), { v: 10, place: at(9) })
      assert.deepEqual(await chain.replace(10, at(10)), { v: 11, place: at(10) })
    })

    test('is replaced once by who writes the same twice, since an answer may get lost', async () => {
      const chain = new LedgerChain(store, { ...NAMES, consumer: 'twice' })
      assert.deepEqual(await chain.replace(0, at(1)), { v: 1, place: at(1) })
      assert.deepEqual(await chain.replace(0, at(1)), { v: 1, place: at(1) })
      assert.equal(await chain.replace(0, at(2)), null)
    })

    test('is of one lake and one consumer', async () => {
      const chain = new LedgerChain(store, { ...NAMES, consumer: 'own' })
      await chain.replace(0, at(1))
      assert.equal(await new LedgerChain(store, { lakeId: 'other', consumer: 'own' }).read(), null)
    })

    test('keeps few of its old versions', async () => {
      const keys: string[] = []
      for await (const key of store.list('_millrace/ledgers/lake/sleeper/')) keys.push(key)
      assert.ok(keys.length <= 3, keys.join(' '))
    })
  })
}

test('a ledger is read as it was written', () => {
  const load = { load: 'L', lsn: lsn(5n), epoch: 1, since: 2, beganAt: 3, endedAt: null }
  const place: OrderedPlace = {
    n: 7,
    epoch: 2,
    pending: { table: id('a'), until: 6 },
    memo: { name: 12, time: 34 },
    tables: new Map([
      [id('a'), { ...NEW_TABLE, state: 'catching-up', n: 5, load: { ...load, endedAt: 4 } }],
      [id('b'), { ...NEW_TABLE, state: 'loading', load, back: { n: 3, load: null } }],
      [
        id('c'),
        { ...NEW_TABLE, state: 'ready', load, place: { part: 1, row: 20 }, memo: { load: 2 } },
      ],
      [id('d'), { ...NEW_TABLE, state: 'live', back: null }],
      [id('e'), { ...NEW_TABLE, state: 'loading', load, back: { n: 3, load } }],
    ]),
  }
  assert.deepEqual(decodePlace(encodePlace(place), 'key'), place)
  assert.throws(() => decodePlace(Buffer.from('{"n":-1}'), 'key'), { code: 'LAKE_DAMAGED' })
})

function at(n: number): OrderedPlace {
  return { n, epoch: 1, pending: null, tables: new Map(), memo: {} }
}
