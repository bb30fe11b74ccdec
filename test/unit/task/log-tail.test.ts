import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { LogTail } from '../../../src/task/log-tail.ts'

describe('the tail of the log', () => {
  /** Manifests 11 to 15; 12 and 15 hold nothing. */
  function tail(): LogTail {
    const log = new LogTail()
    log.startAt(10)
    log.add(11, 1100)
    log.add(12, null)
    log.add(13, 1300)
    log.add(14, 1400)
    log.add(15, null)
    return log
  }

  const cases: [number, number, number | 'none' | 'unknown'][] = [
    // taken, behind, oldest change that is lacking
    [7, 6, 'unknown'],
    [10, 3, 1100],
    [11, 2, 1300],
    [12, 2, 1300],
    [13, 1, 1400],
    [14, 0, 'none'],
    [15, 0, 'none'],
  ]
  for (const [n, behind, oldest] of cases) {
    test(`who took manifest ${n} is ${behind} behind`, () => {
      assert.equal(tail().countAfter(n), behind)
      assert.equal(tail().oldestAfter(n), oldest)
    })
  }

  test('forgets what is long ago, but not how much it was', () => {
    const log = new LogTail()
    for (let n = 1; n <= 12_000; n++) log.add(n, n)
    assert.equal(log.countAfter(0), 12_000)
    assert.equal(log.countAfter(11_000), 1000)
    assert.equal(log.oldestAfter(0), 'unknown')
    assert.equal(log.oldestAfter(11_999), 12_000)
  })
})
