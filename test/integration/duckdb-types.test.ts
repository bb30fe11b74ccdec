/** Every type with its nastiest values, in the text that PostgreSQL 18 writes for them. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'

import type { Column, Shape } from '../../src/core/table.ts'
import type { LoadPart, Step } from '../../src/core/target.ts'
import type { ColumnType } from '../../src/core/type.ts'
import { encodeParquetChanges } from '../../src/lake/codecs/parquet-encoder.ts'
import { ParquetRows } from '../../src/lake/codecs/parquet-rows.ts'
import { readLoad } from '../../src/lake/codecs/row-reader.ts'
import { duckdbType } from '../../src/targets/duckdb/types.ts'
import { applySteps } from '../support/apply-steps.ts'
import { arrayOf, numeric, typeOf } from '../support/column-types.ts'
import { DuckdbPlace } from '../support/duckdb-place.ts'
import { foldedRows, upsert } from '../support/folded-rows.ts'
import { INT8, logOf } from '../support/tuples.ts'

/** PostgreSQL's text, and DuckDB's own for the value; the same if there is only one. */
type Sample = string | readonly [string, string]

interface Corpus {
  readonly type: ColumnType
  readonly samples: readonly Sample[]
}

const TIMES: readonly Sample[] = [
  '2024-02-29 23:59:59.999999',
  ['1970-01-01 00:00:00.1', '1970-01-01 00:00:00.1'],
  '10000-01-01 00:00:00',
  '294246-12-31 23:59:59.999999',
  ['4714-11-24 00:00:00 BC', '4714-11-24 (BC) 00:00:00'],
  ['0044-03-15 12:00:00.5 BC', '0044-03-15 (BC) 12:00:00.5'],
  'infinity',
  '-infinity',
]
/** With a zone. DuckDB keeps the years from 287396 on, but does not write them rightly with a zone. */
const zoned = (sample: Sample): Sample => {
  const [pg, duck] = typeof sample === 'string' ? [sample, sample] : sample
  if (pg.endsWith('infinity')) return pg
  return [pg.replace(/( BC)?$/, '+00$1'), `${duck}+00`]
}
const TEXTS = [
  '',
  ' ',
  'NULL',
  '\\N',
  '\\',
  '\\\\x"',
  '"',
  '""',
  "'",
  ',',
  '\n',
  '\r',
  '\r\n,"x"\n1,2,3\n',
  '\u{1f469}\u200d\u{1f680} e\u0301 \ufeff \u0001\u007f',
  '{a}',
  '[]',
  'x'.repeat(5000),
]

