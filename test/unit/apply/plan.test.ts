import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { WAITING } from '../../../src/apply/controls.ts'
import type { Piece } from '../../../src/apply/pieces.ts'
import { hasNewTable, planBatch } from '../../../src/apply/plan.ts'
import { unreachable } from '../../../src/core/errors.ts'
import type { Ledger, Straggler } from '../../../src/core/ledger.ts'
import type { Entry, LoadMode } from '../../../src/core/manifest.ts'
import type { TableId } from '../../../src/core/table.ts'
import {
  drop,
  id,
  insert,
  loadBegin,
  loadCancel,
  loadEnd,
  rename,
  reshape,
  ScriptedLog,
  truncate,
} from './scripted-log.ts'

const loading: Straggler = {
  ...WAITING,
  state: 'loading',
  load: { ...loadView(), beganAt: 2, endedAt: null },
}
const beside: Straggler = { ...loading, isPassed: false, shape: 'a1' }

function loadView() {
  const { load, lsn, since } = loadBegin('a', 'L', { lsn: 50, since: 1 })
  return { load, lsn, since, epoch: 1 }
}

interface Case {
  readonly name: string
  readonly live?: Record<string, string>
  readonly stragglers?: Record<string, Straggler>
  readonly mode?: LoadMode
  readonly entries: (log: ScriptedLog) => Entry[]
  readonly pieces?: string[]
  readonly after?: Record<string, string | null>
  readonly tables?: Record<string, string | null>
  readonly withdrawn?: string[]
  /** How much `v` counts up. */
  readonly v?: number
}

