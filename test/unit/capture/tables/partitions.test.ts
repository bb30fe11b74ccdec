import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Mark } from '../../../../src/capture/tables/marks.ts'
import { haveOthers, notePartitions } from '../../../../src/capture/tables/partition-notes.ts'
import { partitionChanges } from '../../../../src/capture/tables/partitions.ts'
import { TrackedTables, type DdlPolicy } from '../../../../src/capture/tables/tracked-tables.ts'
import type { TaskEvent } from '../../../../src/core/events.ts'
import { lsn } from '../../../../src/core/lsn.ts'
import type { LoadMode } from '../../../../src/core/manifest.ts'
import { tableId, type TableId } from '../../../../src/core/table.ts'
import type { LoadState, TableState } from '../../../../src/lake/log/log-state.ts'
import { ScriptedCatalog } from '../feed.ts'

describe('the partitions of a table', () => {
  const cases: [name: string, before: string[], now: string[], changes: object | null][] = [
    ['are as they were', ['7:70', '8:80'], ['7:70', '8:80'], null],
    ['have a new one', ['7:70'], ['7:70', '8:80'], { attached: [8], detached: 0, rewritten: 0 }],
    ['lack one', ['7:70', '8:80'], ['8:80'], { attached: [], detached: 1, rewritten: 0 }],
    ['have one in another file', ['7:70'], ['7:71'], { attached: [], detached: 0, rewritten: 1 }],
    ['were all emptied, as is known', ['7'], ['7:71'], { attached: [], detached: 0, rewritten: 0 }],
    ['are all gone', ['7:70'], [], { attached: [], detached: 1, rewritten: 0 }],
  ]
  for (const [name, before, now, changes] of cases) {
    test(name, () => assert.deepEqual(partitionChanges(before, now), changes))
  }
})

const NAME = { namespace: 'app', name: 'orders' }
const ORDERS = tableId(NAME)

const LOADED: LoadState = {
  load: 'l1',
  lsn: lsn(1n),
  epoch: 1,
  since: 1,
  shape: 's',
  for: 'all',
  beganAt: 2,
  endedAt: 3,
  rows: 0,
  parts: 0,
}

/** The log up to manifest 5. */
function stateWith(partitions?: readonly string[], table: Partial<TableState> = {}) {
  const known: TableState = { shape: 's', newestLoad: LOADED, openLoads: [], ...table }
  const state = partitions ? { ...known, partitions } : known
  return { n: 5, tables: new Map<TableId, TableState>([[ORDERS, state]]) }
}

function tableWith(partitions: readonly string[]) {
  return { oid: 1, name: NAME, estimatedRows: 0, estimatedBytes: 0, partitions }
}

/** What goes into the log, and what is told, once the log has got to where the look was. */
async function noted(
  found: readonly string[],
  { before, now = before, filled = [], ddl = 'resync', mode = 'full-load-and-cdc' }: Noted,
): Promise<{ marks: Mark[]; told: readonly string[] }> {
  const events: TaskEvent[] = []
  const parts = { isSelected: () => true, catalog: new ScriptedCatalog(), ddl }
  const tables = new TrackedTables({ ...parts, emit: (event) => events.push(event) })
  tables.introduce({ id: ORDERS, shape: { table: NAME, oid: 1, number: 1, columns: [], key: [] } })
  const marks: Mark[] = []
  await notePartitions(
    {
      source: { hadRows: (oid) => Promise.resolve(filled.includes(oid)) },
      mode,
      tables,
      mark: (make) => marks.push(...make()),
    },
    { tables: [tableWith(found)], before, now },
  )
  return { marks, told: events.flatMap((e) => (e.type === 'ddl-ambiguous' ? e.changes : [])) }
}

interface Noted {
  readonly before: ReturnType<typeof stateWith>
  readonly now?: ReturnType<typeof stateWith>
  readonly filled?: readonly number[]
  readonly ddl?: DdlPolicy
  readonly mode?: LoadMode
}

describe('what a look finds of partitions', () => {
  const FILES = ['7:70']
  const UNLOADED = { newestLoad: null }
  const known = stateWith(FILES)
  const cases: [name: string, found: string[], how: Noted, noted: boolean, told: string[]][] = [
    ['is not noted if it is known', ['7:70'], { before: known }, false, []],
    ['is noted silently if nothing is known', ['7:70'], { before: stateWith() }, true, []],
    ['is noted silently if it changed no row', ['7:70', '8:80'], { before: known }, true, []],
    [
      'is told if rows came with it',
      ['7:70', '8:80'],
      { before: known, filled: [8] },
      true,
      ['a partition was attached that had rows'],
    ],
    [
      'is told whole',
      ['8:80', '9:90'],
      { before: stateWith(['7:70', '8:81']), filled: [9] },
      true,
      [
        'a partition was attached that had rows',
        'a partition was detached or dropped',
        'a partition was truncated or written anew',
      ],
    ],
    [
      'is noted silently if the table had no load then: the next one brings it',
      ['7:71'],
      { before: stateWith(FILES, UNLOADED), now: stateWith(FILES) },
      true,
      [],
    ],
    [
      'is noted silently if the table has lost its load since: the next one brings it',
      ['7:71'],
      { before: known, now: stateWith(FILES, { ambiguousAt: 6 }) },
      true,
      [],
    ],
    [
      'is told if the table gets no load',
      ['7:71'],
      { before: stateWith(['7:70'], UNLOADED), mode: 'cdc' },
      true,
      ['a partition was truncated or written anew'],
    ],
    [
      'waits for the next look if the table was truncated since',
      ['7:70', '8:80'],
      { before: known, now: stateWith(['7']), filled: [8] },
      false,
      [],
    ],
  ]
  for (const [name, found, how, isNoted, told] of cases) {
    test(name, async () => {
      const result = await noted(found, how)
      assert.deepEqual(result.told, told)
      assert.equal(result.marks.length, isNoted ? 1 : 0)
      if (!isNoted) return
      const { item } = result.marks[0]!
      assert.ok(item.type === 'shape')
      assert.deepEqual([item.partitions, item.isAmbiguous ?? false], [found, told.length > 0])
    })
  }

  test('voids no load if the policy is to ignore it, and stops the task if that is the policy', async () => {
    const { marks, told } = await noted([], { before: known, ddl: 'ignore' })
    assert.equal(told.length, 1)
    assert.equal('isAmbiguous' in marks[0]!.item, false)
    await assert.rejects(noted([], { before: known, ddl: 'stop' }), { code: 'DDL_AMBIGUOUS' })
  })

  test('is worth a place in the log only if the log has other notes', () => {
    assert.equal(haveOthers(known, [tableWith(['7:70'])]), false)
    assert.equal(haveOthers(known, [tableWith(['7:71'])]), true)
    assert.equal(haveOthers(known, [{ ...tableWith([]), partitions: undefined }].map(plain)), false)
  })
})

function plain({ oid, name }: { readonly oid: number; readonly name: typeof NAME }) {
  return { oid, name, estimatedRows: 0, estimatedBytes: 0 }
}
