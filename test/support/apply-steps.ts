/** Work for a target, without a thought for its ledger. */

import assert from 'node:assert/strict'

import type { Step, Target } from '../../src/core/target.ts'

/** Commits the steps as the next piece of work. */
export async function applySteps(target: Target, steps: readonly Step[]): Promise<void> {
  const ledger = await target.open()
  const { n, epoch, v } = ledger ?? { n: -1, epoch: -1, v: -1 }
  const work = {
    expect: { main: { n, epoch, v }, straggler: null },
    steps: each(steps),
    ledger: { main: { n: n + 1, epoch: 1, v: 1 }, stragglers: new Map(), tables: new Map() },
  }
  assert.equal(await target.commit(work), true)
}

async function* each(steps: readonly Step[]): AsyncGenerator<Step> {
  for (const step of steps) yield await Promise.resolve(step)
}
