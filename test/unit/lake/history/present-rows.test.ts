/** Random histories of a table: what it is after each change must be what a map of rows says. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { BlockPool } from '../../../../src/core/change-log.ts'
import { PresentRows } from '../../../../src/lake/history/present-rows.ts'
import { logOf, shapeOf, tuple, UNCHANGED, type TestChange } from '../../../support/tuples.ts'

const KEYS = ['1', '2', '3', '4', '5']

/** A step says what to try; what is not possible then is left out. */
const step = fc.record({
  what: fc.constantFrom('insert', 'update', 'move', 'delete', 'truncate' as const),
  key: fc.constantFrom(...KEYS),
  to: fc.constantFrom(...KEYS),
  isKept: fc.boolean(),
})

/** Rows as a map, and the changes that a server would send. */
class Model {
  readonly rows = new Map<string, string>()
  readonly changes: TestChange[] = []
  #n = 0

  take({ what, key, to, isKept }: typeof step extends fc.Arbitrary<infer S> ? S : never): void {
    const at = { lsn: BigInt(this.changes.length + 1), ordinal: 2 }
    const old = this.rows.get(key)
    const value = `v${this.#n++}`
    const sent = isKept ? UNCHANGED : value
    const now = isKept && old !== undefined ? old : value
    if (what === 'truncate' && this.#n % 5 === 0) {
      this.rows.clear()
      this.changes.push({ op: 'truncate', ...at, values: [] })
    } else if (what === 'insert' && old === undefined) {
      this.rows.set(key, value)
      this.changes.push({ op: 'insert', ...at, values: [key, value] })
    } else if (old === undefined) {
      return
    } else if (what === 'update') {
      this.rows.set(key, now)
      this.changes.push({ op: 'update', ...at, values: [key, sent] })
    } else if (what === 'delete') {
      this.rows.delete(key)
      this.changes.push({ op: 'delete', ...at, values: [key, null] })
    } else if (what === 'move' && !this.rows.has(to)) {
      this.rows.delete(key)
      this.rows.set(to, now)
      this.changes.push({ op: 'delete', ...at, values: [key, null] })
      this.changes.push({ op: 'insert', ...at, ordinal: 3, values: [to, sent] })
    }
  }

  get text(): string[] {
    return [...this.rows].map(([key, value]) => `${key}=${value}`).toSorted()
  }
}

test('a load and any changes come to the rows that are there, however the log was cut', async () => {
  const histories = fc.record({
    loaded: fc.subarray(KEYS),
    steps: fc.array(step, { maxLength: 40 }),
    cut: fc.integer({ min: 1, max: 7 }),
  })
  const runs = Number(process.env['FC_RUNS'] ?? 100)
  await fc.assert(
    fc.asyncProperty(histories, async ({ loaded, steps, cut }) => {
      const model = new Model()
      for (const key of loaded) model.rows.set(key, `load ${key}`)
      for (const one of steps) model.take(one)
      const present = new PresentRows(shapeOf(['id', 'v']))
      const pool = new BlockPool()
      for (let i = 0; i < model.changes.length; i += cut) {
        present.take(logOf(model.changes.slice(i, i + cut), pool), () => 'yes')
      }
      assert.equal(pool.bytesInUse, 0)
      const found: string[] = []
      for await (const values of present.rows(load(loaded))) found.push(values.join('='))
      assert.deepEqual(found.toSorted(), model.text)
    }),
    { numRuns: runs },
  )
})

/** A block for each row, in the same memory. */
async function* load(keys: readonly string[]) {
  const bytes = Buffer.alloc(100)
  for (const key of keys) {
    const row = tuple([key, `load ${key}`])
    row.copy(bytes)
    yield { bytes, starts: [0, row.length] }
  }
  bytes.fill(0xff)
}
