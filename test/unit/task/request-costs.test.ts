import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { RequestCosts } from '../../../src/task/request-costs.ts'

/** A lake that is asked at a steady rate, second by second. */
class Asked {
  counts = { puts: 0, gets: 0, lists: 0, deletes: 0 }
  now = 1_000_000
  readonly costs: RequestCosts

  constructor(isCharged: boolean) {
    this.costs = new RequestCosts({ counts: () => this.counts, isCharged })
    this.costs.tick(this.now)
  }

  pass(seconds: number, each: { puts: number; gets: number }): void {
    for (let i = 0; i < seconds; i++) {
      const { puts, gets } = this.counts
      this.counts = { ...this.counts, puts: puts + each.puts, gets: gets + each.gets }
      this.now += 1000
      this.costs.tick(this.now)
    }
  }
}

describe('the costs of requests', () => {
  test('are not known in the first half minute', () => {
    const asked = new Asked(true)
    assert.equal(asked.costs.view(), null)
    asked.pass(29, { puts: 1, gets: 1 })
    assert.equal(asked.costs.view(), null)
    asked.pass(1, { puts: 1, gets: 1 })
    assert.notEqual(asked.costs.view(), null)
  })

  test('are those of a day at the rate so far', () => {
    const asked = new Asked(true)
    asked.counts = { ...asked.counts, lists: 0 }
    asked.pass(60, { puts: 2, gets: 1 })
    assert.deepEqual(asked.costs.view(), {
      putsPerDay: 172_800,
      getsPerDay: 86_400,
      listsPerDay: 0,
      usdPerDay: 0.8986, // 172.8 * 0.005 + 86.4 * 0.0004
    })
  })

  test('forget what is more than five minutes ago', () => {
    const asked = new Asked(true)
    asked.pass(600, { puts: 100, gets: 100 })
    asked.pass(310, { puts: 0, gets: 1 })
    const { putsPerDay, getsPerDay } = asked.costs.view()!
    assert.deepEqual([putsPerDay, getsPerDay], [0, 86_400])
  })

  test('have no price where nobody charges', () => {
    const asked = new Asked(false)
    asked.pass(60, { puts: 2, gets: 1 })
    assert.equal(asked.costs.view()!.usdPerDay, null)
  })
})
