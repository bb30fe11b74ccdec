/** What each manifest does to the state of the log. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { lsn } from '../../../../src/core/lsn.ts'
import type { Entry, Manifest, ShapeEntry } from '../../../../src/core/manifest.ts'
import type { TableId } from '../../../../src/core/table.ts'
import {
  advance,
  initialState,
  laterDay,
  type LoadState,
  type LogState,
  type TableState,
} from '../../../../src/lake/log/log-state.ts'
import {
  changesEntry,
  changesManifest,
  epochManifest,
  loadBegin,
  loadPart,
  openManifest,
  ORDERS,
  RUN,
  shapeAt,
  USERS,
} from '../../../support/manifests.ts'

const SPARE = 'app.spare' as TableId

describe('the state of the log', () => {
  test('takes its positions, clocks and numbers from the manifest', () => {
    const open = openManifest(1, { timeline: 3, epoch: 2 })
    assert.deepEqual(advance(initialState, open), {
      n: 1,
      generation: 1,
      epoch: 2,
      timeline: 3,
      run: RUN,
      to: open.to,
      confirm: open.confirm,
      clock: open.clock,
      dt: '2026-11-23',
      tables: new Map(),
    })
  })

  test('keeps the run of the last open or epoch manifest', () => {
    const changes = stateAfter([openManifest(1), changesManifest(2)])
    assert.deepEqual(changes.run, RUN)
    const epoch = stateAfter([openManifest(1), epochManifest(2, 2, true), changesManifest(3)])
    assert.equal(epoch.run?.systemId, 'system of epoch 2')
  })

  test('refuses a manifest that does not follow', () => {
    assert.throws(() => advance(initialState, changesManifest(2)), /manifest 2 does not follow 0/)
  })

  test('shares its tables with the state before when none of them changes', () => {
    const before = stateAfter([changesManifest(1, { entries: [changesEntry()] })])
    const after = advance(before, changesManifest(2, { entries: [changesEntry()] }))
    assert.equal(after.tables, before.tables)
  })

  test('leaves the state before as it was', () => {
    const before = stateAfter([changesManifest(1, { entries: [loadBegin('l1')] })])
    const copy = structuredClone(before)
    advance(before, changesManifest(2, { entries: [loadPart('l1'), end('l1'), drop()] }))
    assert.deepEqual(before, copy)
  })
})

describe('the day of the log', () => {
  const cases = [
    [null, '2026-11-23T00:00:00Z', '2026-11-23'],
    ['2026-11-23', '2026-11-24T00:00:00.000Z', '2026-11-24'],
    ['2026-11-23', '2026-11-22T23:59:59.999Z', '2026-11-23'],
    ['2026-12-31', '2027-01-01T00:00:00Z', '2027-01-01'],
  ] as const
  for (const [last, time, day] of cases) {
    test(`${last} is followed at ${time} by ${day}`, () => assert.equal(laterDay(last, time), day))
  }
})

describe('the tables of the log', () => {
  const cases: { name: string; entries: Entry[][]; tables: [TableId, Partial<TableState>][] }[] = [
    { name: 'are none at first', entries: [[]], tables: [] },
    {
      name: 'are introduced by changes',
      entries: [[changesEntry()]],
      tables: [[ORDERS, { shape: shapeAt(1) }]],
    },
    {
      name: 'are introduced by a shape',
      entries: [[shape(2)]],
      tables: [[ORDERS, { shape: shapeAt(2) }]],
    },
    {
      name: 'are introduced by a load',
      entries: [[loadBegin('l1')]],
      tables: [[ORDERS, { shape: shapeAt(1), openLoads: [load('l1')] }]],
    },
    { name: 'are not introduced by a truncate', entries: [[truncate()]], tables: [] },
    {
      name: 'keep their loads over a truncate and a new shape',
      entries: [[loadBegin('l1'), end('l1'), truncate(), shape(2), loadBegin('l2')]],
      tables: [
        [
          ORDERS,
          { shape: shapeAt(2), newestLoad: load('l1', { endedAt: 1 }), openLoads: [load('l2')] },
        ],
      ],
    },
    {
      name: 'get no new shape by a load',
      entries: [[changesEntry(), loadBegin('l1', { shape: shapeAt(9) })]],
      tables: [[ORDERS, { shape: shapeAt(1), openLoads: [load('l1', { shape: shapeAt(9) })] }]],
    },
    { name: 'are gone after a drop', entries: [[changesEntry(), drop()]], tables: [] },
    {
      name: 'begin anew when they come back after a drop',
      entries: [[loadBegin('l1'), end('l1')], [drop()], [shape(3)]],
      tables: [[ORDERS, { shape: shapeAt(3) }]],
    },
    {
      name: 'take their loads along when they are renamed, with the first name of each',
      entries: [
        [loadBegin('l1'), end('l1')],
        [rename(ORDERS, USERS, 1)],
        [rename(USERS, SPARE, 2)],
      ],
      tables: [
        [SPARE, { shape: shapeAt(2), newestLoad: load('l1', { endedAt: 1, under: ORDERS }) }],
      ],
    },
    {
      name: 'leave a load behind that is still open, since it is that of another table',
      entries: [[loadBegin('l1')], [rename(ORDERS, USERS, 1)], [end('l1')]],
      tables: [[USERS, { shape: shapeAt(2) }]],
    },
    {
      name: 'give up a name before another table takes it, though both stand at one position',
      entries: [
        [loadBegin('l1'), end('l1'), changesEntry({ table: USERS })],
        [rename(ORDERS, USERS, 10), { type: 'drop', ...barrier(10), table: USERS }],
      ],
      tables: [
        [USERS, { shape: shapeAt(2), newestLoad: load('l1', { endedAt: 1, under: ORDERS }) }],
      ],
    },
    {
      name: 'have no load any more after an ambiguous change',
      entries: [[loadBegin('l1'), end('l1')], [ambiguous(2)]],
      tables: [[ORDERS, { shape: shapeAt(2), ambiguousAt: 2 }]],
    },
    {
      name: 'do not take a load that was asked for before an ambiguous change',
      entries: [[loadBegin('l1', { since: 1 })], [ambiguous(2)], [end('l1')]],
      tables: [[ORDERS, { shape: shapeAt(2), ambiguousAt: 2 }]],
    },
    {
      name: 'take a load that was asked for after an ambiguous change',
      entries: [
        [loadBegin('l1'), end('l1')],
        [ambiguous(2)],
        [loadBegin('l2', { since: 2 }), end('l2')],
      ],
      tables: [
        [
          ORDERS,
          {
            shape: shapeAt(2),
            ambiguousAt: 2,
            newestLoad: load('l2', { since: 2, beganAt: 3, endedAt: 3 }),
          },
        ],
      ],
    },
    {
      name: 'have the notes of partitions that their first load brings, until a barrier brings others',
      entries: [
        [loadBegin('l1', { partitions: ['7:70', '8:80'] }), end('l1')],
        [loadBegin('l2', { partitions: ['9:90'] })],
        [{ ...shape(1), partitions: ['7:71', '8:80'] }],
      ],
      tables: [
        [
          ORDERS,
          {
            shape: shapeAt(1),
            newestLoad: load('l1', { endedAt: 1 }),
            openLoads: [load('l2', { beganAt: 2 })],
            partitions: ['7:71', '8:80'],
          },
        ],
      ],
    },
    {
      name: 'forget in which files their partitions are when they are truncated',
      entries: [[loadBegin('l1', { partitions: ['7:70', '8:80'] })], [truncate()], [truncate()]],
      tables: [[ORDERS, { shape: shapeAt(1), openLoads: [load('l1')], partitions: ['7', '8'] }]],
    },
    {
      name: 'keep the mark of an ambiguous change when they are renamed, and lose it when they go',
      entries: [
        [shape(1)],
        [ambiguous(2)],
        [rename(ORDERS, USERS, 200)],
        [shape(3)],
        [ambiguous(4)],
        [drop()],
      ],
      tables: [[USERS, { shape: shapeAt(2), ambiguousAt: 2 }]],
    },

    {
      name: 'are introduced by a rename',
      entries: [[rename(ORDERS, USERS, 1)]],
      tables: [[USERS, { shape: shapeAt(2) }]],
    },
    {
      name: 'can swap their names, in whatever order their entries stand',
      entries: [
        [loadBegin('l1'), loadBegin('l2', { table: USERS })],
        [rename(USERS, ORDERS, 20), rename(SPARE, USERS, 30), rename(ORDERS, SPARE, 10)],
      ],
      tables: [
        [ORDERS, { shape: shapeAt(2) }],
        [USERS, { shape: shapeAt(2) }],
      ],
    },
    {
      name: 'have the changes before a rename under the old name',
      entries: [
        [
          changesEntry({ first: { lsn: lsn(1n), ordinal: 2 } }),
          rename(ORDERS, USERS, 5),
          changesEntry({ shape: shapeAt(7), first: { lsn: lsn(6n), ordinal: 2 } }),
        ],
      ],
      tables: [
        [USERS, { shape: shapeAt(2) }],
        [ORDERS, { shape: shapeAt(7) }],
      ],
    },
  ]

  for (const { name, entries, tables } of cases) {
    test(name, () => {
      const manifests = entries.map((list, i) => changesManifest(i + 1, { entries: list }))
      assert.deepEqual(
        stateAfter(manifests).tables,
        new Map(tables.map(([id, table]) => [id, { newestLoad: null, openLoads: [], ...table }])),
      )
    })
  }
})

describe('a load', () => {
  const begun = changesManifest(1, { entries: [loadBegin('l1', { since: 0, for: ['shop/x'] })] })
  const part = changesManifest(2, { entries: [loadPart('l1'), loadPart('l1', { rows: 5 })] })
  const ended = changesManifest(3, { entries: [end('l1', 15)] })
  const open = load('l1', { since: 0, for: ['shop/x'] })
  const complete = { ...open, rows: 15, parts: 2, endedAt: 3 }

  const cases: {
    name: string
    manifests: Manifest[]
    newest?: LoadState
    open?: LoadState[]
    isFormer?: true
  }[] = [
    { name: 'is open once it has begun', manifests: [begun], open: [open] },
    {
      name: 'counts its parts and rows',
      manifests: [begun, part],
      open: [{ ...open, rows: 15, parts: 2 }],
    },
    { name: 'is the newest once it has ended', manifests: [begun, part, ended], newest: complete },
    {
      name: 'is gone when it is cancelled',
      manifests: [begun, part, changesManifest(3, { entries: [cancel('l1')] })],
    },
    {
      name: 'stays the newest while the next is open or cancelled',
      manifests: [
        begun,
        part,
        ended,
        changesManifest(4, { entries: [loadBegin('l2'), loadPart('l2'), loadBegin('l3')] }),
        changesManifest(5, { entries: [cancel('l2')] }),
      ],
      newest: complete,
      open: [load('l3', { beganAt: 4 })],
    },
    {
      name: 'gives way to the next that ends',
      manifests: [
        begun,
        part,
        ended,
        changesManifest(4, { entries: [loadBegin('l2'), end('l2')] }),
      ],
      newest: load('l2', { beganAt: 4, endedAt: 4 }),
    },
    {
      name: 'is nobody’s newest after an epoch that lost something, but an open one stays open',
      manifests: [
        begun,
        part,
        ended,
        changesManifest(4, { entries: [loadBegin('l2')] }),
        epochManifest(5, 2, false),
      ],
      open: [load('l2', { beganAt: 4 })],
      isFormer: true,
    },
    {
      name: 'stays the newest over an epoch that continues',
      manifests: [begun, part, ended, epochManifest(4, 2, true)],
      newest: complete,
    },
    {
      name: 'belongs to the epoch in which it began',
      manifests: [
        epochManifest(1, 2, false),
        changesManifest(2, { epoch: 2, entries: [loadBegin('l1')] }),
      ],
      open: [load('l1', { epoch: 2, beganAt: 2 })],
    },
    {
      name: 'that is not open is not changed by what is said of it',
      manifests: [
        begun,
        part,
        ended,
        changesManifest(4, { entries: [loadPart('l1'), end('l1', 9), cancel('l1'), end('l0')] }),
      ],
      newest: complete,
    },
  ]

  for (const { name, manifests, newest = null, open: openLoads = [], ...flags } of cases) {
    test(name, () => {
      const table = stateAfter(manifests).tables.get(ORDERS)
      assert.deepEqual(table, { shape: shapeAt(1), newestLoad: newest, openLoads, ...flags })
    })
  }
})

function stateAfter(manifests: readonly Manifest[]): LogState {
  let state = initialState
  for (const manifest of manifests) state = advance(state, manifest)
  return state
}

function load(id: string, fields: Partial<LoadState> = {}): LoadState {
  const { lsn: at, since, shape: key, for: consumers } = loadBegin(id)
  const begin = { load: id, lsn: at, epoch: 1, since, shape: key, for: consumers }
  return { ...begin, beganAt: 1, endedAt: null, rows: 0, parts: 0, ...fields }
}

function end(id: string, rows = 0): Entry {
  return { type: 'load-end', table: ORDERS, load: id, rows }
}

function cancel(id: string): Entry {
  return { type: 'load-cancel', table: ORDERS, load: id }
}

function barrier(at = 150) {
  return { table: ORDERS, position: { lsn: lsn(BigInt(at)), ordinal: 2 }, order: 5 }
}

function truncate(): Entry {
  return { type: 'truncate', ...barrier() }
}

function drop(): Entry {
  return { type: 'drop', ...barrier() }
}

function shape(number: number): ShapeEntry {
  return { type: 'shape', ...barrier(), shape: shapeAt(number), defaults: {} }
}

function ambiguous(number: number): Entry {
  return { ...shape(number), isAmbiguous: true }
}

function rename(table: TableId, to: TableId, at: number): Entry {
  return { type: 'rename', ...barrier(at), table, to, shape: shapeAt(2) }
}
