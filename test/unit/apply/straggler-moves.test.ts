import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { WAITING } from '../../../src/apply/controls.ts'
import type { LoadView } from '../../../src/apply/log.ts'
import { Pieces } from '../../../src/apply/pieces.ts'
import {
  addEntries,
  isHeldBack,
  keptFrom,
  mayJoin,
  mustAsk,
  nextMove,
  partsToTake,
  resumed,
} from '../../../src/apply/straggler-moves.ts'
import type { Straggler, StragglerLoad } from '../../../src/core/ledger.ts'
import { lsn } from '../../../src/core/lsn.ts'
import { LARGE } from './desk.ts'
import { id, insert, reshape, ScriptedLog, truncate } from './scripted-log.ts'

const load: StragglerLoad = { load: 'L', lsn: lsn(50n), epoch: 2, since: 3, beganAt: 5, endedAt: 9 }
const catching: Straggler = { ...WAITING, state: 'catching-up', n: 6, load, shape: 'a1' }

describe('the next move of a straggler', () => {
  const cases: [row: Straggler, ledgerN: number, move: string][] = [
    [WAITING, 0, 'none'],
    [WAITING, 7, 'find-load'],
    [{ ...WAITING, state: 'loading', load }, 7, 'none'],
    [{ ...WAITING, state: 'suspended', n: 3 }, 7, 'none'],
    [{ ...WAITING, state: 'ready', load }, 7, 'take-parts'],
    [catching, 7, 'catch-up'],
    [catching, 6, 'join'],
  ]
  for (const [row, ledgerN, move] of cases) {
    test(`${row.state} at ${row.n} with the ledger at ${ledgerN}: ${move}`, () => {
      assert.equal(nextMove(row, ledgerN), move)
    })
  }
})

describe('a straggler', () => {
  const cases: [
    name: string,
    load: StragglerLoad | null,
    epoch: number,
    confirm: bigint,
    may: boolean,
  ][] = [
    ['may not join while the log is behind its load', load, 2, 49n, false],
    ['may join when the log has reached its load', load, 2, 50n, true],
    ['may join in a later epoch, whose LSNs say nothing about its load', load, 3, 1n, true],
    ['may not join in an earlier epoch, however high its LSNs', load, 1, 99n, false],
    ['may join at once if it was not loaded', null, 1, 0n, true],
  ]
  for (const [name, of, epoch, confirm, may] of cases) {
    test(name, () => assert.equal(mayJoin(of, { n: 7, epoch, confirm: lsn(confirm) }), may))
  }

  test('holds an idle log back exactly if the idle manifests let it join', () => {
    const at = (confirm: bigint) => ({ n: 6, epoch: 2, confirm: lsn(confirm) })
    const ledger = {
      n: 6,
      epoch: 2,
      v: 0,
      tables: new Map(),
      stragglers: new Map([[id('a'), catching]]),
    }
    assert.equal(isHeldBack(ledger, at(40n), at(49n)), false)
    assert.equal(isHeldBack(ledger, at(40n), at(50n)), true)
    assert.equal(isHeldBack(ledger, at(50n), at(60n)), false)
    assert.equal(isHeldBack({ ...ledger, stragglers: new Map() }, at(40n), at(50n)), false)
  })
})

describe('on top of a load belongs', () => {
  const cases: [
    name: string,
    load: StragglerLoad | null,
    epoch: number,
    from: bigint | null | 'none',
  ][] = [
    ['nothing of an earlier epoch', load, 1, 'none'],
    ['of its own epoch what commits at its LSN or above', load, 2, 50n],
    ['everything of a later epoch', load, 3, null],
    ['everything, if there is no load', null, 1, null],
  ]
  for (const [name, of, epoch, from] of cases) {
    test(name, () => assert.equal(keptFrom(of, epoch), from))
  }

  test('barriers and files as their rows do, and a file that lies across is cut', () => {
    const log = new ScriptedLog().open()
    log.epoch({ continues: true })
    log.changes({
      to: [70, 4],
      entries: [
        log.rows('a', [insert([30, 2], '1', 'x')], 'a0'),
        reshape('a', [35, 2], { shape: 'a1' }),
        log.rows('a', [insert([40, 2], '2', 'x'), insert([49, 2], '3', 'x')]),
        truncate('a', [49, 4]),
        log.rows('a', [insert([49, 6], '4', 'x'), insert([50, 2], '5', 'x')]),
        log.rows('b', [insert([60, 2], '1', 'x')]),
        reshape('a', [60, 4], { shape: 'a2', defaults: { w: 'new' } }),
        log.rows('a', [insert([70, 2], '6', 'x', 'w')], 'a2'),
      ],
    })
    const pieces = new Pieces(new Map([[id('a'), 'a1']]))
    for (const manifest of log.manifests) addEntries(pieces, manifest, { table: id('a'), load })
    const [across, later] = log.manifests[2]!.entries.filter((_, i) => i === 4 || i === 7)
    assert.deepEqual(pieces.list, [
      { type: 'rows', table: id('a'), shape: 'a1', isTruncated: false, files: [{ entry: across, from: 50n }] },
      { type: 'alter', table: id('a'), from: 'a1', to: 'a2', defaults: { w: 'new' } },
      { type: 'rows', table: id('a'), shape: 'a2', isTruncated: false, files: [{ entry: later, from: null }] },
    ]) // prettier-ignore
  })
})

