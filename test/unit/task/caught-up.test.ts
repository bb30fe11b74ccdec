import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { CaptureState, TaskEvent } from '../../../src/core/events.ts'
import { lsn } from '../../../src/core/lsn.ts'
import type { Entry } from '../../../src/core/manifest.ts'
import { CaughtUp, type TargetPosition } from '../../../src/task/caught-up.ts'
import { changesManifest, ORDERS, openManifest, USERS } from '../../support/manifests.ts'

const state = (name: CaptureState): TaskEvent => ({
  type: 'capture-state',
  state: name,
  error: null,
})
const began = (table = ORDERS): TaskEvent => ({
  type: 'load-began',
  table,
  isReload: false,
  estimatedRows: null,
})
const cancelled: TaskEvent = { type: 'load-cancelled', table: ORDERS, reason: 'TABLE_CHANGED' }

function written(n: number, confirm: bigint, entries: readonly Entry[] = []): TaskEvent {
  const manifest = changesManifest(n, { confirm: lsn(confirm), entries })
  return { type: 'manifest-written', manifest, bytes: 0, seconds: 0, latencyMs: null }
}

function opened(n: number, confirm: bigint): TaskEvent {
  const manifest = openManifest(n, { confirm: lsn(confirm) })
  return { type: 'manifest-written', manifest, bytes: 0, seconds: 0, latencyMs: null }
}

const ended = (table = ORDERS): Entry => ({ type: 'load-end', table, load: 'l1', rows: 1 })
const at = (n: number | null, stragglers = 0, suspended = 0): TargetPosition => ({
  n,
  stragglers,
  suspended,
})

const cases: { name: string; events: TaskEvent[]; targets?: TargetPosition[]; is: boolean }[] = [
  { name: 'not before capture streams', events: [written(5, 100n)], is: false },
  { name: 'not below the place', events: [state('streaming'), written(5, 99n)], is: false },
  {
    name: 'once the log confirms the place',
    events: [state('streaming'), written(5, 100n)],
    is: true,
  },
  { name: 'whatever came first', events: [written(5, 120n), state('streaming')], is: true },
  {
    name: 'at the start, if the log had it already',
    events: [state('starting'), opened(7, 100n), state('streaming')],
    is: true,
  },
  { name: 'not while tables are loaded', events: [state('loading'), written(5, 100n)], is: false },
  {
    name: 'not before the end of each load is in the log',
    events: [began(), began(USERS), state('streaming'), written(5, 100n, [ended()])],
    is: false,
  },
  {
    name: 'when the end of each load is in the log',
    events: [began(), began(USERS), state('streaming'), written(5, 100n, [ended(), ended(USERS)])],
    is: true,
  },
  {
    name: 'when a load that was cancelled did not begin again, since its table is gone',
    events: [began(), cancelled, state('streaming'), written(5, 100n)],
    is: true,
  },
  {
    name: 'not when a load that was cancelled has begun again',
    events: [began(), cancelled, began(), state('streaming'), written(5, 100n)],
    is: false,
  },
  {
    name: 'when a load of a run that broke is not needed any more',
    events: [began(), state('starting'), state('streaming'), written(5, 100n)],
    is: true,
  },
  {
    name: 'though capture breaks when the lake has it',
    events: [state('streaming'), written(5, 100n), state('retrying')],
    is: true,
  },
  {
    name: 'whatever is written after it',
    events: [state('streaming'), written(5, 100n), written(6, 110n)],
    targets: [at(5)],
    is: true,
  },
  {
    name: 'when all targets have the manifest that says so',
    events: [state('streaming'), written(5, 100n)],
    targets: [at(5), at(6)],
    is: true,
  },
  {
    name: 'not when one is behind',
    events: [state('streaming'), written(5, 100n)],
    targets: [at(5), at(4)],
    is: false,
  },
  {
    name: 'not when one has not been opened',
    events: [state('streaming'), written(5, 100n)],
    targets: [at(null)],
    is: false,
  },
  {
    name: 'not when one has a table on its way',
    events: [state('streaming'), written(5, 100n)],
    targets: [at(5, 1)],
    is: false,
  },
  {
    name: 'when all that is missing is suspended: it would wait for ever',
    events: [state('streaming'), written(5, 100n)],
    targets: [at(5, 0, 1)],
    is: true,
  },
]

describe('everything has what the source had', () => {
  for (const { name, events, targets = [], is } of cases) {
    test(name, () => {
      const caughtUp = new CaughtUp()
      caughtUp.want(lsn(100n))
      for (const event of events) caughtUp.apply(event)
      assert.equal(caughtUp.isReached(targets), is)
    })
  }

  test('is never true if nobody asked', () => {
    const caughtUp = new CaughtUp()
    for (const event of [state('streaming'), written(5, 100n)]) caughtUp.apply(event)
    assert.equal(caughtUp.isReached([]), false)
  })

  test('may be asked late', () => {
    const caughtUp = new CaughtUp()
    for (const event of [state('streaming'), written(5, 100n)]) caughtUp.apply(event)
    caughtUp.want(lsn(100n))
    assert.equal(caughtUp.isReached([]), true)
  })
})
