import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { entriesInOrder } from '../../../src/core/entry-order.ts'
import { lsn } from '../../../src/core/lsn.ts'
import type { Entry } from '../../../src/core/manifest.ts'
import { changesEntry, loadBegin, ORDERS, shapeAt, USERS } from '../../support/manifests.ts'

const place = (at: number) => ({ position: { lsn: lsn(BigInt(at)), ordinal: 2 }, order: at })
const shape = (at: number): Entry => {
  return { type: 'shape', table: USERS, ...place(at), shape: shapeAt(2), defaults: {} }
}
const rename = (at: number): Entry => {
  return { type: 'rename', table: USERS, to: ORDERS, ...place(at), shape: shapeAt(2) }
}
const drop = (at: number): Entry => ({ type: 'drop', table: ORDERS, ...place(at) })
const changes = (at: number) => changesEntry({ table: ORDERS, first: place(at).position })

describe('the entries of a manifest', () => {
  test('stay as they stand if no name passes from one table to another', () => {
    const entries = [changes(9), loadBegin('l1'), drop(5)]
    assert.equal(entriesInOrder(entries), entries)
  })

  test('are sorted by position, and at one position a name is free before it is taken and used', () => {
    const entries = [changes(9), rename(9), shape(9), drop(9), changes(3), loadBegin('l1')]
    assert.deepEqual(entriesInOrder(entries), [
      loadBegin('l1'),
      changes(3),
      drop(9),
      shape(9),
      rename(9),
      changes(9),
    ])
  })
})
