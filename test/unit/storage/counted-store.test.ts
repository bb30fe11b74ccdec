import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { CountedStore } from '../../../src/storage/counted-store.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { objectStoreContract } from '../../contract/object-store.ts'
import { collect } from '../../support/collect.ts'

objectStoreContract('CountedStore', async () => new CountedStore(new MemoryStore()))

describe('a store that counts', () => {
  test('counts each kind of request, those that fail too', async () => {
    const store = new CountedStore(new MemoryStore())
    await store.put('a', Buffer.from('1'), { ifAbsent: true })
    await assert.rejects(store.put('a', Buffer.from('1'), { ifAbsent: true }))
    await store.get('a')
    await store.get('b')
    await collect(store.read('a'))
    await collect(store.list(''))
    await store.delete('b')
    assert.deepEqual(store.counts, { puts: 2, gets: 3, lists: 1, deletes: 1 })
  })

  const pages: [keys: number, lists: number][] = [
    [0, 1],
    [1000, 1],
    [1001, 2],
    [2500, 3],
  ]
  for (const [keys, lists] of pages) {
    test(`counts ${lists} for a list of ${keys} keys`, async () => {
      const inner = new MemoryStore()
      for (let i = 0; i < keys; i++) await inner.put(`k${i}`, Buffer.of())
      const store = new CountedStore(inner)
      await collect(store.list(''))
      assert.equal(store.counts.lists, lists)
    })
  }

  test('asks for no page that nobody looks at', async () => {
    const inner = new MemoryStore()
    for (let i = 0; i < 1500; i++) await inner.put(`k${i}`, Buffer.of())
    const store = new CountedStore(inner)
    for await (const key of store.list('')) if (key) break
    assert.equal(store.counts.lists, 1)
  })

  test('serves as many at the same time as the store below, and offers what that offers', () => {
    const inner = Object.assign(new MemoryStore(), { parallel: 7, tidy: async () => {} })
    const store = new CountedStore(inner)
    assert.equal(store.parallel, 7)
    assert.ok(store.tidy)
    const plain = new CountedStore(new MemoryStore())
    assert.equal(plain.parallel, undefined)
    assert.equal(plain.tidy, undefined)
  })
})
