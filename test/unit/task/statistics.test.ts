import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { CodedError } from '../../../src/core/errors.ts'
import type { TaskEvent } from '../../../src/core/events.ts'
import type { StragglerState } from '../../../src/core/ledger.ts'
import { lsn } from '../../../src/core/lsn.ts'
import type { LoadMode } from '../../../src/core/manifest.ts'
import type { TableId } from '../../../src/core/table.ts'
import { HISTORY_POINTS, Statistics } from '../../../src/task/statistics.ts'
import {
  applied,
  changes,
  drop,
  loadEnd,
  loadPart,
  ORDERS,
  rename,
  truncate,
  USERS,
  written,
} from './events.ts'

const T0 = Date.UTC(2026, 10, 23)

function start({ load = 'full-load-and-cdc' }: { load?: LoadMode } = {}) {
  const time = { now: T0 }
  const statistics = new Statistics({
    task: 'shop',
    now: () => time.now,
    load,
    lakeUrl: './lake',
    targets: [{ name: 'warehouse', type: 'duckdb' }],
  })
  const apply = (...events: TaskEvent[]): void => {
    for (const event of events) statistics.apply(event)
  }
  const after = (seconds: number): void => {
    time.now += seconds * 1000
  }
  return { statistics, apply, after, time }
}

function capture(state: 'loading' | 'streaming' | 'retrying', error?: CodedError): TaskEvent {
  return { type: 'capture-state', state, error: error ?? null }
}

function target(state: 'running' | 'failed' | 'retrying', error?: CodedError): TaskEvent {
  return { type: 'target-state', target: 'warehouse', state, error: error ?? null }
}

function straggler(
  state: StragglerState | 'joined',
  { table = ORDERS, error }: { table?: TableId; error?: CodedError } = {},
): TaskEvent {
  return { type: 'straggler', target: 'warehouse', table, state, rows: 70, error: error ?? null }
}

const planned: TaskEvent = {
  type: 'load-planned',
  table: ORDERS,
  estimatedRows: 120,
  estimatedBytes: 9000,
}
const began: TaskEvent = {
  type: 'load-began',
  table: ORDERS,
  isReload: false,
  estimatedRows: 120,
}
const progressed: TaskEvent = { type: 'load-progress', table: ORDERS, rows: 60, bytes: 600 }
const cancelled: TaskEvent = { type: 'load-cancelled', table: ORDERS, reason: 'altered' }
const ended: TaskEvent = {
  type: 'load-ended',
  table: ORDERS,
  rows: 100,
  bytes: 1000,
  seconds: 4,
}

/** A task with one table that is loaded everywhere, at manifest 2. */
function replicating() {
  const task = start()
  task.statistics.transition('started')
  task.apply(capture('loading'), target('running'), began, ended)
  task.apply(written(1, T0, {}), written(2, T0, { entries: [loadEnd(ORDERS, 100)] }))
  task.apply(applied(2, T0), capture('streaming'))
  return task
}

