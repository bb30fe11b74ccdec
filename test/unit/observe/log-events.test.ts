import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { CodedError } from '../../../src/core/errors.ts'
import type { TaskEvent } from '../../../src/core/events.ts'
import { logEvents } from '../../../src/observe/log-events.ts'
import { createLog } from '../../../src/observe/log.ts'
import { applied, changes, ORDERS, USERS, written } from '../task/events.ts'

function start() {
  const time = { now: 0 }
  const { log, lines } = createLog({ out: { write: () => true }, isPretty: false, level: 'info' })
  const emit = logEvents(log, () => time.now)
  const told = (): unknown[] =>
    lines.since(0).map(({ level, message, fields }) => [level, message, fields])
  return { emit, told, time }
}

describe('log lines of events', () => {
  test('sum up manifests every ten seconds, so that a busy task does not flood the log', () => {
    const { emit, told, time } = start()
    for (let n = 1; n <= 120; n++) {
      time.now += 200
      emit(written(n, time.now, { entries: [changes(ORDERS, { i: 10 })] }))
    }
    const line = { manifests: 50, rows: 500, bytes: 50_000, seconds: 10 }
    assert.deepEqual(told(), [
      ['info', 'changes written', { ...line, upTo: 50 }],
      ['info', 'changes written', { ...line, upTo: 100 }],
    ])
  })

  test('sum up batches per target', () => {
    const { emit, told, time } = start()
    for (let n = 1; n <= 4; n++) {
      time.now += 4000
      emit(applied(n, time.now, 7))
    }
    const fields = { target: 'warehouse', batches: 4, upTo: 4, changes: 28, seconds: 12 }
    assert.deepEqual(told(), [['info', 'changes applied', fields]])
  })

  test('say once which tables wait to be loaded, and why', () => {
    const { emit, told } = start()
    const error = new CodedError('NO_FREE_SLOT', 'all are in use', { hint: 'drop one' })
    for (let i = 0; i < 3; i++) emit({ type: 'look-failed', error, waiting: [ORDERS] })
    emit({ type: 'look-failed', error, waiting: [ORDERS, USERS] })
    const fields = { code: 'NO_FREE_SLOT', error: 'all are in use', hint: 'drop one' }
    assert.deepEqual(told(), [
      ['warn', 'tables wait to be loaded', { tables: [ORDERS], ...fields }],
      ['warn', 'tables wait to be loaded', { tables: [ORDERS, USERS], ...fields }],
    ])
  })

  test('are silent while nothing but heartbeats is written', () => {
    const { emit, told, time } = start()
    for (let n = 1; n <= 60; n++) {
      time.now += 60_000
      emit(written(n, time.now, {}))
      emit(applied(n, time.now, 0))
    }
    assert.deepEqual(told(), [])
  })

  test('tell the rest when capture stops', () => {
    const { emit, told } = start()
    emit(written(1, 0, { entries: [changes(ORDERS, { u: 2 })] }))
    emit({ type: 'capture-state', state: 'stopped', error: null })
    const fields = { manifests: 1, upTo: 1, rows: 2, bytes: 1000, seconds: 0 }
    assert.deepEqual(told(), [
      ['info', 'changes written', fields],
      ['info', 'capture stopped', {}],
    ])
  })

  test('tell of a danger once, though its figures change, and of its end', () => {
    const { emit, told } = start()
    const danger = (message: string): TaskEvent => {
      return { type: 'capture-warnings', warnings: [{ kind: 'wal-limit', message }] }
    }
    emit(danger('2 h left'))
    emit(danger('1 h left'))
    emit({ type: 'capture-warnings', warnings: [] })
    assert.deepEqual(told(), [
      ['warn', 'slot in danger', { kind: 'wal-limit', reason: '2 h left' }],
      ['info', 'slot out of danger', {}],
    ])
  })

  test('tell that a table is gone', () => {
    const { emit, told } = start()
    emit({ type: 'table-dropped', table: ORDERS })
    const message = 'table dropped at the source, or not selected any more'
    assert.deepEqual(told(), [['info', message, { table: 'app.orders' }]])
  })

  test('tell every ten minutes that commit times lie ahead of our clock', () => {
    const { emit, told, time } = start()
    for (let minute = 0; minute < 20; minute++) {
      emit({ type: 'clock-ahead', files: 1, ms: 90_000 })
      time.now += 60_000
    }
    const fields = {
      files: 1,
      seconds: 90,
      hint: 'let source and this machine set their clocks by NTP',
    }
    const line = ['warn', 'commit times of the source lie ahead of our clock', fields]
    assert.deepEqual(told(), [line, line])
  })

  test('tell once for each column that values did not fit', () => {
    const { emit, told } = start()
    const unfit = { type: 'values-unfit', table: ORDERS, policy: 'text' } as const
    for (const column of ['valid_to', 'valid_to', 'price']) emit({ ...unfit, column, values: 3 })
    const message = 'values did not fit into a data file'
    const fields = (column: string) => ({ table: ORDERS, column, policy: 'text', values: 3 })
    assert.deepEqual(
      told().filter((line) => Array.isArray(line) && line[0] === 'warn'),
      [
        ['warn', message, fields('valid_to')],
        ['warn', message, fields('price')],
      ],
    )
  })

  const lost = new CodedError('CONNECTION_LOST', 'the connection broke')
  const refused = new CodedError('TARGET_FAILED', 'relation is missing')
  const cases: [TaskEvent, string, string, string?][] = [
    [{ type: 'capture-state', state: 'streaming', error: null }, 'info', 'capture began to stream'],
    [
      { type: 'capture-state', state: 'retrying', error: lost },
      'warn',
      'capture interrupted',
      'CONNECTION_LOST',
    ],
    [
      { type: 'target-state', target: 'w', state: 'failed', error: refused },
      'error',
      'target failed',
      'TARGET_FAILED',
    ],
    [
      { type: 'load-began', table: ORDERS, isReload: true, estimatedRows: null },
      'info',
      'reload began',
    ],
    [{ type: 'load-ended', table: ORDERS, rows: 1, bytes: 1, seconds: 1 }, 'info', 'load ended'],
    [{ type: 'lake-swept', first: 1001, manifests: 1000, files: 9 }, 'info', 'lake swept'],
    [
      { type: 'sweep-failed', error: new CodedError('LAKE_DAMAGED', 'manifest 7 is missing') },
      'warn',
      'lake could not be swept',
      'LAKE_DAMAGED',
    ],
    [{ type: 'load-cancelled', table: ORDERS, reason: 'altered' }, 'warn', 'load cancelled'],
    [
      { type: 'straggler', target: 'w', table: ORDERS, state: 'joined', rows: 9, error: null },
      'info',
      'table joined',
    ],
    [
      {
        type: 'straggler',
        target: 'w',
        table: ORDERS,
        state: 'suspended',
        rows: 9,
        error: refused,
      },
      'error',
      'table failed',
      'TARGET_FAILED',
    ],
  ]
  for (const [event, level, message, code] of cases) {
    test(`say "${message}" at ${level}`, () => {
      const { emit, told } = start()
      emit(event)
      const [[toldLevel, toldMessage, fields]] = told() as [[string, string, { code?: string }]]
      assert.deepEqual([toldLevel, toldMessage, fields.code], [level, message, code])
    })
  }
})
