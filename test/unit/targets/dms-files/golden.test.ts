/**
 * The worked samples of what AWS DMS writes, byte for byte.
 *
 * Each behaviour carries where it comes from: `doc` is written by AWS, `live` was seen in files of a
 * real task, `assumed` follows from either.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { readDmsSettings } from '../../../../src/config/dms-settings.ts'
import type { ChangesPiece, Memo } from '../../../../src/core/ordered.ts'
import { tableId, type Shape } from '../../../../src/core/table.ts'
import type { ColumnType } from '../../../../src/core/type.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import { DmsFiles } from '../../../../src/targets/dms-files/taker.ts'
import { microsOf } from '../../../../src/targets/dms-files/value-text.ts'
import {
  logOf,
  TEXT,
  tuple,
  UNCHANGED,
  type TestChange,
  type Value,
} from '../../../support/tuples.ts'
import { filesOf } from '../../apply/ordered/files-desk.ts'

const TABLE = { namespace: 'public', name: 't' }
const SHAPE: Shape = {
  table: TABLE,
  oid: 1,
  number: 1,
  columns: [
    column('id', { oid: 23, name: 'int4', modifier: -1 }, 0),
    column('name', TEXT, 1),
    column('note', TEXT, 2),
    column('ok', { oid: 16, name: 'bool', modifier: -1 }, 3),
  ],
  key: [0],
}
const ROWS: Value[][] = [
  ['1', 'Ann', null, 't'],
  ['2', 'O"Neil, Jr', 'hello', 'f'],
]
const CLOSED_AT = Date.parse('2026-01-31T10:15:00.123Z')

const CHANGES: TestChange[] = [
  change('insert', '10:14:03.000001', ['3', 'Bob', null, 't']),
  change('update', '10:14:09.500000', ['3', 'Bobby', null, 't']),
  change('delete', '10:14:30.250000', ['3', null, null, null]),
]
const SAMPLE =
  'bucketFolder=lake;includeOpForFullLoad=true;addColumnName=true;timestampColumnName=ts;'

describe('files as DMS writes them', () => {
  test('have no Op and no header in a full load by default (doc)', async () => {
    assert.deepEqual(await load('bucketFolder=lake', ROWS), {
      'lake/public/t/LOAD00000001.csv': '1,Ann,,true\n2,"O""Neil, Jr",hello,false\n',
    })
  })

  test('of a full load have Op, then the time, then the columns (doc; place of the time assumed)', async () => {
    assert.deepEqual(await load(SAMPLE, ROWS.slice(0, 1)), {
      'lake/public/t/LOAD00000001.csv':
        'Op,ts,id,name,note,ok\nI,2026-01-31 10:15:00.123000,1,Ann,,true\n',
    })
  })

  test('of changes have the time of the commit, and of a deleted row the key alone (doc; key live)', async () => {
    assert.deepEqual(await changes(SAMPLE, CHANGES), {
      'lake/public/t/20260131-101500123.csv':
        'Op,ts,id,name,note,ok\n' +
        'I,2026-01-31 10:14:03.000001,3,Bob,,true\n' +
        'U,2026-01-31 10:14:09.500000,3,Bobby,,true\n' +
        'D,2026-01-31 10:14:30.250000,3,,,\n',
    })
  })

  test('of inserts only have no Op, and neither updates nor deletes (doc)', async () => {
    assert.deepEqual(await changes('cdcInsertsOnly=true', CHANGES), {
      'public/t/20260131-101500123.csv': '3,Bob,,true\n',
    })
  })

  test('of an ordered stream name operation, table and schema (doc)', async () => {
    const settings = 'bucketFolder=lake;preserveTransactions=true;cdcPath=MyChangedData'
    assert.deepEqual(await changes(settings, CHANGES.slice(1, 2)), {
      'lake/MyChangedData/CDC_TXN-20260131101500123.csv': 'U,t,public,3,Bobby,,true\n',
    })
  })

  test('of the settings in one line that the samples end with lie in folders of the day (doc)', async () => {
    const line =
      'bucketName=b;bucketFolder=lake;includeOpForFullLoad=true;addColumnName=true;timestampColumnName=ts;' +
      'datePartitionEnabled=true;cdcMaxBatchInterval=300;cdcMinFileSize=64000;compressionType=GZIP;'
    assert.deepEqual(Object.keys(await changes(line, CHANGES)), [
      'lake/public/t/2026/01/31/20260131-101500123.csv.gz',
    ])
    assert.deepEqual(Object.keys(await load(line, ROWS)), ['lake/public/t/LOAD00000001.csv.gz'])
  })
})

describe('the Op column', () => {
  const OPS = [
    // includeOpForFullLoad x cdcInsertsOnly (doc, for csv and parquet)
    ['includeOpForFullLoad=true;cdcInsertsOnly=true', 'I', ['I']],
    ['', '', ['I', 'U', 'D']],
    ['cdcInsertsOnly=true', '', ['']],
    ['includeOpForFullLoad=true', 'I', ['I', 'U', 'D']],
    // includeOpForFullLoad x cdcInsertsAndUpdates (doc, for csv)
    ['includeOpForFullLoad=true;cdcInsertsAndUpdates=true', 'I', ['I', 'U']],
    // The table says so, and the text of the setting says that there is no Op (doc, conflicting)
    ['cdcInsertsAndUpdates=true', '', ['I', 'U']],
  ] as const
  for (const [settings, ofLoad, ofChanges] of OPS) {
    test(`is as the guide has it for "${settings}" (doc)`, async () => {
      const [loaded] = Object.values(await load(settings, ROWS.slice(0, 1)))
      assert.equal(loaded, `${ofLoad === '' ? '' : `${ofLoad},`}1,Ann,,true\n`)
      const [changed = ''] = Object.values(await changes(settings, CHANGES))
      const ops = changed
        .split('\n')
        .slice(0, -1)
        .map((line) => (/^[IUD],/.exec(line) ?? [''])[0].slice(0, 1))
      assert.deepEqual(ops, ofChanges)
    })
  }
})

describe('folders of dates', () => {
  const FOLDERS = [
    ['YYYYMMDD', 'SLASH', '2022/10/23'],
    ['YYYYMMDD', 'DASH', '2022-10-23'], // live
    ['YYYYMMDD', 'UNDERSCORE', '2022_10_23'],
    ['YYYYMMDD', 'NONE', '20221023'],
    ['YYYYMMDDHH', 'SLASH', '2022/10/23/01'],
    ['YYYYMM', 'SLASH', '2022/10'],
    ['MMYYYYDD', 'SLASH', '10/2022/23'],
    ['DDMMYYYY', 'SLASH', '23/10/2022'],
  ] as const
  for (const [sequence, delimiter, folder] of FOLDERS) {
    test(`are ${folder} for ${sequence} and ${delimiter} (doc; delimiters assumed)`, async () => {
      const settings = `datePartitionEnabled=true;datePartitionSequence=${sequence};datePartitionDelimiter=${delimiter}`
      const at = Date.parse('2022-10-23T01:38:30.913Z')
      const committedAt = microsOf(at - 1000)
      const files = await changes(settings, [{ ...CHANGES[0]!, committedAt }], { closedAtMs: at })
      assert.deepEqual(Object.keys(files), [`public/t/${folder}/20221023-013830913.csv`])
    })
  }

  test('follow the time zone, and so do the names of files (doc)', async () => {
    const settings = 'datePartitionEnabled=true;datePartitionTimezone=Asia/Seoul'
    const at = Date.parse('2022-10-23T20:00:00.001Z')
    const committedAt = microsOf(at - 1000)
    const files = await changes(settings, [{ ...CHANGES[0]!, committedAt }], { closedAtMs: at })
    assert.deepEqual(Object.keys(files), ['public/t/2022/10/24/20221024-050000001.csv'])
  })

  test('part a stretch at midnight and never go back (assumed)', async () => {
    const times = ['23:59:59', '24:00:01', '23:59:58']
    const stretch = times.map((time, i) => ({
      ...CHANGES[0]!,
      lsn: BigInt(10 + i),
      committedAt: microsOf(Date.parse(`2026-01-31T00:00:00Z`) + seconds(time) * 1000),
    }))
    const closedAtMs = Date.parse('2026-02-01T00:00:10Z')
    const files = await changes('datePartitionEnabled=true', stretch, { closedAtMs })
    assert.deepEqual(files, {
      'public/t/2026/01/31/20260201-000010000.csv': 'I,3,Bob,,true\n',
      'public/t/2026/02/01/20260201-000010001.csv': 'I,3,Bob,,true\nI,3,Bob,,true\n',
    })
  })

  test('go on with names above the last where clocks are put back an hour (assumed)', async () => {
    const settings = 'datePartitionTimezone=Europe/Berlin'
    const first = Date.parse('2026-10-25T00:30:00Z') // 02:30 for the first time
    const one = await take(settings, CHANGES.slice(0, 1), { closedAtMs: first })
    const two = await take(settings, CHANGES.slice(0, 1), {
      closedAtMs: first + 1_800_001,
      memo: one.memo,
    })
    assert.deepEqual(Object.keys(one.files), ['public/t/20261025-023000000.csv'])
    assert.deepEqual(Object.keys(two.files), ['public/t/20261025-023000001.csv'])
  })
})

describe('values', () => {
  const TYPES: readonly (readonly [type: string, text: string, written: string])[] = [
    ['timestamp', '2026-01-31 10:00:00', '2026-01-31 10:00:00.000000'], // doc
    ['timestamp', '2026-01-31 10:00:00.5', '2026-01-31 10:00:00.500000'], // doc
    ['timestamptz', '2026-01-31 10:00:00.25+00', '2026-01-31 10:00:00.250000'], // doc
    ['timestamp', 'infinity', '9999-12-31 23:59:59'], // doc
    ['timestamptz', '-infinity', '4713-01-01 00:00:00 BC'], // doc
    ['date', '2026-01-31', '2026-01-31'], // doc
    ['bool', 't', 'true'], // doc
    ['bytea', '\\x00ff', '00ff'], // assumed
    ['numeric', '1.50', '1.50'],
    ['jsonb', '{"a": 1}', '"{""a"": 1}"'],
    ['text', '', ''], // assumed: an empty text is not quoted
    ['text', 'a\nb', '"a\nb"'], // doc
    ['text', ' a ', ' a '],
  ]
  for (const [name, text, written] of TYPES) {
    test(`of type ${name}: ${JSON.stringify(text)} is written ${JSON.stringify(written)}`, async () => {
      const shape = { ...SHAPE, columns: [column('v', { oid: 1, name, modifier: -1 }, 0)] }
      const row = change('insert', '10:00:00.0', [text])
      assert.deepEqual(Object.values(await changes('', [row], { shape })), [`I,${written}\n`])
    })
  }

  test('are written as they are without rfc4180 (doc)', async () => {
    const row = change('insert', '10:00:00.0', ['1', 'a "b", c', null, 't'])
    assert.deepEqual(Object.values(await changes('rfc4180=false', [row])), ['I,1,a "b", c,,true\n'])
  })

  test('have the delimiters and the NULL that the settings say (doc)', async () => {
    const row = change('insert', '10:00:00.0', ['1', 'a|b', null, 't'])
    const settings = 'csvDelimiter=|;csvRowDelimiter=\\r\\n;csvNullValue=NULL'
    assert.deepEqual(Object.values(await changes(settings, [row])), ['I|1|"a|b"|NULL|true\r\n'])
  })

  test('that the log does not have are NULL, or what is said for them (doc; for PostgreSQL assumed)', async () => {
    const rows = [
      change('update', '10:00:00.0', ['1', UNCHANGED, null, 't']),
      change('delete', '10:00:00.0', ['1', null, null, null]),
      change('delete', '10:00:00.0', ['1', 'old', null, 't']),
    ]
    assert.deepEqual(Object.values(await changes('', rows)), [
      'U,1,,,true\nD,1,,,\nD,1,old,,true\n',
    ])
    const settings = 'useCsvNoSupValue=true;csvNoSupValue=?'
    assert.deepEqual(Object.values(await changes(settings, rows)), [
      'U,1,?,,true\nD,1,?,?,?\nD,1,old,,true\n',
    ])
  })

  test('of a dropped column have no place (doc)', async () => {
    const columns = SHAPE.columns.map((c) => (c.name === 'note' ? { ...c, wire: null } : c))
    const row = change('insert', '10:00:00.0', ['1', 'Ann', null, 't'])
    assert.deepEqual(
      Object.values(await changes('addColumnName=true', [row], { shape: { ...SHAPE, columns } })),
      ['Op,id,name,ok\nI,1,Ann,true\n'],
    )
  })
})

describe('files end', () => {
  test('at maxFileSize in a full load, which none exceeds, and count in hexadecimal (doc)', async () => {
    const rows = Array.from({ length: 11 }, (_, i) => [String(i), 'x'.repeat(1000), null, 't'])
    const files = await load('maxFileSize=1', rows)
    assert.deepEqual(
      Object.keys(files).map((name) => name.slice(-12)),
      '123456789AB'.split('').map((digit) => `0000000${digit}.csv`),
    )
    for (const content of Object.values(files)) assert.ok(content.length <= 1024)
  })

  test('of changes once cdcMinFileSize is reached (doc)', async () => {
    const rows = Array.from({ length: 5 }, (_, i) =>
      change('insert', '10:00:00.0', [String(i), 'x'.repeat(600), null, 't']),
    )
    const files = await changes('cdcMinFileSize=1', rows)
    assert.deepEqual(
      Object.values(files).map((content) => content.match(/\n/g)?.length),
      [2, 2, 1],
    )
    assert.deepEqual(
      Object.keys(files).map((name) => name.slice(-7, -4)),
      ['123', '124', '125'],
    )
  })

  test('of the ordered stream with a transaction (doc)', async () => {
    const rows = [10n, 10n, 10n, 20n].map((lsn, i) => ({
      ...change('insert', '10:00:00.0', [String(i), 'x'.repeat(2000), null, 't']),
      lsn,
    }))
    const settings = 'preserveTransactions=true;cdcPath=p;cdcMinFileSize=1'
    assert.deepEqual(
      Object.values(await changes(settings, rows)).map((content) => content.match(/\n/g)?.length),
      [3, 1],
    )
  })

  test('where the columns of a table change (doc)', async () => {
    const wide = { ...SHAPE, number: 2, columns: [...SHAPE.columns, column('more', TEXT, 4)] }
    const store = new MemoryStore()
    const groups = [
      [pieceOf(SHAPE, CHANGES.slice(0, 1))],
      [pieceOf(wide, [change('insert', '10:15:00.0', ['4', 'Cy', null, 't', 'm'])])],
    ]
    const stretch = { table: TABLE, memo: {}, closedAtMs: CLOSED_AT, groups }
    await takerOf('addColumnName=true', store).takeChanges(stretch)
    assert.deepEqual(Object.values(await filesOf(store)), [
      'Op,id,name,note,ok\nI,3,Bob,,true\n',
      'Op,id,name,note,ok,more\nI,4,Cy,,true,m\n',
    ])
  })

  test('before they begin if there is no row for them (doc)', async () => {
    assert.deepEqual(await load('addColumnName=true', []), {})
    assert.deepEqual(await changes('cdcInsertsOnly=true;addColumnName=true', CHANGES.slice(1)), {})
  })
})

function column(name: string, type: ColumnType, wire: number): Shape['columns'][number] {
  return { name, type, wire }
}

function change(op: 'insert' | 'update' | 'delete', time: string, values: Value[]): TestChange {
  const [clock = '', fraction = '0'] = time.split('.')
  const committedAt = microsOf(Date.parse(`2026-01-31T${clock}Z`)) + BigInt(fraction.padEnd(6, '0'))
  return { op, lsn: 10n, ordinal: 2, values, committedAt }
}

function seconds(time: string): number {
  const [hours = 0, minutes = 0, rest = 0] = time.split(':').map(Number)
  return hours * 3600 + minutes * 60 + rest
}

interface Options {
  readonly closedAtMs?: number
  readonly shape?: Shape
  readonly memo?: Memo
}

function pieceOf(shape: Shape, rows: readonly TestChange[]): ChangesPiece {
  return {
    table: tableId(shape.table),
    from: null,
    shape: () => Promise.resolve(shape),
    read: () => Promise.resolve(logOf(rows)),
  }
}

function takerOf(text: string, store: MemoryStore): DmsFiles {
  const { settings, mistakes } = readDmsSettings(text)
  assert.deepEqual(mistakes, [])
  return new DmsFiles({ name: 'files', store, settings })
}

async function changes(settings: string, rows: readonly TestChange[], options: Options = {}) {
  return (await take(settings, rows, options)).files
}

async function take(
  settings: string,
  rows: readonly TestChange[],
  { closedAtMs = CLOSED_AT, shape = SHAPE, memo = {} }: Options = {},
) {
  const store = new MemoryStore()
  const taker = takerOf(settings, store)
  const table = taker.isMerged ? null : TABLE
  const groups = [[pieceOf(shape, rows)]]
  const after = await taker.takeChanges({ table, memo, closedAtMs, groups })
  return { files: await filesOf(store), memo: after }
}

async function load(settings: string, rows: readonly Value[][]) {
  const store = new MemoryStore()
  const taker = takerOf(settings, store)
  const tuples = rows.map((values) => tuple(values))
  const starts = [0]
  for (const bytes of tuples) starts.push(starts.at(-1)! + bytes.length)
  async function* read() {
    yield { bytes: Buffer.concat(tuples), starts }
  }
  const part = { path: '', localPath: null, format: 'csv', rows: rows.length, read } as const
  const stretch = {
    table: TABLE,
    shape: SHAPE,
    parts: [{ part, closedAtMs: CLOSED_AT }],
    startedAtMs: CLOSED_AT - 1000,
  }
  let at: Awaited<ReturnType<DmsFiles['takeLoad']>> = { memo: {}, place: { part: 0, row: 0 } }
  while (at.place !== null)
    at = await taker.takeLoad({ ...stretch, memo: at.memo, place: at.place })
  return filesOf(store)
}