describe('the state of a table', () => {
  const reload: TaskEvent = { ...began, isReload: true }
  const end = written(2, T0, { entries: [loadEnd(ORDERS, 100)] })
  const refused = new CodedError('VALUE_UNFIT', 'too long')
  const cases: [string, TaskEvent[], string][] = [
    ['its load is planned', [planned], 'Before load'],
    ['its load runs', [planned, began, progressed], 'Full load'],
    ['its load has ended at the source only', [began, ended], 'Full load'],
    ['its load is in the lake, not in the target', [began, ended, end], 'Full load'],
    ['the target took its load', [began, ended, end, applied(2, T0)], 'Table completed'],
    ['the end came in the manifest first', [began, end, ended, applied(2, T0)], 'Table completed'],
    [
      'the target is still taking the parts of its load',
      [began, ended, end, applied(2, T0), straggler('ready')],
      'Full load',
    ],
    [
      'the straggler has joined',
      [began, ended, end, straggler('catching-up'), applied(2, T0), straggler('joined')],
      'Table completed',
    ],
    [
      'its load was given up',
      [began, { type: 'load-cancelled', table: ORDERS, reason: 'altered' }],
      'Before load',
    ],
    ['it is loaded again', [began, ended, end, applied(2, T0), reload], 'Table is being reloaded'],
    [
      'the target suspended it',
      [began, ended, end, straggler('suspended', { error: refused })],
      'Table error',
    ],
    ['the only target has failed', [began, ended, end, target('failed')], 'Table completed'],
  ]
  for (const [when, events, state] of cases) {
    test(`is "${state}" when ${when}`, () => {
      const { statistics, apply } = start()
      apply(...events)
      assert.equal(statistics.view().tables[0]?.state, state)
    })
  }

  test('is known from the lake after a restart', () => {
    const { statistics, apply } = start()
    statistics.seed([
      { table: USERS, loadedRows: 7, isComplete: false },
      { table: ORDERS, loadedRows: 100, isComplete: true },
    ])
    apply(applied(9, T0))
    const states = statistics.view().tables.map((t) => [t.table, t.state, t.loadedRows])
    assert.deepEqual(states, [
      [ORDERS, 'Table completed', 100],
      [USERS, 'Before load', 7],
    ])
  })

  test('is "Table completed" without any load when only changes are replicated', () => {
    const { statistics, apply } = start({ load: 'cdc' })
    apply(written(1, T0, { entries: [changes(ORDERS, { i: 1 })] }), applied(1, T0))
    assert.equal(statistics.view().tables[0]?.state, 'Table completed')
  })
})

describe('a table', () => {
  test('counts what was done to its rows', () => {
    const { statistics, apply } = start()
    const entries = [
      changes(ORDERS, { i: 3, u: 2, d: 1 }),
      truncate(ORDERS),
      changes(USERS, { u: 5 }),
    ]
    apply(
      written(1, T0 + 500, { entries }),
      written(2, T0, { entries: [changes(ORDERS, { i: 4 })] }),
    )
    const { inserts, updates, deletes, truncates, ddls } = statistics.view().tables[0]!
    assert.deepEqual([inserts, updates, deletes, truncates, ddls], [7, 2, 1, 1, 0])
  })

  test('shows progress and speed of its load', () => {
    const { statistics, apply, after } = start()
    apply(planned, began)
    after(3)
    apply(progressed)
    const running = statistics.view().tables[0]!
    assert.deepEqual([running.loadedRows, running.estimatedRows], [60, 120])
    assert.equal(running.loadRowsPerSecond, 20)
    apply(ended)
    assert.equal(statistics.view().tables[0]!.loadRowsPerSecond, 25)
  })

  test('says how long its load will take, and less with every second', () => {
    const { statistics, apply, after } = start()
    const left = () => statistics.view().tables[0]!.loadSecondsLeft
    apply(planned, began)
    after(4)
    assert.equal(left(), null)
    apply({ ...progressed, rows: 40 })
    assert.equal(left(), 8)
    after(3)
    assert.equal(left(), 5)
    after(1)
    apply({ ...progressed, rows: 80 })
    assert.equal(left(), 4)
    apply(ended)
    assert.equal(left(), null)
  })

  const unknown: [string, TaskEvent[], number][] = [
    ['has no estimate', [{ ...began, estimatedRows: null }, progressed], 0],
    ['was empty when it was counted', [{ ...began, estimatedRows: 0 }, progressed], 0],
    ['has more rows than was thought', [began, { ...progressed, rows: 121 }], 0],
    ['should have ended by now', [began, progressed], 11],
    ['failed and waits for another try', [began, progressed, cancelled], 0],
  ]
  for (const [what, [first, ...rest], later] of unknown) {
    test(`says nothing of the end of a load that ${what}`, () => {
      const { statistics, apply, after } = start()
      apply(planned, first!)
      after(10)
      apply(...rest)
      after(later)
      assert.equal(statistics.view().tables[0]!.loadSecondsLeft, null)
    })
  }

  test('says nothing of the end of a load that has just begun', () => {
    const { statistics, apply, after } = start()
    apply(planned, began)
    after(2.9)
    apply(progressed)
    assert.equal(statistics.view().tables[0]!.loadSecondsLeft, null)
  })

  test('that was never analysed has no estimate while it waits', () => {
    const { statistics, apply } = start()
    apply({ ...planned, estimatedRows: 0 })
    assert.equal(statistics.view().tables[0]!.estimatedRows, null)
    apply(began)
    assert.equal(statistics.view().tables[0]!.estimatedRows, 120)
  })

  test('keeps its counts when it is renamed', () => {
    const { statistics, apply } = start()
    const before = { lsn: lsn(90n), ordinal: 2 }
    const entries = [
      changes(ORDERS, { i: 3 }, before),
      rename(ORDERS, USERS),
      changes(USERS, { i: 1 }),
    ]
    apply(written(1, T0, { entries }))
    const [table, ...others] = statistics.view().tables
    assert.deepEqual([table?.table, table?.inserts, table?.ddls], [USERS, 4, 1])
    assert.equal(others.length, 0)
  })

  test('is gone when it is dropped, also if another takes its name at once', () => {
    const { statistics, apply } = start()
    apply(written(1, T0, { entries: [changes(ORDERS, { i: 3 }), changes(USERS, { i: 5 })] }))
    apply(written(2, T0, { entries: [rename(ORDERS, USERS), drop(USERS)] }))
    const names = () => statistics.view().tables.map(({ table, inserts }) => [table, inserts])
    assert.deepEqual(names(), [[USERS, 3]])
    apply(written(3, T0, { entries: [drop(USERS)] }))
    assert.deepEqual(names(), [])
  })
})

