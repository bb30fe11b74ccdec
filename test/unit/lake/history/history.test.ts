/** What `lake cat` prints of the changes of a table. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { history, type HistoryOptions } from '../../../../src/lake/history/history.ts'
import { momentOf } from '../../../../src/lake/history/moment.ts'
import { hasKey, keyTexts } from '../../../../src/lake/history/row-key.ts'
import {
  historyCsv,
  historyHeader,
  historyJson,
  valuesOf,
} from '../../../../src/lake/history/row-text.ts'
import { collect } from '../../../support/collect.ts'
import { UNCHANGED, wire } from '../../../support/wire.ts'
import { CUSTOMERS, NOON, SampleLake, SECOND, SHAPE } from '../sample-lake.ts'

const ALL: HistoryOptions = { table: CUSTOMERS, from: null, to: null, file: null, hasLoads: true }

async function story(): Promise<SampleLake> {
  const lake = new SampleLake()
  const writer = await lake.open()
  await lake.load(writer, 'l1', ['1,Ada', '2,"Bob, ""B"""'])
  await lake.commit(writer, wire.insert(1, ['3', '']), wire.update(1, ['1', UNCHANGED]))
  await lake.commit(writer, wire.delete(1, { key: ['2', null] }))
  await lake.commit(writer, wire.truncate([1]))
  return lake
}

async function opsOf(lake: SampleLake, options: Partial<HistoryOptions>): Promise<string> {
  const ops: string[] = []
  for await (const { op, ordinal } of history(lake, { ...ALL, ...options })) {
    ops.push(`${String.fromCharCode(op)}${ordinal}`)
  }
  return ops.join(' ')
}

describe('the history of a table', () => {
  test('is, as CSV, byte for byte what its files hold', async () => {
    const lake = await story()
    const lines: Buffer[] = [historyHeader(SHAPE)]
    for await (const row of history(lake, ALL)) lines.push(historyCsv(row, valuesOf(row)))
    const files: string[] = []
    for (const folder of ['load', 'cdc']) {
      for (const key of await collect(lake.store.list(`public/customers/${folder}/`))) {
        const text = String(await lake.store.get(key))
        files.push(files.length === 0 ? text : text.slice(text.indexOf('\n') + 1))
      }
    }
    assert.equal(Buffer.concat(lines).toString(), files.join(''))
  })

  test('has, as JSON, each value as its text, and leaves out what is unchanged', async () => {
    const rows: unknown[] = []
    for await (const row of history(await story(), ALL)) {
      const { _order, ...rest } = JSON.parse(historyJson(row, valuesOf(row))) as { _order: number }
      assert.equal(typeof _order, 'number')
      rows.push(rest)
    }
    assert.deepEqual(rows.slice(1), [
      {
        Op: 'I',
        _lsn: '257',
        _seq: 0,
        _committed_at: '2026-11-23 10:00:00.000000',
        _unchanged: [],
        _manifest: 2,
        row: { id: '2', name: 'Bob, "B"' },
      },
      {
        Op: 'I',
        _lsn: '272',
        _seq: 2,
        _committed_at: '2026-11-23 10:00:01.000000',
        _unchanged: [],
        _manifest: 4,
        row: { id: '3', name: '' },
      },
      {
        Op: 'U',
        _lsn: '272',
        _seq: 4,
        _committed_at: '2026-11-23 10:00:01.000000',
        _unchanged: ['name'],
        _manifest: 4,
        row: { id: '1' },
      },
      {
        Op: 'D',
        _lsn: '288',
        _seq: 2,
        _committed_at: '2026-11-23 10:00:02.000000',
        _unchanged: [],
        _manifest: 5,
        row: { id: '2', name: null },
      },
      {
        Op: 'T',
        _lsn: '304',
        _seq: 2,
        _committed_at: '2026-11-23 10:00:03.000000',
        _unchanged: [],
        _manifest: 6,
        row: null,
      },
    ])
  })

  const cases: readonly { name: string; options: Partial<HistoryOptions>; ops: string }[] = [
    { name: 'whole', options: {}, ops: 'I0 I0 I2 U4 D2 T2' },
    { name: 'without loads', options: { hasLoads: false }, ops: 'I2 U4 D2 T2' },
    {
      name: 'from a time on',
      options: { from: momentOf(NOON + 2 * SECOND) },
      ops: 'D2 T2',
    },
    {
      name: 'up to a time, which does not belong to it',
      options: { to: momentOf(NOON + 2 * SECOND) },
      ops: 'I0 I0 I2 U4',
    },
    {
      name: 'between two times',
      options: { from: momentOf(NOON + SECOND), to: momentOf(NOON + 3 * SECOND) },
      ops: 'I2 U4 D2',
    },
    {
      name: 'from an LSN on',
      options: { from: { type: 'lsn', lsn: 0x120n as never } },
      ops: 'D2 T2',
    },
    {
      name: 'of one file',
      options: { file: `public/customers/cdc/dt=2026-11-23/${'5'.padStart(20, '0')}-g1.csv` },
      ops: 'D2',
    },
  ]
  for (const { name, options, ops } of cases) {
    test(`can be had ${name}`, async () => {
      assert.equal(await opsOf(await story(), options), ops)
    })
  }

  test('fails with the name of a file that was altered', async () => {
    const lake = await story()
    const [key = ''] = await collect(lake.store.list('public/customers/cdc/'))
    await lake.store.put(key, Buffer.from('Op,_order'))
    await assert.rejects(opsOf(lake, {}), { code: 'LAKE_DAMAGED', message: new RegExp(`^${key}`) })
  })
})

describe('a key', () => {
  const two = { ...SHAPE, key: [0, 1] }
  const cases: readonly { text: string; shape: typeof SHAPE; values: string[]; is: boolean }[] = [
    { text: '7', shape: SHAPE, values: ['7', 'Ada'], is: true },
    { text: 'id=7', shape: SHAPE, values: ['7', 'Ada'], is: true },
    { text: 'a=b', shape: SHAPE, values: ['a=b', 'Ada'], is: true },
    { text: '07', shape: SHAPE, values: ['7', 'Ada'], is: false },
    { text: 'id=7,name=Ada', shape: two, values: ['7', 'Ada'], is: true },
    { text: 'name=Ada,id=7', shape: two, values: ['7', 'Ada'], is: true },
    { text: '{"id":7,"name":"A,b"}', shape: two, values: ['7', 'A,b'], is: true },
    { text: 'id=7,name=Bob', shape: two, values: ['7', 'Ada'], is: false },
  ]
  for (const { text, shape, values, is } of cases) {
    test(`${text} is ${is ? '' : 'not '}that of ${values.join(', ')}`, () => {
      const bytes = values.map((value) => Buffer.from(value))
      assert.equal(hasKey(bytes, keyTexts(text, shape)), is)
    })
  }

  for (const text of ['7', 'id=7', 'id=7,city=Rome', '{"id":7}']) {
    test(`${text} is refused where two columns are the key`, () => {
      assert.throws(() => keyTexts(text, two), { code: 'USAGE', message: /id, name/ })
    })
  }
})
