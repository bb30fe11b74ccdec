import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { OrderClock } from '../../../../src/lake/log/order-clock.ts'

/** 2026-11-23 10:00:00 UTC. */
const NOW_MS = 1_795_428_000_000
const NOW_US = NOW_MS * 1000
const EPOCH_2000_US = 946_684_800_000_000

/** A commit so many microseconds before (or after) now, as the server says it. */
const at = (offsetUs: number): bigint => BigInt(NOW_US + offsetUs - EPOCH_2000_US)

describe('the first tick of a file', () => {
  const cases: [name: string, next: number, committedAt: bigint, first: number][] = [
    ['is its first commit time', NOW_US - 9000, at(-500), NOW_US - 500],
    ['is the next free one if the commit is older', NOW_US + 10, at(-500), NOW_US + 10],
    ['may be up to a minute ahead of our clock', 0, at(60_000_000), NOW_US + 60_000_000],
    ['is not further ahead, whatever the server says', 0, at(60_000_001), NOW_US + 60_000_000],
    ['does not go back to the limit', NOW_US + 9e7, at(9e9), NOW_US + 9e7],
  ]
  for (const [name, next, committedAt, first] of cases) {
    test(name, () => assert.equal(new OrderClock(next, NOW_MS).file(3, committedAt), first))
  }
})

describe('the clock', () => {
  test('gives each row, each barrier and the tick that stays unused a tick of its own', () => {
    const clock = new OrderClock(NOW_US, NOW_MS)
    assert.equal(clock.file(3, at(0)), NOW_US)
    assert.equal(clock.last, NOW_US + 2)
    assert.equal(clock.barrier(), NOW_US + 3)
    assert.equal(clock.last, NOW_US + 3)
    assert.equal(clock.file(1, at(0)), NOW_US + 4)
    assert.equal(clock.close(), NOW_US + 6)
  })

  test('leaves one tick unused even if there was nothing', () => {
    assert.equal(new OrderClock(NOW_US, NOW_MS).close(), NOW_US + 1)
  })

  test('counts the files whose commit time lay more than a minute ahead, and says how far', () => {
    const clock = new OrderClock(0, NOW_MS)
    clock.file(1, at(60_000_000))
    assert.equal(clock.clamped, 0)
    assert.equal(clock.aheadMs, 0)
    clock.file(1, at(90_000_000))
    clock.file(1, at(60_000_001))
    assert.equal(clock.clamped, 2)
    assert.equal(clock.aheadMs, 90_000)
  })

  test('counts in whole ticks where our time has fractions', () => {
    const first = new OrderClock(0, NOW_MS + 0.12345).file(1, at(9e9))
    assert.ok(Number.isInteger(first))
  })

  test('never gives a tick twice and never goes back', () => {
    const step = fc.oneof(
      fc.record({
        rows: fc.integer({ min: 1, max: 50 }),
        offset: fc.integer({ min: -1e9, max: 1e9 }),
      }),
      fc.constant(null),
    )
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const clock = new OrderClock(NOW_US, NOW_MS)
        let next = NOW_US
        for (const one of steps) {
          const first = one === null ? clock.barrier() : clock.file(one.rows, at(one.offset))
          assert.ok(first >= next)
          next = first + (one?.rows ?? 1)
        }
        assert.equal(clock.close(), next + 1)
      }),
    )
  })
})