describe('the sentence', () => {
  test('goes from "Starting" over the load to "Load complete, replication ongoing"', () => {
    const { statistics, apply } = start()
    const sentence = (): string => statistics.view().sentence
    assert.equal(sentence(), 'Starting')
    statistics.transition('started')
    apply(capture('loading'), target('running'), began)
    assert.equal(sentence(), 'Full load in progress, replication ongoing')
    apply(ended, written(1, T0, { entries: [loadEnd(ORDERS, 100)] }), capture('streaming'))
    assert.equal(sentence(), 'Full load in progress, replication ongoing')
    apply(straggler('ready'), applied(1, T0), straggler('joined'))
    assert.equal(sentence(), 'Load complete, replication ongoing')
    statistics.transition('stop')
    assert.equal(sentence(), 'Stopping')
    statistics.transition('ended')
    assert.equal(sentence(), 'Stopped')
  })

  test('stays "Load complete" while a table is loaded again', () => {
    const { statistics, apply } = replicating()
    assert.equal(statistics.view().sentence, 'Load complete, replication ongoing')
    apply({ ...began, isReload: true })
    assert.equal(statistics.view().sentence, 'Load complete, replication ongoing')
  })

  test('tells when the source is away', () => {
    const { statistics, apply } = replicating()
    apply(capture('retrying', new CodedError('CONNECTION_LOST', 'the connection broke')))
    const { sentence, capture: view } = statistics.view()
    assert.equal(sentence, 'Replication interrupted, trying again')
    assert.equal(view.error?.code, 'CONNECTION_LOST')
    assert.match(view.error?.hint ?? '', /firewall/)
  })

  test('says "with errors" when a table is suspended', () => {
    const { statistics, apply } = replicating()
    apply(straggler('suspended', { error: new CodedError('FILL_MISSING', 'no row') }))
    assert.equal(statistics.view().sentence, 'Load complete, replication ongoing, with errors')
  })

  test('is "Failed" with the error that did it', () => {
    const { statistics } = replicating()
    statistics.transition('failed', new TypeError('x is not a function'))
    const { state, error } = statistics.view()
    assert.equal(state, 'failed')
    assert.deepEqual([error?.code, error?.message], ['UNEXPECTED', 'x is not a function'])
  })

  test('does not allow a step that cannot happen', () => {
    const { statistics } = replicating()
    assert.throws(() => statistics.transition('start'), /running cannot take "start"/)
  })
})

