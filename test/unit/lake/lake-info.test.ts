/** Whose lake it is. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { createOrCheck, readLakeInfo } from '../../../src/lake/lake-info.ts'
import { LAKE_INFO_KEY } from '../../../src/lake/layout.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'

const source = { systemId: '7290000000000000001', database: 'shop' }
const SHOP = { id: 'a1b2', createdAt: '2026-11-23T10:11:12.345Z', task: 'shop', source }
const SHOP_JSON =
  '{"version":1,"id":"a1b2","createdAt":"2026-11-23T10:11:12.345Z","task":"shop",' +
  '"source":{"systemId":"7290000000000000001","database":"shop"}}\n'

describe('a lake', () => {
  test('is made in an empty place and remembers its task, source and id', async () => {
    const store = new MemoryStore()
    assert.deepEqual(await createOrCheck(store, SHOP), { version: 1, ...SHOP })
    assert.equal(String(await store.get(LAKE_INFO_KEY)), SHOP_JSON)
    assert.deepEqual(await readLakeInfo(store), { version: 1, ...SHOP })
  })

  test('keeps the id and time of its making when the task starts again', async () => {
    const store = new MemoryStore()
    await createOrCheck(store, SHOP)
    await store.put('app/orders/x', new Uint8Array())
    const again = await createOrCheck(store, { ...SHOP, id: 'other', createdAt: 'later' })
    assert.deepEqual(again, { version: 1, ...SHOP })
  })

  test('is made once by two who start at the same time', async () => {
    const store = new MemoryStore()
    const ids = ['first', 'second', 'third']
    const made = await Promise.all(ids.map((id) => createOrCheck(store, { ...SHOP, id })))
    assert.equal(new Set(made.map(({ id }) => id)).size, 1)
  })

  test('is made beside hidden files', async () => {
    const store = new MemoryStore()
    await store.put('.gitkeep', new Uint8Array())
    await createOrCheck(store, SHOP)
  })

  test('is missing in an empty place', async () => {
    await assert.rejects(readLakeInfo(new MemoryStore()), { code: 'LAKE_MISSING' })
  })

  const refusals = [
    ['of another task', SHOP_JSON.replace('"task":"shop"', '"task":"bank"'), 'LAKE_FOREIGN'],
    [
      'of another database',
      SHOP_JSON.replace('"database":"shop"', '"database":"bank"'),
      'SOURCE_CHANGED',
    ],
    ['of another server', SHOP_JSON.replace('7290', '7291'), 'SOURCE_CHANGED'],
    ['of a newer version, whatever else it says', '{"version":2}', 'LAKE_VERSION'],
    ['without an id', SHOP_JSON.replace('"id":"a1b2",', ''), 'LAKE_DAMAGED'],
    ['with half a file', SHOP_JSON.slice(0, 40), 'LAKE_DAMAGED'],
  ] as const
  for (const [name, content, code] of refusals) {
    test(`${name} is refused with ${code}`, async () => {
      const store = new MemoryStore()
      await store.put(LAKE_INFO_KEY, Buffer.from(content))
      await assert.rejects(createOrCheck(store, SHOP), { code })
      assert.equal(String(await store.get(LAKE_INFO_KEY)), content)
    })
  }

  test('that was moved is known by what the log says of its source', async () => {
    const store = new MemoryStore()
    await createOrCheck(store, SHOP)
    const next = { systemId: '7', database: 'bank' }
    const asked = { ...SHOP, source: next }
    assert.deepEqual(await createOrCheck(store, asked, async () => next), { version: 1, ...SHOP })
    assert.equal(String(await store.get(LAKE_INFO_KEY)), SHOP_JSON)
    for (const elsewhere of [{ ...next, systemId: '8' }, { ...next, database: 'shop' }, null]) {
      const sourceNow = () => Promise.resolve(elsewhere)
      await assert.rejects(createOrCheck(store, asked, sourceNow), { code: 'SOURCE_CHANGED' })
    }
  })

  test('is not made where something else is, and the message names a few things', async () => {
    const store = new MemoryStore()
    for (const key of ['holiday.jpg', 'a', 'b/c', 'd']) await store.put(key, new Uint8Array())
    await assert.rejects(createOrCheck(store, SHOP), {
      code: 'LAKE_FOREIGN',
      message: 'memory: is no lake, but holds other things: a, b/c, d',
    })
    assert.equal(await store.get(LAKE_INFO_KEY), null)
  })
})