describe('the plan of a batch', () => {
  const row = (at: number, ordinal = 2) => [insert([at, ordinal], String(at), 'x')]
  const cases: Case[] = [
    {
      name: 'folds the files of a table together, over other tables between them',
      live: { a: 'a1', b: 'b1' },
      entries: (log) => [log.rows('a', row(1)), log.rows('b', row(2)), log.rows('a', row(3))],
      pieces: ['rows a 1,3', 'rows b 2'],
    },
    {
      name: 'leaves out what a truncate made needless',
      live: { a: 'a1' },
      entries: (log) => [log.rows('a', row(1)), truncate('a', [2, 2]), log.rows('a', row(3))],
      pieces: ['truncated rows a 3'],
    },
    {
      name: 'never reads the row of a truncate that is alone in a file',
      live: { a: 'a1' },
      entries: (log) => [
        log.rows('a', [{ op: 'truncate', lsn: 2n, ordinal: 2, values: [] }]),
        truncate('a', [2, 2]),
        log.rows('a', row(3)),
      ],
      pieces: ['truncated rows a 3'],
    },
    {
      name: 'empties a table after which nothing comes',
      live: { a: 'a1' },
      entries: (log) => [log.rows('a', row(1)), truncate('a', [2, 2])],
      pieces: ['truncated rows a '],
    },
    {
      name: 'folds rows after a truncate across, but not across a change of shape',
      live: { a: 'a1' },
      entries: (log) => [
        log.rows('a', row(1)),
        reshape('a', [2, 2], { shape: 'a2' }),
        log.rows('a', row(3), 'a2'),
        truncate('a', [4, 2]),
        log.rows('a', row(5), 'a2'),
      ],
      pieces: ['rows a 1', 'alter a a1 a2', 'truncated rows a 5'],
      tables: { a: 'a2' },
    },
    {
      name: 'alters a table whose file has another shape, although no barrier said so',
      live: { a: 'a1' },
      entries: (log) => [log.rows('a', row(1), 'a2')],
      pieces: ['alter a a1 a2', 'rows a 1'],
      tables: { a: 'a2' },
    },
    {
      name: 'does not alter a table to the shape that it has',
      live: { a: 'a1' },
      entries: (log) => [reshape('a', [1, 2], { shape: 'a1' }), log.rows('a', row(2))],
      pieces: ['rows a 2'],
    },
    {
      name: 'passes by a table that is elsewhere, and goes on with one that is loaded beside',
      live: { a: 'a1', b: 'b1' },
      stragglers: { a: beside, b: WAITING },
      entries: (log) => [log.rows('a', row(1)), log.rows('b', row(2))],
      pieces: ['rows a 1'],
    },
    {
      name: 'makes a straggler of a table that it never saw',
      entries: (log) => [log.rows('a', row(1)), log.rows('a', row(2))],
      after: { a: 'waiting' },
      v: 1,
    },
    {
      name: 'creates a table that it never saw where nothing is ever loaded',
      mode: 'cdc',
      entries: (log) => [log.rows('a', row(1)), log.rows('a', row(2))],
      pieces: ['create a a1', 'rows a 1,2'],
      tables: { a: 'a1' },
    },
    {
      name: 'creates it at a change of shape too, and has nothing to empty before',
      mode: 'cdc',
      entries: () => [truncate('a', [1, 2]), reshape('a', [2, 2], { shape: 'a2' })],
      pieces: ['create a a2'],
      tables: { a: 'a2' },
    },
    {
      name: 'begins to load a table, which is passed by from its first row on',
      entries: (log) => [log.rows('a', row(1)), loadBegin('a', 'L', { lsn: 50, since: 1 })],
      after: { a: 'loading' },
      v: 2,
    },
    {
      name: 'counts no change of stragglers when a load ends',
      stragglers: { a: loading },
      entries: () => [loadEnd('a', 'L')],
      after: { a: 'ready' },
    },
    {
      name: 'keeps the request of a table whose load was cancelled, since nothing answered it',
      stragglers: { a: loading },
      entries: () => [loadCancel('a', 'L')],
      after: { a: 'waiting' },
      v: 1,
    },
    {
      name: 'ends a reload that was cancelled',
      live: { a: 'a1' },
      stragglers: { a: beside },
      entries: (log) => [loadCancel('a', 'L'), log.rows('a', row(1))],
      pieces: ['rows a 1'],
      after: { a: null },
      v: 1,
    },
    {
      name: 'renames a table between the rows before and after, and makes place for it',
      live: { a: 'a1', b: 'b1' },
      entries: (log) => [
        log.rows('b', row(1)),
        log.rows('b', row(6), 'b1'),
        log.rows('a', row(2)),
        rename('a', [4, 2], 'b'),
        drop('b', [3, 2]),
      ],
      pieces: ['rows b 1', 'rows a 2', 'rename a b', 'alter b a1 b1', 'rows b 6'],
      tables: { a: null },
    },
    {
      name: 'drops the old copy when the new name is loaded already',
      live: { a: 'a1' },
      stragglers: { b: loading },
      entries: () => [rename('a', [4, 2], 'b')],
      pieces: ['drop a'],
      tables: { a: null },
    },
    {
      name: 'waits for a load of the new name when the table was elsewhere',
      live: { a: 'a1' },
      stragglers: { a: WAITING },
      entries: () => [rename('a', [4, 2], 'b')],
      pieces: ['drop a'],
      after: { a: null, b: 'waiting' },
      tables: { a: null },
      withdrawn: ['a'],
      v: 2,
    },
    {
      name: 'passes a name on although the barriers of both tables stand at one position',
      live: { a: 'a1', b: 'b1' },
      entries: (log) => [
        rename('a', [4, 2], 'b'),
        log.rows('b', row(4), 'b1'),
        drop('b', [4, 2]),
        log.rows('a', row(5)),
      ],
      pieces: ['rename a b', 'alter b a1 b1', 'rows b 4'],
      after: { a: 'waiting' },
      tables: { a: null },
      v: 1,
    },
    {
      name: 'makes place for a table that is renamed over another one',
      live: { a: 'a1', b: 'b1' },
      entries: () => [rename('a', [4, 2], 'b')],
      pieces: ['drop b', 'rename a b', 'alter b a1 b1'],
      tables: { a: null },
    },
    {
      // The rows of the old table appeared in the new one, which took the load that ended before it.
      name: 'waits for a load of a table that was dropped and made again, though the old one had one',
      entries: (log) => [
        loadBegin('a', 'L', { lsn: 1, since: 1 }),
        loadEnd('a', 'L'),
        drop('a', [2, 2]),
        log.rows('a', row(2), 'a2'),
      ],
      after: { a: 'waiting' },
      v: 1,
    },
    {
      name: 'forgets a table that is gone, which stays as it is, and drops what was loaded beside it',
      live: { a: 'a1' },
      stragglers: { a: beside },
      entries: () => [drop('a', [4, 2])],
      pieces: ['drop a (shadow)'],
      after: { a: null },
      tables: { a: null },
      withdrawn: ['a'],
      v: 1,
    },
  ]

  for (const { name, entries, mode = 'full-load-and-cdc', ...rest } of cases) {
    test(name, () => {
      const log = new ScriptedLog()
      log.changes({ to: [99, 2], entries: entries(log) })
      const ledger = ledgerOf(rest)
      const plan = planBatch(ledger, log.manifests, { consumer: 'shop/memory', first: 1, mode })
      assert.deepEqual(plan.pieces.map(inWords), rest.pieces ?? [])
      assert.deepEqual(named(plan.stragglers, stateOf), rest.after ?? {})
      assert.deepEqual(
        named(plan.tables, (shape) => shape),
        rest.tables ?? {},
      )
      assert.deepEqual([...plan.withdrawn.keys()].map(short), rest.withdrawn ?? [])
      assert.equal(plan.v - ledger.v, rest.v ?? 0)
    })
  }

  test('reads how capture runs from the manifests themselves', () => {
    const log = new ScriptedLog().open('cdc')
    log.changes({ to: [1, 2], entries: [log.rows('a', row(1))] })
    const facts = { consumer: 'shop/memory', first: 1, mode: null }
    const plan = planBatch(ledgerOf({}), log.manifests, facts)
    assert.deepEqual(plan.pieces.map(inWords), ['create a a1', 'rows a 1'])
    assert.equal(hasNewTable(ledgerOf({}), log.manifests), true)
    assert.equal(hasNewTable(ledgerOf({ live: { a: 'a1' } }), log.manifests), false)
  })

  test('applies nothing of a voided transaction, and every table waits for a load', () => {
    const log = new ScriptedLog()
    log.changes({ to: [1, 2, 'half'], entries: [log.rows('a', row(1)), log.rows('c', row(1, 4))] })
    log.epoch({ to: [5, 0], continues: false })
    const ledger = ledgerOf({ live: { a: 'a1' }, stragglers: { b: beside } })
    const plan = planBatch(ledger, log.manifests, { consumer: 'us', first: 1, mode: null })
    assert.deepEqual(plan.pieces.map(inWords), ['drop b (shadow)'])
    const states = named(plan.stragglers, stateOf)
    assert.deepEqual(states, { a: 'waiting', b: 'waiting', c: 'waiting' })
    assert.deepEqual([...plan.withdrawn.keys()].map(short).toSorted(), ['a', 'b', 'c'])
    assert.deepEqual(plan.tables, new Map())
    assert.ok(plan.v > ledger.v)
  })

  test('leaves a table that an epoch drops as it is, and waits for nothing there', () => {
    const log = new ScriptedLog()
    const entries = ['a', 'b', 'c'].map((name) => drop(name, [5, 0]))
    log.epoch({ to: [5, 0], continues: false, entries })
    const ledger = ledgerOf({ live: { a: 'a1', d: 'd1' }, stragglers: { b: beside, c: WAITING } })
    const plan = planBatch(ledger, log.manifests, { consumer: 'us', first: 1, mode: null })
    assert.deepEqual(plan.pieces.map(inWords), ['drop b (shadow)'])
    assert.deepEqual(named(plan.stragglers, stateOf), { b: null, c: null, d: 'waiting' })
    // Its rows stay where they are; it is none of ours until it comes back with a load.
    assert.deepEqual(plan.tables, new Map([[id('a'), null]]))
  })
})