describe('the lag of a target', () => {
  const late = { entries: [changes(ORDERS, { i: 10 })], latencyMs: 500 }

  test('is not known before the target has told where it is', () => {
    const { statistics } = start()
    const [view] = statistics.view().targets
    assert.deepEqual([view?.n, view?.behind, view?.lagSeconds], [null, null, null])
  })

  test('grows from the commit of the oldest change that it lacks', () => {
    const { statistics, apply, after, time } = replicating()
    after(60)
    apply(written(3, time.now, late))
    after(2)
    apply(written(4, time.now, late))
    after(3)
    const [view] = statistics.view().targets
    assert.deepEqual([view?.behind, view?.lagSeconds], [2, 5.5])
  })

  test('is what it was on arrival for ten seconds, then zero, however long the source is idle', () => {
    const { statistics, apply, after, time } = replicating()
    after(60)
    apply(written(3, time.now, late))
    after(1.5)
    apply(applied(3, time.now, 10))
    assert.equal(statistics.view().targets[0]?.lagSeconds, 2)
    after(11)
    assert.equal(statistics.view().targets[0]?.lagSeconds, 0)
    after(3600)
    assert.equal(statistics.view().targets[0]?.lagSeconds, 0)
  })

  test('is zero when it lacks nothing but heartbeats', () => {
    const { statistics, apply, after, time } = replicating()
    after(60)
    apply(written(3, time.now, {}))
    after(30)
    const [view] = statistics.view().targets
    assert.deepEqual([view?.behind, view?.lagSeconds], [0, 0])
    assert.equal(statistics.view().lake.head, 3)
  })

  test('of one that was away before this run is the age of what it shows', () => {
    const { statistics, apply, time } = start()
    statistics.seedLake({ head: 50, rows: 1, bytes: 1, files: 1, lastManifestAt: T0 - 1000 })
    apply(applied(40, T0 - 90_000))
    time.now = T0 + 10_000
    const [view] = statistics.view().targets
    assert.deepEqual([view?.behind, view?.lagSeconds], [10, 100])
  })
})

describe('the lag of capture', () => {
  test('is how old changes were when they became durable, and zero when none come', () => {
    const { statistics, apply, after, time } = replicating()
    apply(written(3, time.now, { entries: [changes(ORDERS, { i: 1 })], latencyMs: 1200 }))
    assert.equal(statistics.view().capture.lagSeconds, 1.2)
    after(11)
    assert.equal(statistics.view().capture.lagSeconds, 0)
  })

  test('is the time since the last manifest while the source is away', () => {
    const { statistics, apply, after } = replicating()
    apply(capture('retrying', new CodedError('CONNECTION_LOST', 'broke')))
    after(45)
    assert.equal(statistics.view().capture.lagSeconds, 45)
  })

  test('comes with what threatens the slot, as long as it does', () => {
    const { statistics, apply } = start()
    assert.deepEqual(statistics.view().capture.warnings, [])
    const message = 'the limit is near'
    apply({ type: 'capture-warnings', warnings: [{ kind: 'wal-limit', message }] })
    assert.deepEqual(statistics.view().capture.warnings, [message])
    apply({ type: 'capture-warnings', warnings: [] })
    assert.deepEqual(statistics.view().capture.warnings, [])
  })

  test('comes with a warning while commit times lie ahead of our clock', () => {
    const { statistics, apply, after } = start()
    apply({ type: 'clock-ahead', files: 2, ms: 300_400 })
    const said = ['commit times of the source lie 300 s ahead of the clock of this machine']
    assert.deepEqual(statistics.view().capture.warnings, said)
    after(60)
    assert.deepEqual(statistics.view().capture.warnings, said)
    after(1)
    assert.deepEqual(statistics.view().capture.warnings, [])
  })

  test('does not hide values that did not fit: each table counts them by column', () => {
    const { statistics, apply } = start()
    const unfit = { type: 'values-unfit', table: ORDERS, policy: 'null' } as const
    apply({ ...unfit, column: 'valid', values: 2 })
    apply({ ...unfit, column: 'valid', values: 1 })
    apply({ ...unfit, column: 'price', values: 5 })
    const [table] = statistics.view().tables.filter((one) => one.table === ORDERS)
    assert.deepEqual(table!.unfit, { valid: 3, price: 5 })
  })

  test('in bytes is what the source keeps', () => {
    const { statistics, apply } = start()
    apply({ type: 'source-lag', serverLsn: lsn(5000n), confirmedLsn: lsn(2000n) })
    assert.equal(statistics.view().capture.lagBytes, 3000)
  })
})

