import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { control, placeInLog, WAITING } from '../../../src/apply/controls.ts'
import type { LoadView } from '../../../src/apply/log.ts'
import type { Straggler, StragglerLoad } from '../../../src/core/ledger.ts'
import { lsn } from '../../../src/core/lsn.ts'
import type { LoadEntry } from '../../../src/core/manifest.ts'
import { id, loadBegin, loadCancel, loadEnd } from './scripted-log.ts'

const US = 'shop/memory'
const L: StragglerLoad = {
  load: 'L',
  lsn: lsn(50n),
  epoch: 1,
  since: 3,
  beganAt: 5,
  endedAt: null,
}
const loading: Straggler = { ...WAITING, state: 'loading', load: L }
const beside: Straggler = { ...loading, isPassed: false }
const suspended: Straggler = { ...WAITING, state: 'suspended', n: 4 }
const begin = (names: 'all' | string[], since = 3) =>
  loadBegin('a', 'M', { lsn: 60, since, for: names })
const M: StragglerLoad = { ...L, load: 'M', lsn: lsn(60n), beganAt: 7 }

describe('what a load in the log makes of a row', () => {
  const cases: {
    name: string
    row: Straggler | null
    entry: LoadEntry
    isLive?: boolean
    after: Straggler | null | undefined
  }[] = [
    {
      name: 'a begin for all of a new table: it is loaded, and passed by meanwhile',
      row: null,
      entry: begin('all'),
      after: { ...loading, load: M },
    },
    {
      name: 'a begin for all of a live table: it is loaded beside',
      row: null,
      entry: begin('all'),
      isLive: true,
      after: { ...beside, load: M },
    },
    {
      name: 'a begin of a waiting table that has an old copy: it stays passed by',
      row: WAITING,
      entry: begin([US]),
      isLive: true,
      after: { ...loading, load: M },
    },
    {
      name: 'a begin of a table that is loaded beside: the new load takes the place of the old',
      row: { ...beside, state: 'ready', partsDone: 2, shape: 'a1' },
      entry: begin('all'),
      isLive: true,
      after: { ...beside, load: M },
    },
    {
      name: 'a begin of a suspended table: its error is forgotten',
      row: { ...suspended, error: { code: 'VALUE_UNFIT', message: '' } },
      entry: begin('all'),
      isLive: true,
      after: { ...loading, load: M },
    },
    { name: 'a begin for others', row: WAITING, entry: begin(['shop/x']), after: undefined },
    {
      name: 'a begin whose log is no longer kept',
      row: WAITING,
      entry: begin('all', 1),
      after: undefined,
    },
    {
      name: 'the end of its load',
      row: loading,
      entry: loadEnd('a', 'L'),
      after: { ...loading, state: 'ready', load: { ...L, endedAt: 7 } },
    },
    { name: 'the end of another load', row: loading, entry: loadEnd('a', 'K'), after: undefined },
    {
      name: 'the end of a load of no straggler',
      row: null,
      entry: loadEnd('a', 'L'),
      after: undefined,
    },
    {
      name: 'the end of the load of a table that was suspended: it stays suspended',
      row: { ...loading, state: 'suspended' },
      entry: loadEnd('a', 'L'),
      after: { ...loading, state: 'suspended', load: { ...L, endedAt: 7 } },
    },
    {
      name: 'a cancel of the load of a table that is passed by: it waits again',
      row: loading,
      entry: loadCancel('a', 'L'),
      after: WAITING,
    },
    {
      name: 'a cancel of a load beside a live copy: the live copy goes on',
      row: beside,
      entry: loadCancel('a', 'L'),
      after: null,
    },
    {
      name: 'a cancel of another load',
      row: beside,
      entry: loadCancel('a', 'K'),
      after: undefined,
    },
    { name: 'a cancel while waiting', row: WAITING, entry: loadCancel('a', 'L'), after: undefined },
  ]

  for (const { name, row, entry, isLive = false, after } of cases) {
    test(name, () => {
      const facts = { consumer: US, first: 4, n: 7, epoch: 1, isLive }
      assert.deepEqual(control(row, entry, facts), after)
    })
  }
})

describe('a table without a live copy begins', () => {
  const complete: LoadView = { ...L, for: ['shop/x'], endedAt: 9 }
  const open: LoadView = { ...L, load: 'O', for: 'all', endedAt: null }
  const place = { n: 9, first: 4, consumer: US }
  const cases: {
    name: string
    newest?: LoadView
    open?: LoadView[]
    state: string
    load: string | null
  }[] = [
    {
      name: 'at the newest complete load, whoever it was for',
      newest: complete,
      state: 'ready',
      load: 'L',
    },
    {
      // The rows that followed it under the old name were not found, and the table was suspended.
      name: 'waiting, if the newest load stands in the log under another name',
      newest: { ...complete, under: id('former') },
      state: 'waiting',
      load: null,
    },
    {
      name: 'at it rather than at an open one',
      newest: complete,
      open: [open],
      state: 'ready',
      load: 'L',
    },
    { name: 'at an open load for all', open: [open], state: 'loading', load: 'O' },
    { name: 'at an open load for us', open: [{ ...open, for: [US] }], state: 'loading', load: 'O' },
    {
      name: 'waiting, if the open load is for others',
      open: [{ ...open, for: ['shop/x'] }],
      state: 'waiting',
      load: null,
    },
    {
      name: 'waiting, if the log after the load is gone',
      newest: { ...complete, since: 2 },
      state: 'waiting',
      load: null,
    },
    {
      name: 'at the open load, if the log after the complete one is gone',
      newest: { ...complete, since: 2 },
      open: [open],
      state: 'loading',
      load: 'O',
    },
    {
      name: 'waiting, if the load ends after the place',
      newest: { ...complete, endedAt: 10 },
      state: 'waiting',
      load: null,
    },
    { name: 'waiting, if there was no load', state: 'waiting', load: null },
  ]

  for (const { name, newest = null, open: openLoads = [], state, load } of cases) {
    test(name, () => {
      const row = placeInLog({ newestLoad: newest, openLoads }, place)
      assert.deepEqual([row.state, row.load?.load ?? null, row.isPassed], [state, load, true])
    })
  }

  test('waiting, if the log does not know it', () => {
    assert.deepEqual(placeInLog(undefined, place), WAITING)
  })
})