describe('parts of a load', () => {
  const log = new ScriptedLog()
  const parts = [3, 3, 3].map((rows) =>
    log.part(
      'a',
      'L',
      Array.from({ length: rows }, (_, i) => [String(i), 'x']),
    ),
  )
  const cases: [name: string, done: number, rows: number, taken: number[]][] = [
    ['are taken at once within the limits', 0, 100, [0, 1, 2]],
    ['go on where they were', 1, 100, [1, 2]],
    ['are taken one by one if each fills the limits', 1, 1, [1]],
    ['end with the one that fills the limits', 0, 4, [0, 1]],
    ['are none when all are done', 3, 100, []],
  ]
  for (const [name, done, rows, taken] of cases) {
    test(name, () => {
      const indices = partsToTake(parts, done, { ...LARGE, rows }).map((part) =>
        parts.indexOf(part),
      )
      assert.deepEqual(indices, taken)
    })
  }
})

describe('a waiting table', () => {
  const complete: LoadView = { ...load, for: 'all' }
  const open: LoadView = { ...load, for: 'all', endedAt: null }
  const cases: {
    name: string
    newest?: LoadView
    open?: LoadView[]
    mode?: 'cdc' | 'full-load-and-cdc'
    asks: boolean
  }[] = [
    { name: 'does not ask before capture has loaded it for all', asks: false },
    { name: 'asks if capture never loads by itself', mode: 'cdc', asks: true },
    {
      name: 'does not ask while a load for all is under way',
      newest: complete,
      open: [open],
      asks: false,
    },
    {
      name: 'does not ask while a load for us is under way',
      newest: complete,
      open: [{ ...open, for: ['us'] }],
      asks: false,
    },
    {
      name: 'asks while a load for others is under way',
      newest: complete,
      open: [{ ...open, for: ['x'] }],
      asks: true,
    },
    { name: 'asks if the load that there was is of no use', newest: complete, asks: true },
    {
      name: 'does not ask if a load ends beyond the ledger',
      newest: { ...complete, endedAt: 11 },
      asks: false,
    },
  ]
  for (const {
    name,
    newest = null,
    open: openLoads = [],
    mode = 'full-load-and-cdc',
    asks,
  } of cases) {
    test(name, () => {
      const table = { newestLoad: newest, openLoads }
      assert.equal(mustAsk({ table, mode, ledgerN: 10, consumer: 'us' }), asks)
    })
  }

  test('does not ask for a table that the log does not know', () => {
    assert.equal(mustAsk({ table: undefined, mode: 'cdc', ledgerN: 10, consumer: 'us' }), false)
  })
})

describe('a suspended table goes on', () => {
  const error = { code: 'VALUE_UNFIT', message: '' } as const
  const cases: [name: string, row: Straggler, state: string][] = [
    ['catching up in its live table', { ...WAITING, n: 4 }, 'catching-up'],
    ['catching up in its shadow', catching, 'catching-up'],
    ['with the parts of its load', { ...WAITING, load }, 'ready'],
    [
      'waiting for the end of its load',
      { ...WAITING, load: { ...load, endedAt: null } },
      'loading',
    ],
    ['waiting for a load', WAITING, 'waiting'],
  ]
  for (const [name, row, state] of cases) {
    test(name, () => {
      const next = resumed({ ...row, state: 'suspended', error })
      assert.deepEqual(next, { ...row, state })
    })
  }
})
