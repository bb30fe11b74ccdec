/** The order of the source. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { lsn } from '../../../src/core/lsn.ts'
import { comparePositions, isAfter, type Position } from '../../../src/core/position.ts'

function at(commitLsn: bigint, ordinal: number): Position {
  return { lsn: lsn(commitLsn), ordinal }
}

describe('a position', () => {
  const cases: [name: string, a: Position, b: Position, sign: number][] = [
    ['is equal to itself', at(5n, 2), at(5n, 2), 0],
    ['comes before a later ordinal of its transaction', at(5n, 2), at(5n, 4), -1],
    ['comes before a later commit, whatever the ordinals', at(5n, 900), at(6n, 2), -1],
    ['comes after an earlier commit, whatever the ordinals', at(6n, 0), at(5n, 900), 1],
    ['of ordinal 0 comes before every change of its transaction', at(5n, 0), at(5n, 2), -1],
    ['of a D comes right before that of its I', at(5n, 2), at(5n, 3), -1],
    ['is exact beyond 53 bits', at(2n ** 63n + 1n, 0), at(2n ** 63n, 0), 1],
  ]

  for (const [name, a, b, sign] of cases) {
    test(name, () => {
      assert.equal(Math.sign(comparePositions(a, b)), sign)
      assert.equal(Math.sign(comparePositions(b, a)), 0 - sign)
      assert.equal(isAfter(a, b), sign > 0)
    })
  }
})
