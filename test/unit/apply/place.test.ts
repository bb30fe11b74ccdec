import assert from 'node:assert/strict'
import { test } from 'node:test'

import { WAITING } from '../../../src/apply/controls.ts'
import { expectMain, expectStraggler, noSteps, Place } from '../../../src/apply/place.ts'
import type { Ledger, Straggler } from '../../../src/core/ledger.ts'
import type { LedgerChange } from '../../../src/core/target.ts'
import { MemoryPlace, MemoryTarget } from '../../support/memory-target.ts'
import { id } from './scripted-log.ts'

const TABLE = id('a')
const SUSPENDED: Straggler = { ...WAITING, n: 5, state: 'suspended' }
const RESUMED: Straggler = { ...SUSPENDED, state: 'catching-up' }
const LEDGER: Ledger = {
  n: 5,
  epoch: 1,
  v: 9,
  stragglers: new Map([[TABLE, SUSPENDED]]),
  tables: new Map(),
}

function writes(row: Straggler | null, main: LedgerChange['main'] = null): LedgerChange {
  return { main, stragglers: new Map([[TABLE, row]]), tables: new Map() }
}

test('an answer that comes late does not bring back what the ledger has left behind', async () => {
  // An operator resumed a table beside the loop. It had joined, and the ledger was read again, before
  // the answer came; then the row was put back in memory, and a batch passed the table by.
  let answer = (): void => {}
  let isHeld = true
  const database = new MemoryPlace()
  const consumer = 'shop/memory'
  database.ledgers.set(consumer, { lakeId: 'lake', ledger: LEDGER })
  const pause = (point: string): Promise<void> =>
    point === 'committed' && isHeld
      ? new Promise((resolve) => {
          answer = resolve
          isHeld = false
        })
      : Promise.resolve()
  const target = new MemoryTarget({ place: database, consumer, pause })
  const place = new Place(target)
  await place.ledger()

  const resuming = place.commit({
    expect: { main: null, ...expectStraggler(TABLE, SUSPENDED) },
    steps: noSteps(),
    ledger: writes(RESUMED),
  })
  await new Promise((resolve) => setImmediate(resolve))
  place.forget()
  const ledger = await place.ledger()
  const joined = await place.commit({
    expect: { ...expectMain(ledger), ...expectStraggler(TABLE, RESUMED) },
    steps: noSteps(),
    ledger: writes(null, { n: 5, epoch: 1, v: 10 }),
  })
  answer()

  assert.deepEqual([joined, await resuming], [true, true])
  assert.deepEqual(await place.ledger(), await target.ledger())
})
