import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { LakeClaim } from '../../../src/lake/lake-claim.ts'
import { createOrCheck } from '../../../src/lake/lake-info.ts'
import { initialState } from '../../../src/lake/log/log-state.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { collect } from '../../support/collect.ts'

const SOURCE = { systemId: '7290', database: 'shop' }
const WANTED = { id: 'ab', createdAt: '2026-11-23T10:00:00Z', task: 'shop', source: SOURCE }

function plan(store: MemoryStore, wanted = WANTED): Promise<LakeClaim> {
  const reader = { recover: () => Promise.resolve(initialState) }
  return LakeClaim.plan({ store, reader }, wanted)
}

describe('the claim of a lake', () => {
  test('writes nothing when it is planned, and makes what was planned', async () => {
    const store = new MemoryStore()
    const claim = await plan(store)
    assert.equal(claim.info.id, 'ab')
    assert.deepEqual(await collect(store.list('')), [])
    await claim.make(SOURCE)
    assert.deepEqual(await collect(store.list('')), ['_millrace/lake.json'])
    await claim.make(SOURCE)
  })

  test('is of the lake that is there, whatever id was wanted', async () => {
    const store = new MemoryStore()
    await createOrCheck(store, WANTED)
    const claim = await plan(store, { ...WANTED, id: 'cd' })
    assert.equal(claim.info.id, 'ab')
    await claim.make(SOURCE)
  })

  test('is refused when it is planned, if the place is another’s', async () => {
    const store = new MemoryStore()
    await store.put('something/else', Buffer.from('1'))
    await assert.rejects(plan(store), { code: 'LAKE_FOREIGN' })
    const theirs = new MemoryStore()
    await createOrCheck(theirs, { ...WANTED, task: 'other' })
    await assert.rejects(plan(theirs), { code: 'LAKE_FOREIGN' })
  })

  // Targets have been opened for the id that was planned, and would hold rows of another lake.
  test('is refused if somebody else has made the lake since it was planned', async () => {
    const store = new MemoryStore()
    const claim = await plan(store)
    await createOrCheck(store, { ...WANTED, id: 'cd' })
    await assert.rejects(claim.make(SOURCE), {
      code: 'LAKE_FOREIGN',
      message: /another process has just made the lake/,
    })
  })
})