const CORPUS: readonly Corpus[] = [
  { type: typeOf('bool'), samples: [['t', 'true'], ['f', 'false']] }, // prettier-ignore
  { type: typeOf('int2'), samples: ['-32768', '0', '32767'] },
  { type: typeOf('int4'), samples: ['-2147483648', '2147483647'] },
  { type: typeOf('int8'), samples: ['-9223372036854775808', '9223372036854775807', '9007199254740993'] }, // prettier-ignore
  { type: typeOf('oid'), samples: ['0', '4294967295'] },
  {
    type: typeOf('float4'),
    samples: ['0.1', '1e-45', '3.4028235e+38', ['NaN', 'nan'], ['-Infinity', '-inf'], ['-0', '-0.0'], ['16777216', '16777216.0']], // prettier-ignore
  },
  {
    type: typeOf('float8'),
    samples: ['0.1', '5e-324', '1.7976931348623157e+308', '0.30000000000000004', ['NaN', 'nan'], ['Infinity', 'inf'], ['-0', '-0.0']], // prettier-ignore
  },
  { type: numeric(10, 2), samples: ['0.00', '-0.01', '99999999.99', '1.50'] },
  { type: numeric(38, 0), samples: ['9'.repeat(38), `-${'9'.repeat(38)}`] },
  {
    type: numeric(38, 20),
    samples: [`${'9'.repeat(18)}.${'9'.repeat(20)}`, '0.00000000000000000001'],
  },
  { type: numeric(39, 1), samples: [`${'9'.repeat(38)}.9`, 'NaN'] },
  { type: numeric(5, -2), samples: ['1234500'] },
  { type: typeOf('numeric'), samples: ['1.0', '1.00', 'NaN', 'Infinity', `1${'0'.repeat(1000)}.${'0'.repeat(500)}1`] }, // prettier-ignore
  { type: typeOf('text'), samples: TEXTS },
  { type: typeOf('bpchar', 7), samples: ['a  ', '   '] },
  { type: typeOf('mood'), samples: ['happy', 'very "sad", or not'] },
  { type: typeOf('xml'), samples: ['<a b="c">\n</a>'] },
  { type: typeOf('int4range'), samples: ['[1,10)', 'empty'] },
  { type: typeOf('interval'), samples: ['1 year 2 mons -3 days +04:05:06.789', '00:00:00'] },
  { type: typeOf('timetz'), samples: ['24:00:00-15:59:59', '12:00:00+05:30'] },
  {
    type: typeOf('bytea'),
    samples: [['\\x', ''], ['\\x00ff22', '\\x00\\xFF\\x22'], ['\\x6869', 'hi']], // prettier-ignore
  },
  { type: typeOf('uuid'), samples: ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'] }, // prettier-ignore
  {
    type: typeOf('json'),
    samples: [
      '{"a" :  1, "a":2}',
      'null',
      '""',
      '[1.10, 12345678901234567890123.5]',
      '"\\u00e9 \\" \\n"',
    ],
  },
  { type: typeOf('jsonb'), samples: ['{"k": "line\\nbreak, \\"quoted\\" \u{1f600}"}', '{}'] },
  {
    type: typeOf('date'),
    samples: [
      '2024-02-29',
      '5874897-12-31',
      ['4714-11-24 BC', '4714-11-24 (BC)'],
      'infinity',
      '-infinity',
    ],
  },
  { type: typeOf('time'), samples: ['00:00:00', '24:00:00', '23:59:59.999999'] },
  { type: typeOf('timestamp'), samples: TIMES },
  {
    type: typeOf('timestamptz'),
    samples: [
      ...TIMES.filter((sample) => !sample.includes('294246-12-31 23:59:59.999999')).map(zoned),
      '280000-12-31 23:59:59.999999+00',
      ['2024-01-01 00:00:00+05:30', '2023-12-31 18:30:00+00'],
      ['2024-01-01 00:00:00-00:00:15', '2024-01-01 00:00:15+00'],
      ['0001-01-01 00:00:00+00', '0001-01-01 00:00:00+00'],
    ],
  },
  { type: arrayOf(typeOf('int4')), samples: [['{}', '[]'], ['{1,NULL,-3}', '[1, NULL, -3]']] }, // prettier-ignore
  { type: arrayOf(typeOf('bool')), samples: [['{t,f}', '[true, false]']] },
  { type: arrayOf(numeric(10, 2)), samples: [['{1.50,NULL}', '[1.50, NULL]']] },
  { type: arrayOf(typeOf('date')), samples: [['{2024-02-29,"0044-03-15 BC",infinity}', "[2024-02-29, '0044-03-15 (BC)', infinity]"]] }, // prettier-ignore
  { type: arrayOf(typeOf('timestamptz')), samples: [['{"2024-01-01 00:00:00.5+00"}', "['2024-01-01 00:00:00.5+00']"]] }, // prettier-ignore
  { type: arrayOf(typeOf('uuid')), samples: [['{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', '[a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11]']] }, // prettier-ignore
  { type: arrayOf(typeOf('box')), samples: ['{(1,1),(0,0);(3,3),(2,2)}'] },
]

const ID: Column = { name: 'id', type: INT8, wire: 0 }

function shapeWith(type: ColumnType): Shape {
  const columns = [ID, { name: 'the "value"', type, wire: 1 }]
  return { table: { namespace: 'app', name: 'values' }, oid: 1, number: 1, columns, key: [0] }
}

function stepsFor(shape: Shape, then: Step): Step[] {
  return [{ type: 'create', table: { name: shape.table, isShadow: false }, shape }, then]
}

const pgOf = (sample: Sample): string => (typeof sample === 'string' ? sample : sample[0])
const duckOf = (sample: Sample): string => (typeof sample === 'string' ? sample : sample[1])

/** One file of the lake with the values and a NULL at the end. */
async function lakeFile(
  place: DuckdbPlace,
  values: readonly string[],
  isGzip: boolean,
): Promise<LoadPart> {
  const lines = [...values, null].map((value, i) => {
    const field = value === null ? '' : `"${value.replaceAll('"', '""')}"`
    return `I,7,8,2,2024-01-01 00:00:00,,${i},${field}\n`
  })
  const text = `Op,_order,_lsn,_seq,_committed_at,_unchanged,id,value\n${lines.join('')}`
  const localPath = join(place.folder, "it's a part.csv")
  await writeFile(localPath, isGzip ? gzipSync(text) : text)
  return {
    path: 'app/values/load/a1/1.csv',
    localPath,
    format: isGzip ? 'csv.gz' : 'csv',
    rows: lines.length,
    read: () => assert.fail('DuckDB can read the file itself'),
  }
}

/** The same in Parquet, where what does not fit stands beside its column. */
async function parquetPart(
  place: DuckdbPlace,
  values: readonly string[],
  shape: Shape,
): Promise<LoadPart> {
  const rows = [...values, null].map((value, i) => [String(i), value])
  const changes = logOf(rows.map((row) => ({ op: 'insert', lsn: 8n, ordinal: 2, values: row })))
  const options = { arrays: 'lists', types: 'full', unfit: 'text' } as const
  const parts = { shape, options, onUnfit: () => {} }
  const file = Buffer.concat([...encodeParquetChanges(changes, 7, parts)])
  const localPath = join(place.folder, "it's a part.parquet")
  await writeFile(localPath, file)
  async function* read(): AsyncGenerator<Buffer> {
    yield file
  }
  return {
    path: 'app/values/load/a1/1.parquet',
    localPath,
    format: 'parquet',
    rows: rows.length,
    read: () => readLoad(read(), new ParquetRows(shape)),
  }
}

for (const how of [
  'a fold',
  'a csv file of the lake',
  'a csv.gz file of the lake',
  'a parquet file of the lake',
]) {
  test(`every value of every type arrives through ${how} as what it was`, async () => {
    await using place = await DuckdbPlace.make()
    const target = await place.open()
    await target.open()
    for (const { type, samples } of CORPUS) {
      const shape = shapeWith(type)
      const table = { name: shape.table, isShadow: false }
      const values = samples.map(pgOf)
      const rows = foldedRows([...values, null].map((value, i) => upsert([String(i), value])))
      const then: Step =
        how === 'a fold'
          ? { type: 'fold', table, shape, rows }
          : {
              type: 'load',
              table,
              shape,
              part: how.includes('parquet')
                ? await parquetPart(place, values, shape)
                : await lakeFile(place, values, how.includes('gz')),
            }
      await applySteps(target, stepsFor(shape, then))
      const arrived = await target.query(
        `SELECT CAST("the ""value""" AS VARCHAR) AS v, typeof("the ""value""") AS t
         FROM app.values ORDER BY id`,
      )
      assert.deepEqual(arrived.map(({ v }) => v), [...samples.map(duckOf), null], JSON.stringify(type)) // prettier-ignore
      assert.equal(arrived[0]!['t'], nameOf(duckdbType(type)))
    }
    await target.close()
  })
}

/** As `typeof` writes it. */
function nameOf(type: string): string {
  return type.replace('TIMESTAMPTZ', 'TIMESTAMP WITH TIME ZONE').replace(', ', ',')
}

test('elements of lists of text keep every character, NULL and the text NULL', async () => {
  await using place = await DuckdbPlace.make()
  const target = await place.open()
  await target.open()
  const shape = shapeWith(arrayOf(typeOf('text')))
  const quoted = TEXTS.map((text) => `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`)
  const text = `{${quoted.join(',')},NULL,plain,\u{1f600}}`
  const table = { name: shape.table, isShadow: false }
  const rows = foldedRows([upsert(['1', text])])
  await applySteps(target, stepsFor(shape, { type: 'fold', table, shape, rows }))
  const [row] = await target.query(`SELECT "the ""value""" AS v FROM app.values`)
  assert.deepEqual(row!['v'], [...TEXTS, null, 'plain', '\u{1f600}'])
  await target.close()
})

test('elements of lists of bytea keep their bytes', async () => {
  await using place = await DuckdbPlace.make()
  const target = await place.open()
  await target.open()
  const shape = shapeWith(arrayOf(typeOf('bytea')))
  const table = { name: shape.table, isShadow: false }
  const rows = foldedRows([upsert(['1', String.raw`{"\\x00ff","\\x",NULL}`])])
  await applySteps(target, stepsFor(shape, { type: 'fold', table, shape, rows }))
  const [row] = await target.query(
    `SELECT list_transform("the ""value""", lambda e: hex(e)) AS v FROM app.values`,
  )
  assert.deepEqual(row!['v'], ['00FF', '', null])
  await target.close()
})

const UNFIT: readonly (readonly [ColumnType, string])[] = [
  [numeric(10, 2), 'NaN'],
  [numeric(10, 2), 'Infinity'],
  [numeric(10, 2), '123456789.00'],
  [typeOf('timestamp'), '294276-12-31 23:59:59'],
  [typeOf('timestamptz'), '294276-12-31 23:59:59+00'],
  [typeOf('json'), '"\\ud800"'],
  [typeOf('bytea'), 'abcd'],
  [typeOf('bytea'), '\\000'],
  [arrayOf(typeOf('int4')), '{{1,2},{3,4}}'],
  [arrayOf(typeOf('text')), '{{a,b},{c,d}}'],
  [arrayOf(typeOf('text')), '[0:1]={a,b}'],
  [arrayOf(typeOf('bytea')), '{{"\\\\x00"}}'],
  [arrayOf(numeric(10, 2)), '{1.00,NaN}'],
]

for (const [type, value] of UNFIT) {
  for (const how of ['fold', 'load'] as const) {
    test(`${value} in a column ${duckdbType(type)} fails in a ${how}, and the error names the column, not the value`, async () => {
      await using place = await DuckdbPlace.make()
      const target = await place.open()
      await target.open()
      const shape = shapeWith(type)
      const table = { name: shape.table, isShadow: false }
      const then: Step =
        how === 'fold'
          ? {
              type: 'fold',
              table,
              shape,
              rows: foldedRows([upsert(['1', null]), upsert(['2', value])]),
            }
          : { type: 'load', table, shape, part: await lakeFile(place, [value], false) }
      await assert.rejects(applySteps(target, stepsFor(shape, then)), (error: Error) => {
        const { code, details } = error as unknown as { code: string; details: unknown }
        assert.equal(code, 'VALUE_UNFIT')
        assert.deepEqual(details, { table: 'app.values', column: 'the "value"', rows: 1 })
        assert.match(error.message, /^app\.values: column the "value" has a value that /)
        assert.ok(!error.message.split(' cannot hold: ')[0]!.includes(value))
        assert.equal(error.cause, undefined)
        return true
      })
      assert.deepEqual(
        await target.query("SELECT 1 FROM duckdb_tables() WHERE schema_name = 'app'"),
        [],
      )
      await target.close()
    })
  }
}
