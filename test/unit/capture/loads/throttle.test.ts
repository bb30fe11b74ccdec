/** A load that spares its source: rows come no faster than they may. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { paidUntil, Throttle } from '../../../../src/capture/loads/throttle.ts'
import { ManualClock } from '../manual-clock.ts'

describe('rows are paid for', () => {
  const cases: { name: string; before: number; now: number; rows: number; until: number }[] = [
    { name: 'from now on if nothing was owed', before: 0, now: 5000, rows: 100, until: 6000 },
    {
      name: 'after those that are not paid for yet',
      before: 7000,
      now: 5000,
      rows: 50,
      until: 7500,
    },
    { name: 'at once if there are none', before: 0, now: 5000, rows: 0, until: 5000 },
  ]
  for (const { name, until, ...facts } of cases) {
    test(name, () => assert.equal(paidUntil({ ...facts, rate: 100 }), until))
  }
})

describe('a throttle', () => {
  test('lets the next block come when the last one is paid for', async () => {
    const clock = new ManualClock()
    const throttle = new Throttle({ maxRowsPerSecond: 10 }, clock)
    const copy = copyOf(throttle, [5, 20, 1])
    await clock.pass(0)
    assert.equal(copy.blocks, 1)
    await clock.pass(499)
    assert.equal(copy.blocks, 1)
    await clock.pass(1)
    assert.equal(copy.blocks, 2)
    await clock.pass(1999)
    assert.equal(copy.blocks, 2)
    await clock.pass(1)
    assert.equal(copy.blocks, 3)
    await clock.pass(100)
    await copy.done
  })

  test('is one for all copies together', async () => {
    const clock = new ManualClock()
    const throttle = new Throttle({ maxRowsPerSecond: 10 }, clock)
    const copies = [copyOf(throttle, [10, 10, 10]), copyOf(throttle, [10, 10, 10])]
    const blocks = (): number => copies[0]!.blocks + copies[1]!.blocks
    await clock.pass(0)
    for (let second = 1; second <= 4; second++) {
      await clock.pass(1000)
      // Each had one block before anything was to be paid for.
      assert.equal(blocks(), 2 + second)
    }
    await clock.pass(1000)
    await clock.pass(1000)
    await Promise.all(copies.map(({ done }) => done))
  })

  test('does not wait once it was stopped', async () => {
    const clock = new ManualClock()
    const stop = new AbortController()
    const copy = copyOf(new Throttle({ maxRowsPerSecond: 1 }, clock), [1000], stop.signal)
    await clock.pass(0)
    assert.equal(clock.sleepers, 1)
    stop.abort()
    await copy.done
  })

  test('of no rate waits for nothing', async () => {
    const clock = new ManualClock()
    const copy = copyOf(new Throttle({ maxRowsPerSecond: null }, clock), [1e4, 1e4])
    await copy.done
    assert.equal(copy.blocks, 2)
  })
})

interface Copy {
  /** Blocks that came. */
  blocks: number
  readonly done: Promise<void>
}

function copyOf(
  throttle: Throttle,
  rows: readonly number[],
  signal = new AbortController().signal,
): Copy {
  const copy = { blocks: 0 }
  const read = async (): Promise<void> => {
    for await (const _ of throttle.pace(blocksOf(rows), signal)) copy.blocks++
  }
  return Object.assign(copy, { done: read() })
}

async function* blocksOf(rows: readonly number[]): AsyncGenerator<Buffer> {
  for (const count of rows) {
    const row = Buffer.from([0x64, 0, 0, 0, 5, 0x0a])
    yield Buffer.concat(Array.from({ length: count }, () => row))
  }
}
