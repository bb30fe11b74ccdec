/** The log over an epoch that lost something. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { lsn } from '../../../../src/core/lsn.ts'
import type { Entry } from '../../../../src/core/manifest.ts'
import { LogReader } from '../../../../src/lake/log/log-reader.ts'
import { advance, initialState, type LogState } from '../../../../src/lake/log/log-state.ts'
import { LogWriter } from '../../../../src/lake/log/log-writer.ts'
import { Rollups } from '../../../../src/lake/log/rollups.ts'
import { Shapes } from '../../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import {
  changesEntry,
  changesManifest,
  epochManifest,
  loadBegin,
  openManifest,
  ORDERS,
  RUN,
  shapeAt,
  USERS,
} from '../../../support/manifests.ts'
import { shapeOf } from '../../../support/tuples.ts'

const NOW = 1_795_428_000_000
const ELSEWHERE = { ...RUN, systemId: '7' }

describe('a table of the log', () => {
  const past = [
    openManifest(1),
    changesManifest(2, { entries: [changesEntry(), changesEntry({ table: USERS })] }),
  ]
  const after = (...entries: Entry[]): LogState => {
    const manifests = [...past, epochManifest(3, 2, false), changesManifest(4, { entries })]
    let state = initialState
    for (const manifest of manifests) state = advance(state, manifest)
    return state
  }
  const position = { lsn: lsn(5n), ordinal: 2 }
  const cases: readonly (readonly [string, Entry])[] = [
    ['changes', changesEntry()],
    ['another shape', changesEntry({ shape: shapeAt(2) })],
    ['a load', loadBegin('l1')],
    ['a load of another shape', loadBegin('l1', { shape: shapeAt(2) })],
    [
      'a barrier',
      { type: 'shape', table: ORDERS, position, order: 1, shape: shapeAt(2), defaults: {} },
    ],
  ]

  test('is of before, with the shape it had', () => {
    const former = { shape: shapeAt(1), newestLoad: null, isFormer: true, openLoads: [] }
    assert.deepEqual([...after().tables.values()], [former, former])
  })

  for (const [name, entry] of cases) {
    test(`is of the present with ${name}, and has the shape that is named there`, () => {
      const { tables } = after(entry)
      assert.equal(tables.get(ORDERS)?.isFormer, undefined)
      assert.equal(tables.get(ORDERS)?.shape, 'shape' in entry ? entry.shape : null)
      assert.equal(tables.get(USERS)?.isFormer, true)
    })
  }

  test('is forgotten if the epoch drops it', () => {
    let state = initialState
    const entries: Entry[] = [{ type: 'drop', table: USERS, position, order: 1 }]
    for (const manifest of [...past, { ...epochManifest(3, 2, false), entries }]) {
      state = advance(state, manifest)
    }
    assert.deepEqual([...state.tables.keys()], [ORDERS])
  })

  test('is of before in a roll-up too', async () => {
    const store = new MemoryStore()
    const shapes = new Shapes(store)
    const shape = await shapes.write(shapeOf(['id']))
    const manifests = [
      openManifest(1),
      changesManifest(2, { entries: [changesEntry({ shape })] }),
      epochManifest(3, 2, false),
    ]
    let state = initialState
    for (const manifest of manifests) state = advance(state, manifest)
    const rollups = new Rollups({ store, shapes, every: 3 })
    await rollups.writeIfDue(state)
    assert.deepEqual(await rollups.newest(), state)
  })
})

describe('a writer', () => {
  test('begins an epoch where the new slot stands, and order goes on', async () => {
    const store = new MemoryStore()
    const shapes = new Shapes(store)
    const reader = new LogReader({ store, shapes, rollupEvery: 1000 })
    // The clock of this machine has gone back meanwhile.
    let now = NOW
    const clock = { now: () => now, sleep: async () => {} }
    const { rollups } = reader
    const log = new LogWriter({ store, shapes, reader, rollups, clock, writer: 'w', format: 'csv' })
    const open = await log.open(initialState, RUN, { lsn: lsn(900n), timeline: 1 })
    now -= 1_000_000
    const begin = { run: ELSEWHERE, lsn: lsn(50n), timeline: 7, without: [USERS] }
    const epoch = await log.loseEpoch(begin)
    assert.deepEqual(epoch, {
      n: 2,
      kind: 'epoch',
      writer: 'w',
      generation: 1,
      epoch: 2,
      timeline: 7,
      to: { lsn: 50n, ordinal: 0, end: true },
      confirm: 50n,
      clock: open.clock + 2,
      closedAt: new Date(now).toISOString(),
      continues: false,
      run: ELSEWHERE,
      entries: [
        { type: 'drop', table: USERS, position: { lsn: 50n, ordinal: 0 }, order: open.clock },
      ],
    })
    const { n, generation, run } = await reader.recover()
    assert.deepEqual({ n, generation, run }, { n: 2, generation: 1, run: ELSEWHERE })
    assert.deepEqual(await reader.manifest(2), epoch)
  })
})
