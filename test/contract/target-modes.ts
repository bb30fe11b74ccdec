/** What every Target must do for tables that keep what is gone at the source: `soft-delete` and `history`. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { DELETED_AT, shapeInMode, shapeOfRows } from '../../src/core/mode.ts'
import type { TableName } from '../../src/core/table.ts'
import type { Step, Target } from '../../src/core/target.ts'
import { foldedRows, upsert, type TestRow } from '../support/folded-rows.ts'
import { loadPart } from '../support/load-part.ts'
import { shapeOf, UNCHANGED, type Value } from '../support/tuples.ts'

/** A worker with an empty ledger, and what runs steps as its next piece of work. */
export interface ModesDesk {
  readonly target: Target
  apply(steps: readonly Step[]): Promise<void>
  /** As a `TestPlace` gives them. */
  rows(name: TableName): Promise<(string | null)[][] | null>
}

const SHAPE = shapeOf(['id', 'note'])
const NAME = SHAPE.table
const LIVE = { name: NAME, isShadow: false }
const SHADOW = { name: NAME, isShadow: true }

const SOFT = shapeInMode(SHAPE, 'soft-delete')
const VERSIONS = shapeInMode(SHAPE, 'history')
const ROWS = shapeOfRows(SHAPE, 'history')
const [NOON, ONE] = ['2026-11-24 12:00:00.000001+00', '2026-11-24 13:00:00+00']

function fold(rows: readonly TestRow[], table = LIVE): Step {
  return { type: 'fold', table, shape: SOFT, rows: foldedRows(rows) }
}

function append(rows: readonly TestRow[], table = LIVE): Step {
  return { type: 'fold', table, shape: ROWS, rows: foldedRows(rows), appends: true }
}

/** A version: its values, operation and `_order`. */
function version(values: readonly Value[], op: string, order: number): Value[] {
  return [...values, op, String(order), '7', '2', NOON]
}

const NOBODY = [null, null, null, null, null, null]

/** A time as every target writes it into a text. */
function isTime(text: string | null | undefined, time: string): boolean {
  return (
    text !== null &&
    text !== undefined &&
    Date.parse(text.replace(/\+00$/, 'Z')) === Date.parse(time.replace(/\+00$/, 'Z'))
  )
}

