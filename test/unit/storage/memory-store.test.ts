/** All there is to say about the store in memory. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { objectStoreContract } from '../../contract/object-store.ts'

objectStoreContract('MemoryStore', async () => new MemoryStore())

test('a store in memory has no paths to offer', () => {
  assert.equal(new MemoryStore().localPath(), null)
})
