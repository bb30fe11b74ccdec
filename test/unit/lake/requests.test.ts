/** Requests for loads. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { answers, type LoadRequest } from '../../../src/core/load-request.ts'
import type { LoadState } from '../../../src/lake/log/log-state.ts'
import { listRequests, Requests, writeRequest } from '../../../src/lake/requests.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { loadBegin, ORDERS, USERS } from '../../support/manifests.ts'

const at = '2026-11-23T10:11:12.345Z'
const REQUEST: LoadRequest = { table: ORDERS, consumer: 'shop/Warehouse', after: 41, at }

describe('requests', () => {
  test('are listed until they are deleted', async () => {
    const store = new MemoryStore()
    const other = { ...REQUEST, table: USERS, consumer: 'shop/mirror' }
    await writeRequest(store, REQUEST)
    await writeRequest(store, other)
    assert.deepEqual(await listRequests(store), [other, REQUEST])
    const requests = new Requests(store, () => at)
    assert.deepEqual(await requests.read(REQUEST.consumer, ORDERS), REQUEST)
    await requests.remove(REQUEST.consumer, ORDERS)
    await requests.remove(REQUEST.consumer, ORDERS)
    assert.equal(await requests.read(REQUEST.consumer, ORDERS), null)
    assert.deepEqual(await listRequests(store), [other])
    await requests.write(REQUEST.consumer, ORDERS, 41)
    assert.deepEqual(await listRequests(store), [other, REQUEST])
  })

  test('are replaced by a later one of the same consumer for the same table', async () => {
    const store = new MemoryStore()
    await writeRequest(store, REQUEST)
    await writeRequest(store, { ...REQUEST, after: 50 })
    assert.deepEqual(await listRequests(store), [{ ...REQUEST, after: 50 }])
  })

  test('are files of one line', async () => {
    const store = new MemoryStore()
    await writeRequest(store, REQUEST)
    assert.equal(
      String(await store.get('_millrace/requests/shop/~57arehouse/app.orders.json')),
      '{"table":"app.orders","consumer":"shop/Warehouse","after":41,"at":"2026-11-23T10:11:12.345Z"}\n',
    )
  })

  test('that cannot be read are reported, and other files passed over', async () => {
    const store = new MemoryStore()
    await store.put('_millrace/requests/README', Buffer.from('hello'))
    assert.deepEqual(await listRequests(store), [])
    await store.put('_millrace/requests/shop/app.orders.json', Buffer.from('{"after":"x"}'))
    await assert.rejects(listRequests(store), { code: 'LAKE_DAMAGED' })
  })

  const cases = [
    ['for all', { for: 'all', since: 41 }, true],
    ['for the consumer', { for: ['shop/x', 'shop/Warehouse'], since: 50 }, true],
    ['for others', { for: ['shop/x'], since: 50 }, false],
    ['from before the request', { for: 'all', since: 40 }, false],
  ] as const
  for (const [name, fields, isAnswer] of cases) {
    test(`are ${isAnswer ? '' : 'not '}answered by a load ${name}`, () => {
      const { load, lsn, shape } = loadBegin('l1')
      const progress = { beganAt: 51, endedAt: null, rows: 0, parts: 0, epoch: 1 }
      const state: LoadState = { load, lsn, shape, ...progress, ...fields }
      assert.equal(answers(state, REQUEST), isAnswer)
    })
  }
})
