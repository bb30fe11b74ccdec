import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { readKept, writeKept } from '../../../../src/lake/retention/kept.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'

describe('what retention has let go of', () => {
  test('only grows, also where a sweep ends that began before another', async () => {
    const store = new MemoryStore()
    await writeKept(store, { first: 3001, loads: 2900, sweptLoads: 0 })
    await writeKept(store, { first: 2001, loads: 1900, sweptLoads: 1900 })
    assert.deepEqual(await readKept(store), { first: 3001, loads: 2900, sweptLoads: 1900 })
  })
})