describe('the lake', () => {
  test('is counted on top of what it held before', () => {
    const { statistics, apply } = start()
    statistics.seedLake({ head: 8, rows: 1000, bytes: 50, files: 3, lastManifestAt: null })
    apply(written(9, T0, { entries: [changes(ORDERS, { i: 5 }), loadPart(USERS, 40)] }))
    const { head, rows, bytes, files, lastManifestAt } = statistics.view().lake
    assert.deepEqual([head, rows, bytes, files, lastManifestAt], [9, 1045, 1450, 5, T0])
  })
})

describe('the history', () => {
  test('has a point a second with rates and lags', () => {
    const { statistics, apply, after, time } = replicating()
    const before = statistics.history().length
    for (let i = 1; i <= 5; i++) {
      after(1)
      const entries = [changes(ORDERS, { i: 100 })]
      apply(written(2 + i, time.now, { entries, latencyMs: 300 }))
      statistics.tick()
    }
    const points = statistics.history().slice(before)
    assert.equal(points.length, 5)
    assert.equal(points.at(-1)?.at, time.now)
    // Five times 100 changes, and a load of 100 rows before.
    assert.equal(points.at(-1)?.rowsPerSecond, 120)
    assert.equal(points.at(-1)?.captureLagSeconds, 0.3)
    assert.equal(points.at(-1)?.targets['warehouse'], 4.3)
  })

  test('ends after fifteen minutes', () => {
    const { statistics, after } = start()
    for (let i = 0; i < HISTORY_POINTS + 100; i++) {
      after(1)
      statistics.tick()
    }
    assert.equal(statistics.history().length, HISTORY_POINTS)
    assert.equal(statistics.history()[0]?.at, T0 + 101_000)
  })
})

test('a view is plain JSON', () => {
  const { statistics } = replicating()
  const view = statistics.view()
  assert.deepEqual(JSON.parse(JSON.stringify(view)), view)
})

describe('a table that the source cannot replicate', () => {
  const refusal = (...names: string[]): TaskEvent => ({
    type: 'tables-refused',
    refused: names.map((name) => ({
      name: { namespace: 'app', name },
      error: new CodedError('TABLE_WITHOUT_KEY', `${name} has no key`, { hint: 'add one' }),
    })),
  })

  test('is in error with the cure, and known no more when it is gone', () => {
    const { statistics, apply } = start()
    apply(refusal('log'))
    const [table] = statistics.view().tables
    assert.deepEqual([table!.table, table!.state], ['app.log', 'Table error'])
    assert.deepEqual(table!.error, {
      code: 'TABLE_WITHOUT_KEY',
      message: 'log has no key',
      hint: 'add one',
    })
    apply(refusal())
    assert.deepEqual(statistics.view().tables, [])
  })

  test('keeps what is known of it, when it is cured', () => {
    const { statistics, apply } = start()
    apply(written(1, T0, { entries: [loadEnd(ORDERS, 3)] }), refusal('orders'))
    assert.equal(statistics.view().tables[0]!.state, 'Table error')
    apply(refusal())
    assert.equal(statistics.view().tables[0]!.loadedRows, 3)
  })
})