function ledgerOf({
  live = {},
  stragglers = {},
}: Partial<Pick<Case, 'live' | 'stragglers'>>): Ledger {
  const rows = Object.entries(stragglers).map(([name, row]) => [id(name), row] as const)
  const tables = Object.entries(live).map(([name, shape]) => [id(name), shape] as const)
  return { n: 0, epoch: 1, v: 7, stragglers: new Map(rows), tables: new Map(tables) }
}

function short(table: TableId): string {
  return table.slice('app.'.length)
}

function named<T, U>(map: ReadonlyMap<TableId, T>, value: (item: T) => U): Record<string, U> {
  return Object.fromEntries([...map].map(([table, item]) => [short(table), value(item)]))
}

function stateOf(row: Straggler | null): string | null {
  return row?.state ?? null
}

function inWords(piece: Piece): string {
  const table = short(piece.table)
  switch (piece.type) {
    case 'create':
      return `create ${table} ${piece.shape}`
    case 'rows': {
      const files = piece.files.map(({ entry }) => String(entry.first.lsn)).join(',')
      return `${piece.isTruncated ? 'truncated ' : ''}rows ${table} ${files}`
    }
    case 'alter':
      return `alter ${table} ${piece.from} ${piece.to}`
    case 'rename':
      return `rename ${table} ${short(piece.to)}`
    case 'drop':
      return `drop ${table}${piece.isShadow ? ' (shadow)' : ''}`
    default:
      return unreachable(piece)
  }
}