export function keepsWhatIsGone(desk: () => Promise<ModesDesk>): void {
  const rows = async (it: ModesDesk, columns: number): Promise<unknown> =>
    (await it.rows(NAME))?.map((row) => row.slice(0, columns))
  const deleted = async (it: ModesDesk): Promise<Record<string, string | null>> =>
    Object.fromEntries((await it.rows(NAME))!.map((row) => [row[0], row[2]!]))

  test('marks a row as deleted with its values, and takes the mark away again', async () => {
    const it = await desk()
    await it.apply([
      { type: 'create', table: LIVE, shape: SOFT },
      fold([upsert(['1', 'a', null]), upsert(['2', 'b', null])]),
    ])
    await it.apply([fold([upsert(['1', UNCHANGED, NOON], ['1', null, null])])])
    assert.deepEqual(await rows(it, 2), [['1', 'a'], ['2', 'b']]) // prettier-ignore
    const marks = await deleted(it)
    assert.ok(isTime(marks['1'], NOON), String(marks['1']))
    assert.equal(marks['2'], null)
    await it.apply([fold([upsert(['1', 'again', null])])])
    assert.deepEqual(await rows(it, 3), [['1', 'again', null], ['2', 'b', null]]) // prettier-ignore
    await it.target.close()
  })

  test('marks all rows of a table that is emptied, and leaves earlier marks', async () => {
    const it = await desk()
    await it.apply([
      { type: 'create', table: LIVE, shape: SOFT },
      fold([upsert(['1', 'a', NOON]), upsert(['2', 'b', null])]),
      { type: 'mark', table: LIVE, shape: SOFT, column: DELETED_AT, value: ONE },
      fold([upsert(['3', 'c', null])]),
    ])
    const marks = await deleted(it)
    assert.ok(isTime(marks['1'], NOON) && isTime(marks['2'], ONE), JSON.stringify(marks))
    assert.equal(marks['3'], null)
    await it.target.close()
  })

  test('alters a table whose rows it has marked in the same transaction', async () => {
    const it = await desk()
    const wider = shapeInMode(shapeOf(['id', 'note', 'tag']), 'soft-delete')
    await it.apply([{ type: 'create', table: LIVE, shape: SOFT }, fold([upsert(['1', 'a', null])])])
    await it.apply([
      { type: 'mark', table: LIVE, shape: SOFT, column: DELETED_AT, value: ONE },
      { type: 'alter', table: LIVE, from: SOFT, to: wider, defaults: { tag: 'old' } },
      { type: 'fold', table: LIVE, shape: wider, rows: foldedRows([upsert(['2', 'b', 'new', null])]) }, // prettier-ignore
    ])
    const found = (await it.rows(NAME))!
    assert.equal(found.length, 2)
    assert.ok(found[0]!.includes('old') && found[1]!.includes('new'))
    await it.target.close()
  })

  test('hands the rows that are gone over to the shadow of a load, before the swap', async () => {
    const it = await desk()
    const by = ['id']
    const marks = { column: DELETED_AT, value: ONE }
    await it.apply([
      { type: 'create', table: LIVE, shape: SOFT },
      fold([upsert(['1', 'a', NOON]), upsert(['2', 'b', null]), upsert(['3', 'c', null])]),
      { type: 'create', table: SHADOW, shape: SOFT },
      { type: 'load', table: SHADOW, shape: SOFT, part: loadPart([['3', 'loaded', null]]) },
    ])
    await it.apply([
      { type: 'keep', name: NAME, shape: SOFT, by, marks },
      { type: 'swap', name: NAME, shape: SOFT },
    ])
    assert.deepEqual(await rows(it, 2), [['1', 'a'], ['2', 'b'], ['3', 'loaded']]) // prettier-ignore
    const now = await deleted(it)
    assert.ok(isTime(now['1'], NOON) && isTime(now['2'], ONE), JSON.stringify(now))
    assert.equal(now['3'], null)
    await it.target.close()
  })

  test('keeps nothing of a table of another mode, or of none', async () => {
    const it = await desk()
    const marks = { column: DELETED_AT, value: ONE }
    const steps = (value: string): Step[] => [
      { type: 'create', table: SHADOW, shape: SOFT },
      { type: 'load', table: SHADOW, shape: SOFT, part: loadPart([[value, 'x', null]]) },
      { type: 'keep', name: NAME, shape: SOFT, by: ['id'], marks },
      { type: 'swap', name: NAME, shape: SOFT },
    ]
    await it.apply(steps('1'))
    assert.deepEqual(await rows(it, 3), [['1', 'x', null]])
    await it.apply([{ type: 'create', table: LIVE, shape: SHAPE }])
    await it.apply(steps('2'))
    assert.deepEqual(await rows(it, 3), [['2', 'x', null]])
    await it.target.close()
  })

  test('appends versions of one key, and truncates, with or without a key', async () => {
    const it = await desk()
    await it.apply([
      { type: 'create', table: LIVE, shape: VERSIONS },
      append([upsert(version(['1', 'a'], 'I', 10)), upsert(version(['1', 'b'], 'U', 11))]),
    ])
    await it.apply([
      append([upsert(version(['1', null], 'D', 12)), upsert(version([null, null], 'T', 13))]),
    ])
    const found = (await it.rows(NAME))!.map((row) => row.slice(0, 6))
    const byOrder = found.toSorted((a, b) => Number(a[3]) - Number(b[3]))
    assert.deepEqual(byOrder, [
      ['1', 'a', 'I', '10', '7', '2'],
      ['1', 'b', 'U', '11', '7', '2'],
      ['1', null, 'D', '12', '7', '2'],
      [null, null, 'T', '13', '7', '2'],
    ])
    await it.target.close()
  })

  test('takes an unchanged value of a version from the newest one that is there', async () => {
    const it = await desk()
    await it.apply([
      { type: 'create', table: LIVE, shape: VERSIONS },
      append([
        upsert(version(['1', 'newest'], 'U', 12)),
        upsert(version(['1', 'oldest'], 'I', 9)),
        upsert(version(['2', 'of 2'], 'I', 10)),
      ]),
    ])
    await it.apply([
      append([
        upsert(version(['1', UNCHANGED], 'U', 13), ['1', ...NOBODY]),
        upsert(version(['3', UNCHANGED], 'I', 14), ['2', ...NOBODY]),
      ]),
    ])
    const found = await it.rows(NAME)
    const notes = new Map(found!.map((row) => [row[3], row[1]]))
    assert.deepEqual([notes.get('13'), notes.get('14'), found!.length], ['newest', 'of 2', 5])
    await it.target.close()
  })

  test('fails rather than write a version without a value that nobody has', async () => {
    const it = await desk()
    await it.apply([{ type: 'create', table: LIVE, shape: VERSIONS }])
    const lost = append([upsert(version(['1', UNCHANGED], 'U', 13), ['1', ...NOBODY])])
    await assert.rejects(it.apply([lost]), { code: 'FILL_MISSING' })
    assert.deepEqual(await it.rows(NAME), [])
    await it.target.close()
  })

  test('has the versions before a load and those after it, each once', async () => {
    const it = await desk()
    await it.apply([
      { type: 'create', table: LIVE, shape: VERSIONS },
      append([upsert(version(['1', 'a'], 'I', 10)), upsert(version(['1', 'b'], 'U', 21))]),
      { type: 'create', table: SHADOW, shape: VERSIONS },
      append([upsert(version([null, null], 'T', 20))], SHADOW),
      { type: 'load', table: SHADOW, shape: VERSIONS, part: loadPart([version(['1', 'a'], 'I', 20), version(['2', 'x'], 'I', 20)]) }, // prettier-ignore
      append([upsert(version(['1', 'b'], 'U', 21))], SHADOW),
    ])
    await it.apply([
      { type: 'keep', name: NAME, shape: VERSIONS, by: ['_order'], marks: null },
      { type: 'swap', name: NAME, shape: VERSIONS },
    ])
    const found = (await it.rows(NAME))!
    const told = found.map((row) => `${row[3]} ${row[2]} ${row[0]} ${row[1]}`).toSorted()
    assert.deepEqual(told, ['10 I 1 a', '20 I 1 a', '20 I 2 x', '20 T null null', '21 U 1 b'])
    await it.target.close()
  })

  test('brings the columns along that only the rows of before have', async () => {
    const it = await desk()
    const narrow = shapeInMode(shapeOf(['id', '-note']), 'soft-delete')
    await it.apply([
      { type: 'create', table: LIVE, shape: SOFT },
      fold([upsert(['1', 'kept', NOON])]),
      { type: 'create', table: SHADOW, shape: narrow },
      { type: 'load', table: SHADOW, shape: narrow, part: loadPart([['2', null, null]]) },
      { type: 'keep', name: NAME, shape: narrow, by: ['id'], marks: { column: DELETED_AT, value: ONE } }, // prettier-ignore
      { type: 'swap', name: NAME, shape: narrow },
    ])
    const found = await it.rows(NAME)
    assert.deepEqual(found!.map((row) => [row[0], row.includes('kept')]), [['1', true], ['2', false]]) // prettier-ignore
    await it.target.close()
  })
}
