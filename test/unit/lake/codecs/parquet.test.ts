/** Parquet files of the lake, read back by us, by hyparquet and by what the footer says. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'

import { BlockPool, ChangeLog } from '../../../../src/core/change-log.ts'
import { lsn } from '../../../../src/core/lsn.ts'
import type { Shape } from '../../../../src/core/table.ts'
import type { ColumnType } from '../../../../src/core/type.ts'
import { encodeHeader, loadPrefix } from '../../../../src/lake/codecs/csv-encoder.ts'
import {
  encodeParquetChanges,
  encodeParquetLoad,
} from '../../../../src/lake/codecs/parquet-encoder.ts'
import {
  PARQUET_DEFAULTS,
  type ParquetOptions,
  type UnfitValues,
} from '../../../../src/lake/codecs/parquet-options.ts'
import { ParquetRows } from '../../../../src/lake/codecs/parquet-rows.ts'
import { readChanges, readLoad } from '../../../../src/lake/codecs/row-reader.ts'
import { typedColumns } from '../../../../src/lake/ddl/typed-columns.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import { arrayOf, numeric, typeOf } from '../../../support/column-types.ts'
import { TYPED_VALUES } from '../../../support/parquet-values.ts'
import {
  changesOf,
  INT8,
  logOf,
  shapeOf,
  UNCHANGED,
  valuesOf,
  type TestChange,
  type Value,
} from '../../../support/tuples.ts'

const RUNS = { numRuns: Number(process.env['FC_RUNS'] ?? 100) }

const OPTIONS: readonly ParquetOptions[] = [
  PARQUET_DEFAULTS,
  { arrays: 'lists', types: 'full', unfit: 'error' },
]

function shapeWith(types: readonly ColumnType[]): Shape {
  const columns = types.map((type, i) => ({ name: `c${i}`, type, wire: i }))
  return { table: { namespace: 'app', name: 'orders' }, oid: 1, number: 1, columns, key: [0] }
}

function encode(
  shape: Shape,
  changes: readonly TestChange[],
  options: ParquetOptions = PARQUET_DEFAULTS,
): { file: Buffer; unfit: UnfitValues[] } {
  const unfit: UnfitValues[] = []
  const parts = { shape, options, onUnfit: (one: UnfitValues) => unfit.push(one) }
  const file = Buffer.concat([...encodeParquetChanges(logOf(changes), 1000, parts)])
  return { file, unfit }
}

async function* inPieces(file: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.length; at += 1000) yield file.subarray(at, at + 1000)
}

async function decode(shape: Shape, file: Buffer) {
  const log = new ChangeLog(new BlockPool())
  const counts = await readChanges(inPieces(file), new ParquetRows(shape), log)
  return { counts, changes: changesOf(log) }
}

const inserts = (rows: readonly (readonly Value[])[]): TestChange[] =>
  rows.map((row, i) => ({ op: 'insert', lsn: 7n, ordinal: 2 * i + 2, values: row }))

async function textsOf(shape: Shape, file: Buffer): Promise<(string | null)[][]> {
  const { changes } = await decode(shape, file)
  return changes.map((change) =>
    change.values.map((one) => (Buffer.isBuffer(one) ? one.toString() : null)),
  )
}

describe('a Parquet file', () => {
  for (const options of OPTIONS) {
    const { arrays, types } = options
    for (const { type, text } of TYPED_VALUES) {
      const name = `${type.element ? 'array of ' : ''}${type.name} ${type.modifier}`
      test(`has the text of each ${name} byte for byte (${arrays}, ${types})`, async () => {
        const shape = shapeWith([INT8, type])
        await fc.assert(
          fc.asyncProperty(fc.array(fc.option(text), { maxLength: 20 }), async (texts) => {
            const rows = texts.map((one, i) => [String(i), one])
            const { file, unfit } = encode(shape, inserts(rows), options)
            assert.deepEqual(await textsOf(shape, file), rows)
            assert.deepEqual(unfit, [])
          }),
          { numRuns: Math.ceil(RUNS.numRuns / 10) },
        )
      })
    }
  }

  test('has the changes that were written, whatever they did to which columns', async () => {
    const shape = shapeOf(['id', 'note', '-old', 'a,~b'])
    const value: fc.Arbitrary<Value> = fc.oneof(
      fc.string().map((one) => Buffer.from(one)),
      fc.constantFrom(null, UNCHANGED),
    )
    const change = fc.record({
      op: fc.constantFrom('insert', 'update', 'delete', 'truncate'),
      lsn: fc.oneof(fc.constantFrom(5n, 6n), fc.bigInt(0n, 2n ** 64n - 1n)),
      committedAt: fc.bigInt(-(10n ** 14n), 10n ** 16n),
      ordinal: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
      values: fc.array(value, { minLength: 3, maxLength: 3 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 20 }), async (drawn) => {
        const written = drawn.map((one) => (one.op === 'truncate' ? { ...one, values: [] } : one))
        const { file } = encode(shape, written)
        const expected = written.map((one) => {
          const [id, note, odd] = one.values
          return one.op === 'truncate' ? one : { ...one, values: [id, note, null, odd] }
        })
        assert.deepEqual((await decode(shape, file)).changes, expected)
      }),
      RUNS,
    )
  })

  test('is counted by what happened, and by rows that have unchanged values', async () => {
    const at = { lsn: 1n, ordinal: 2 }
    const { file } = encode(shapeOf(['id', 'note']), [
      { ...at, op: 'insert', values: ['1', 'a'] },
      { ...at, op: 'update', values: ['1', UNCHANGED] },
      { ...at, op: 'delete', values: ['1', null] },
      { ...at, op: 'truncate', values: [] },
    ])
    const { counts } = await decode(shapeOf(['id', 'note']), file)
    assert.deepEqual(counts, { i: 1, u: 1, d: 1, t: 1, unchanged: 1 })
  })

  test('says which columns a setting gave a type of its own', async () => {
    const shape = shapeWith([INT8, arrayOf(typeOf('int4')), typeOf('uuid'), typeOf('time')])
    const store = new MemoryStore()
    const options = {
      plain: PARQUET_DEFAULTS,
      full: { ...PARQUET_DEFAULTS, types: 'full' },
    } as const
    const lists = { ...PARQUET_DEFAULTS, arrays: 'lists' } as const
    for (const [name, how] of Object.entries({ ...options, lists })) {
      const values = ['1', '{1}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10:11:12']
      const { file } = encode(shape, [{ op: 'insert', lsn: 5n, ordinal: 4, values }], how)
      await store.put(`${name}.parquet`, file)
    }
    const formsOf = async (...names: readonly string[]) => {
      const files = new Set([...names, 'gone'].map((name) => `${name}.parquet`))
      return (await typedColumns(store, shape, files)).map(({ name, form }) => `${name} ${form}`)
    }
    assert.deepEqual(await formsOf('plain'), [])
    assert.deepEqual(await formsOf('full', 'plain'), ['c2 uuid', 'c3 time'])
    assert.deepEqual(await formsOf('plain', 'lists'), ['c1 list'])
  })

  test('is read by hyparquet with the columns of CSV', async () => {
    const shape = shapeWith([INT8, arrayOf(typeOf('int4')), typeOf('uuid'), typeOf('timestamp')])
    const uuid = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
    const rows = [['9007199254740993', '{1,NULL}', uuid, '2026-11-23 10:11:12.345']]
    const { file } = encode(shape, [{ op: 'update', lsn: 5n, ordinal: 4, values: rows[0]! }], {
      ...PARQUET_DEFAULTS,
      arrays: 'lists',
      types: 'full',
    })
    const [row] = await parquetReadObjects({ file: asyncBuffer(file) })
    assert.deepEqual(row, {
      Op: 'U',
      _order: 1000n,
      _lsn: 5n,
      _seq: 4n,
      _committed_at: new Date('2000-01-01T00:00:00Z'),
      _unchanged: null,
      c0: 9_007_199_254_740_993n,
      c1: [1, null],
      c2: uuid,
      c3: new Date('2026-11-23T10:11:12.345Z'),
    })
  })

  test('names columns so that every engine tells them apart', () => {
    const shape = shapeOf(['Id', 'id', '-id', 'a-b', 'op'])
    const { schema } = parquetMetadata(encode(shape, []).file)
    assert.deepEqual(
      schema.slice(7).map(({ name }) => name),
      ['id', 'id_2', 'dropped_id', 'a_b', 'op_2'],
    )
  })

  test('says of its integers and times the least and the greatest', () => {
    const shape = shapeWith([INT8, numeric(9, 2), typeOf('date')])
    const rows = [
      ['9223372036854775807', '1.00', '2026-11-23'],
      ['-9223372036854775808', '-5.25', '1970-01-01'],
      ['4294967296', null, null],
    ]
    const [group] = parquetMetadata(encode(shape, inserts(rows)).file).row_groups
    const statistics = group!.columns.slice(6).map(({ meta_data: about }) => {
      const { min_value: min, max_value: max, null_count: nulls } = about!.statistics!
      return [min, max, nulls]
    })
    assert.deepEqual(statistics, [
      [-(2n ** 63n), 2n ** 63n - 1n, 0n],
      [-5.25, 1, 1n],
      [new Date('1970-01-01T00:00:00Z'), new Date('2026-11-23T00:00:00Z'), 1n],
    ])
  })

  test('of many rows has several row groups, and large values have pages of their own', async () => {
    const shape = shapeOf(['id', 'note'])
    const rows = Array.from({ length: 60 }, (_, i) => [String(i), String(i % 10).repeat(600_000)])
    const { file } = encode(shape, inserts(rows))
    const { row_groups: groups } = parquetMetadata(file)
    assert.ok(groups.length >= 2, `${groups.length} row groups`)
    assert.deepEqual(await textsOf(shape, file), rows)
  })

  test('of arrays goes on over the border of a page', async () => {
    const shape = shapeWith([INT8, arrayOf(typeOf('text'))])
    const rows = Array.from({ length: 40 }, (_, i) => [
      String(i),
      i % 7 === 0 ? null : `{${'x'.repeat(70_000)},NULL,${i}}`,
    ])
    const options = { ...PARQUET_DEFAULTS, arrays: 'lists' } as const
    const { file } = encode(shape, inserts(rows), options)
    assert.deepEqual(await textsOf(shape, file), rows)
    const read = await parquetReadObjects({ file: asyncBuffer(file), columns: ['c1'] })
    assert.deepEqual(read.at(-1)!['c1'], ['x'.repeat(70_000), null, '39'])
  })

  test('without rows is a file with columns', async () => {
    const { file } = encode(shapeOf(['id']), [])
    assert.deepEqual((await decode(shapeOf(['id']), file)).changes, [])
    assert.deepEqual(await parquetReadObjects({ file: asyncBuffer(file) }), [])
  })
})

describe('a value that does not fit', () => {
  const cases: [type: ColumnType, text: string, clamped: string | null][] = [
    [typeOf('date'), 'infinity', '5874897-12-31'],
    [typeOf('date'), '-infinity', '4714-11-24 BC'],
    [typeOf('timestamp'), 'infinity', '294247-01-10 04:00:53.999999'],
    [typeOf('timestamptz'), '-infinity', '4714-11-24 00:00:00+00 BC'],
    [typeOf('timestamptz'), '294276-12-31 23:59:59+00', '294247-01-10 04:00:53.999999+00'],
    [numeric(10, 2), 'NaN', null],
    [arrayOf(typeOf('int4')), '{{1,2},{3,4}}', null],
    [arrayOf(typeOf('int4')), '[0:1]={1,2}', null],
    [arrayOf(typeOf('date')), '{infinity,2026-11-23}', '{5874897-12-31,2026-11-23}'],
  ]

  for (const [type, text, clamped] of cases) {
    const shape = shapeWith([INT8, type])
    const rows = [
      ['1', text],
      ['2', null],
      ['3', text],
    ]
    const written = (unfit: ParquetOptions['unfit']) =>
      encode(shape, inserts(rows), { arrays: 'lists', types: 'full', unfit })

    test(`follows the policy: ${type.name} ${text}`, async () => {
      assert.throws(() => written('error'), {
        code: 'VALUE_UNFIT',
        details: { table: 'app.orders', column: 'c1' },
      })
      const asNull = written('null')
      assert.deepEqual(await textsOf(shape, asNull.file), [['1', null], ['2', null], ['3', null]]) // prettier-ignore
      assert.deepEqual(asNull.unfit, [{ column: 'c1', policy: 'null', values: 2 }])
      const nearest = written('clamp')
      assert.deepEqual(await textsOf(shape, nearest.file), [['1', clamped], ['2', null], ['3', clamped]]) // prettier-ignore
      assert.deepEqual(nearest.unfit, [{ column: 'c1', policy: 'clamp', values: 2 }])
    })

    test(`is what it was for consumers, and NULL for engines: ${type.name} ${text}`, async () => {
      const { file } = written('text')
      assert.deepEqual(await textsOf(shape, file), rows)
      const read = await parquetReadObjects({ file: asyncBuffer(file), columns: ['c1'] })
      assert.deepEqual(
        read.map(({ c1 }) => c1 ?? null),
        [null, null, null],
      )
    })
  }

  test('is no error of arrays of several dimensions that are kept as JSON', async () => {
    const shape = shapeWith([arrayOf(typeOf('text'))])
    const rows = [['{{a,"b c"},{NULL,"NULL"}}'], ['{}'], ['{"{","\\""}']]
    const { file } = encode(shape, inserts(rows))
    assert.deepEqual(await textsOf(shape, file), rows)
    const read = await parquetReadObjects({ file: asyncBuffer(file), columns: ['c0'] })
    assert.deepEqual(JSON.parse(String(read[0]!['c0'])), [['a', 'b c'], [null, 'NULL']]) // prettier-ignore
  })

  test('is refused under every policy if it is no UTF-8', () => {
    const shape = shapeOf(['t'])
    for (const unfit of ['error', 'text'] as const) {
      const rows = inserts([[Buffer.of(0xff, 0x61)]])
      assert.throws(() => encode(shape, rows, { ...PARQUET_DEFAULTS, unfit }), {
        code: 'VALUE_UNFIT',
      })
    }
  })
})

describe('a part of a load', () => {
  const shape = shapeOf(['id', 'note', '-old'])

  async function* csv(lines: readonly string[]): AsyncGenerator<Buffer> {
    yield encodeHeader(shape)
    const prefix = loadPrefix({ order: 99, lsn: lsn(2n), committedAt: 0n })
    for (const line of lines) yield Buffer.concat([prefix, Buffer.from(line)])
  }

  async function encodeLoad(lines: readonly string[]): Promise<Buffer> {
    const pieces: Buffer[] = []
    const parts = { shape, options: PARQUET_DEFAULTS, onUnfit: () => assert.fail() }
    for await (const piece of encodeParquetLoad(csv(lines), 99, parts)) pieces.push(piece)
    return Buffer.concat(pieces)
  }

  test('is made of the lines of COPY', async () => {
    const file = await encodeLoad(['1,plain,\n', '2,,\n', '3,"",\n', '4,"two\nlines, ""q""",\n'])
    const rows: unknown[] = []
    for await (const { bytes, starts } of readLoad(inPieces(file), new ParquetRows(shape))) {
      for (const start of starts.slice(0, -1)) rows.push(valuesOf(bytes, start))
    }
    assert.deepEqual(rows, [
      ['1', 'plain', null],
      ['2', null, null],
      ['3', '', null],
      ['4', 'two\nlines, "q"', null],
    ])
    const read = await parquetReadObjects({ file: asyncBuffer(file), columns: ['Op', '_order', '_lsn', '_seq'] }) // prettier-ignore
    assert.deepEqual(read[3], { Op: 'I', _order: 99n, _lsn: 2n, _seq: 0n })
  })
})

describe('a damaged Parquet file', () => {
  const shape = shapeOf(['id', 'note'])
  const { file } = encode(shape, inserts([['1', 'a'.repeat(100)]]))
  const cases: [name: string, damaged: Buffer, shape: Shape][] = [
    ['without a byte', Buffer.alloc(0), shape],
    ['cut off', file.subarray(0, -5), shape],
    ['of another shape', file, shapeOf(['id', 'text'])],
    ['of a shape with a column more', file, shapeOf(['id', 'note', 'more'])],
    ['of a shape with a column less', file, shapeOf(['id'])],
    ['of a shape with other types', file, shapeWith([INT8, typeOf('text')])],
    ['with zeros in its pages', Buffer.concat([file.subarray(0, 4), Buffer.alloc(200), file.subarray(204)]), shape], // prettier-ignore
    ['that is CSV', encodeHeader(shape), shape],
  ]
  for (const [name, damaged, of] of cases) {
    test(`${name} is refused`, async () => {
      await assert.rejects(decode(of, damaged), { code: 'LAKE_DAMAGED' })
    })
  }
})

function asyncBuffer(file: Buffer): ArrayBuffer {
  const copy = new Uint8Array(file)
  return copy.buffer
}
