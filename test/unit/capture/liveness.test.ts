import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { isDead, liveness } from '../../../src/capture/liveness.ts'

describe('how often we speak, and when a server is gone', () => {
  const cases: [timeoutMs: number, speakEveryMs: number, deadAfterMs: number][] = [
    [60_000, 10_000, 120_000],
    [3_000, 1_000, 6_000],
    [0, 10_000, Infinity],
    [-1, 10_000, Infinity],
    [Number.NaN, 10_000, Infinity],
  ]
  for (const [timeoutMs, speakEveryMs, deadAfterMs] of cases) {
    test(`follow from a timeout of ${timeoutMs} ms`, () => {
      assert.deepEqual(liveness(timeoutMs), { speakEveryMs, deadAfterMs })
    })
  }
})

describe('a server', () => {
  const cases: [what: string, silentMs: number | null, timeoutMs: number, isGone: boolean][] = [
    ['that has been silent for twice its timeout lives', 120_000, 60_000, false],
    ['that has been silent for longer is gone', 120_001, 60_000, true],
    ['that we do not listen to lives', null, 60_000, false],
    ['without a timeout lives for ever', 1e12, 0, false],
  ]
  for (const [what, silentMs, timeoutMs, isGone] of cases) {
    test(what, () => assert.equal(isDead(silentMs, liveness(timeoutMs)), isGone))
  }
})
