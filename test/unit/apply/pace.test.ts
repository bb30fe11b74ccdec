/** When a batch may begin, where changes are gathered. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Pace } from '../../../src/apply/pace.ts'

/** A clock whose sleeps are noted, and end when they are told to or their signal aborts. */
class StillClock {
  ms = 1000
  readonly sleeps: number[] = []
  now(): number {
    return this.ms
  }
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    this.sleeps.push(ms)
    if (signal?.aborted !== true) {
      await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }))
    }
  }
}

describe('the pace of batches', () => {
  const never = new AbortController().signal

  test('does not let the first batch wait, nor one that comes late', async () => {
    const clock = new StillClock()
    const pace = new Pace(clock, 60_000)
    await pace.wait(never)
    pace.note(1000, { isFull: false })
    clock.ms = 61_000
    await pace.wait(never)
    assert.deepEqual(clock.sleeps, [])
  })

  test('counts from the begin of a batch to that of the next, and ends when somebody hurries', async () => {
    const clock = new StillClock()
    const pace = new Pace(clock, 60_000)
    pace.note(1000, { isFull: false })
    clock.ms = 9000
    const waiting = pace.wait(never)
    assert.deepEqual(clock.sleeps, [52_000])
    pace.hurry()
    await waiting
    await pace.wait(never)
    assert.equal(clock.sleeps.length, 1)
  })

  test('goes on at once behind a batch that was full', async () => {
    const clock = new StillClock()
    const pace = new Pace(clock, 60_000)
    pace.note(1000, { isFull: true })
    await pace.wait(never)
    assert.deepEqual(clock.sleeps, [])
  })

  test('ends with the run', async () => {
    const clock = new StillClock()
    const pace = new Pace(clock, 60_000)
    pace.note(1000, { isFull: false })
    const stop = new AbortController()
    const waiting = pace.wait(stop.signal)
    stop.abort()
    await waiting
  })
})
