/** Parquet as DMS has it, read back by another library. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync } from 'node:zlib'

import fc from 'fast-check'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'

import { readDmsSettings } from '../../../../src/config/dms-settings.ts'
import { OP } from '../../../../src/core/change-log.ts'
import type { Shape } from '../../../../src/core/table.ts'
import type { ColumnType } from '../../../../src/core/type.ts'
import { ParquetLines } from '../../../../src/targets/dms-files/parquet-lines.ts'
import { numeric, typeOf } from '../../../support/column-types.ts'
import { shapeOf, tuple, UNCHANGED, type Value } from '../../../support/tuples.ts'

const COMPRESSORS = { GZIP: (packed: Uint8Array) => new Uint8Array(gunzipSync(packed)) }

describe('Parquet files as DMS has them', () => {
  test('have Op, the time and the columns, in this order, and all of them may be NULL (doc)', async () => {
    const lines = linesOf('timestampColumnName=ts', shapeOf(['id', '-gone', 'v']))
    lines.row(line(OP.insert, ['1', null, 'x']))
    lines.row(line(OP.update, ['1', null, UNCHANGED]))
    lines.row(line(OP.delete, ['1', null, null]))
    const { rows, metadata } = await read(lines.end())
    const ts = '2000-01-01 00:00:00.000000'
    assert.deepEqual(rows, [
      { Op: 'I', ts, id: '1', v: 'x' },
      { Op: 'U', ts, id: '1', v: null },
      { Op: 'D', ts, id: '1', v: null },
    ])
    assert.ok(metadata.schema.slice(1).every(({ repetition_type: kind }) => kind === 'OPTIONAL'))
  })

  const TYPES: readonly (readonly [type: ColumnType, text: string, value: unknown])[] = [
    [typeOf('int2'), '-32768', -32_768],
    [typeOf('int4'), '2147483647', 2_147_483_647],
    [typeOf('int8'), '-9223372036854775808', -(2n ** 63n)],
    [typeOf('float4'), '1.5', 1.5],
    [typeOf('float8'), 'NaN', NaN],
    [typeOf('float8'), '-Infinity', -Infinity],
    [typeOf('numeric'), '0.611111104488373', '0.611111104488373'], // DMS would round it
    [typeOf('bool'), 't', 'true'],
    [typeOf('bytea'), '\\x00ff', Uint8Array.of(0, 255)],
    [typeOf('date'), '2026-01-31', new Date('2026-01-31')],
    [typeOf('date'), '0001-01-01 BC', new Date('0000-01-01')],
    [typeOf('timestamp'), '2026-01-31 10:00:00.5', new Date('2026-01-31T10:00:00.5Z')],
    [typeOf('timestamptz'), '1969-12-31 23:59:59.25+00', new Date('1969-12-31T23:59:59.25Z')],
    [typeOf('timestamp'), 'infinity', new Date('9999-12-31T23:59:59Z')],
    [typeOf('timestamp'), '-infinity', new Date('-004712-01-01T00:00:00Z')],
    [
      typeOf('uuid'),
      '00000000-0000-0000-0000-000000000001',
      '00000000-0000-0000-0000-000000000001',
    ],
    [typeOf('jsonb'), '{"a": "é"}', '{"a": "é"}'],
    [typeOf('time'), '10:00:00.000001', 36_000_000_001n],
  ]
  for (const [type, text, value] of TYPES) {
    test(`have ${type.name} ${text}`, async () => {
      const lines = linesOf('', typed(type))
      lines.row(line(OP.insert, [text]))
      lines.row(line(OP.insert, [null]))
      const { rows } = await read(lines.end())
      assert.deepEqual(
        rows.map((row) => row['v']),
        [value, null],
      )
    })
  }

  test('have the days of any year', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: -100_000, max: 2_000_000 }), async (day) => {
        const iso = new Date(day * 86_400_000).toISOString()
        const lines = linesOf('', typed(typeOf('date')))
        fc.pre(!iso.startsWith('-') && !iso.startsWith('+'))
        lines.row(line(OP.insert, [iso.slice(0, 10)]))
        const { rows } = await read(lines.end())
        assert.equal((rows[0]!['v'] as Date).getTime(), day * 86_400_000)
      }),
      { numRuns: 100 },
    )
  })

  test('have decimals to the last digit, in 16 bytes (doc)', async () => {
    const lines = linesOf('', typed(numeric(38, 10)))
    const most = `${'9'.repeat(28)}.${'9'.repeat(10)}`
    for (const value of [most, `-${most}`, '-1.5', '0']) lines.row(line(OP.insert, [value]))
    const bytes = lines.end()
    const { metadata } = await read(bytes)
    const { type, type_length: length, precision, scale } = metadata.schema.at(-1)!
    assert.deepEqual(
      { type, length, precision, scale },
      { type: 'FIXED_LEN_BYTE_ARRAY', length: 16, precision: 38, scale: 10 },
    )
    const unscaled = [10n ** 38n - 1n, 1n - 10n ** 38n, -15_000_000_000n, 0n]
    for (const number of unscaled) assert.ok(bytes.includes(bigEndian(number)))
  })

  test('have milliseconds if the settings say so (doc)', async () => {
    const lines = linesOf('parquetTimestampInMillisecond=true', typed(typeOf('timestamp')))
    lines.row(line(OP.insert, ['2026-01-31 10:00:00.123999']))
    const { rows, metadata } = await read(lines.end())
    assert.equal(metadata.schema.at(-1)!.converted_type, 'TIMESTAMP_MILLIS')
    assert.deepEqual(rows[0]!['v'], new Date('2026-01-31T10:00:00.123Z'))
  })

  for (const text of ['NaN', 'Infinity']) {
    test(`refuse ${text} in a decimal by table and column`, () => {
      const lines = linesOf('', typed(numeric(10, 2)))
      assert.throws(() => lines.row(line(OP.insert, [text])), {
        code: 'VALUE_UNFIT',
        message: /^app\.orders: column v /,
      })
    })
  }

  test('have as many rows in a group as the settings say, packed as they say (doc)', async () => {
    const settings =
      'rowGroupLength=4;compressionType=GZIP;encodingType=PLAIN;enableStatistics=false'
    const lines = linesOf(settings, shapeOf(['id', 'v']))
    const pieces: Buffer[] = []
    for (let i = 0; i < 10; i++) {
      lines.row(line(OP.insert, [String(i), 'x'.repeat(100)]))
      const piece = lines.piece()
      if (piece !== null) pieces.push(piece)
    }
    assert.equal(pieces.length, 2)
    const { rows, metadata } = await read(Buffer.concat([...pieces, lines.end()]))
    assert.equal(rows.length, 10)
    assert.deepEqual(
      metadata.row_groups.map((group) => Number(group.num_rows)),
      [4, 4, 2],
    )
    for (const { columns } of metadata.row_groups) {
      for (const { meta_data: about } of columns) {
        assert.equal(about?.codec, 'GZIP')
        assert.equal(about.statistics?.max_value, undefined)
        assert.ok(!about.encodings.includes('RLE_DICTIONARY'))
      }
    }
  })

  test('leave out a row that is taken back', async () => {
    const lines = linesOf('', shapeOf(['id']))
    lines.row(line(OP.insert, ['1']))
    const { size } = lines
    lines.row(line(OP.insert, ['2']))
    lines.undo()
    assert.equal(lines.size, size)
    assert.deepEqual((await read(lines.end())).rows, [{ Op: 'I', id: '1' }])
  })

  test('have equal bytes for equal rows', () => {
    const bytes = [1, 2].map(() => {
      const lines = linesOf('compressionType=GZIP', shapeOf(['id', 'v']))
      for (let i = 0; i < 100; i++) lines.row(line(OP.insert, [String(i), `v${i % 3}`]))
      return lines.end()
    })
    assert.deepEqual(bytes[0], bytes[1])
  })
})

function linesOf(given: string, shape: Shape): ParquetLines {
  const { settings, mistakes } = readDmsSettings(`dataFormat=parquet;${given}`)
  assert.deepEqual(mistakes, [])
  const { parquet } = settings
  assert.ok(parquet !== null)
  return new ParquetLines({ ...settings, parquet }, { shape, hasOp: true })
}

function typed(type: ColumnType): Shape {
  const shape = shapeOf(['v'])
  return { ...shape, columns: [{ name: 'v', type, wire: 0 }] }
}

/** The shape is that of the lines it is given to. */
function line(op: (typeof OP)[keyof typeof OP], values: Value[]) {
  return { op, shape: shapeOf([]), bytes: tuple(values), start: 0, at: 0n }
}

async function read(bytes: Buffer) {
  const file = new Uint8Array(bytes).buffer
  const metadata = parquetMetadata(file)
  const rows = await parquetReadObjects({ file, compressors: COMPRESSORS, utf8: false })
  return { rows, metadata }
}

function bigEndian(value: bigint): Buffer {
  const hex = BigInt.asUintN(128, value).toString(16).padStart(32, '0')
  return Buffer.from(hex, 'hex')
}
