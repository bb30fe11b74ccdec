import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { MeanRate, RecentPeak } from '../../../src/task/recent.ts'

describe('a mean rate', () => {
  test('is right from the first second on', () => {
    const rate = new MeanRate(0)
    rate.add(500)
    rate.tick(1000)
    assert.equal(rate.perSecond, 500)
  })

  test('spreads a beat over ten seconds', () => {
    const rate = new MeanRate(0)
    for (let second = 1; second <= 30; second++) {
      if (second % 5 === 0) rate.add(1000)
      rate.tick(second * 1000)
    }
    assert.equal(rate.perSecond, 200)
  })

  test('is zero ten seconds after the last row', () => {
    const rate = new MeanRate(0)
    rate.add(1000)
    for (let second = 1; second <= 11; second++) rate.tick(second * 1000)
    assert.equal(rate.perSecond, 0)
  })
})

describe('a recent peak', () => {
  test('is the highest value of the window, also when a smaller one follows', () => {
    const peak = new RecentPeak()
    peak.add(0, 3)
    peak.add(4000, 9)
    peak.add(8000, 5)
    assert.equal(peak.peak(9000), 9)
    assert.equal(peak.peak(15_000), 5)
    assert.equal(peak.peak(19_000), 0)
  })
})
