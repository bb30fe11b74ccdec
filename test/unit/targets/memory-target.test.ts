import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Work } from '../../../src/core/target.ts'
import { targetContract } from '../../contract/target.ts'
import { MemoryPlace, MemoryTarget, type PausePoint } from '../../support/memory-target.ts'

targetContract('the memory target', () => {
  const place = new MemoryPlace()
  return Promise.resolve({
    open: (who = {}) => Promise.resolve(new MemoryTarget({ place, ...who })),
    rows: (target, name) => {
      assert.ok(target instanceof MemoryTarget)
      const table = target.table(name)
      if (table === null) return Promise.resolve(null)
      const live = table.shape.columns.flatMap(({ wire }, i) => (wire === null ? [] : [i]))
      const rows = [...table.rows.values()].map((row) => live.map((i) => row[i] ?? null))
      return Promise.resolve(rows.toSorted((a, b) => (a[0]! < b[0]! ? -1 : 1)))
    },
  })
})

const FIRST: Work = {
  expect: { main: { n: -1, epoch: -1, v: -1 }, straggler: null },
  steps: (async function* () {})(),
  ledger: { main: { n: 1, epoch: 1, v: 1 }, stragglers: new Map(), tables: new Map() },
}

for (const [point, n] of [
  ['begin', null],
  ['commit', null],
  ['committed', 1],
] as const) {
  test(`a memory target that fails at ${point} has ${n === null ? 'no ledger' : 'committed'}`, async () => {
    const pause = async (at: PausePoint): Promise<void> => {
      if (at === point) await Promise.reject(new Error('away'))
    }
    const target = new MemoryTarget({ pause })
    await assert.rejects(target.commit(FIRST), { message: 'away' })
    assert.equal((await target.open())?.n ?? null, n)
  })
}
