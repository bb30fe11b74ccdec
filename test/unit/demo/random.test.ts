import assert from 'node:assert/strict'
import { test } from 'node:test'

import { seededRandom } from '../../../src/demo/random.ts'

test('one seed gives the same numbers again, another gives others', () => {
  const draw = (seed: number) => {
    const random = seededRandom(seed)
    return Array.from({ length: 20 }, () => random.upTo(1_000_000))
  }
  assert.deepEqual(draw(7), draw(7))
  assert.notDeepEqual(draw(7), draw(8))
})

test('numbers go from 1 to the greatest one, both included', () => {
  const random = seededRandom(1)
  const drawn = Array.from({ length: 200 }, () => random.upTo(6))
  assert.deepEqual(new Set(drawn), new Set([1, 2, 3, 4, 5, 6]))
})

test('UUIDs have the form of version 4 and do not repeat', () => {
  const random = seededRandom(3)
  const uuids = Array.from({ length: 1000 }, () => random.uuid())
  assert.equal(new Set(uuids).size, 1000)
  for (const uuid of uuids) {
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
  }
})
