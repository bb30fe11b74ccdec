/** Any rows, under any settings, against a model of a few lines that knows nothing of bytes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { readDmsSettings } from '../../../../src/config/dms-settings.ts'
import { OP } from '../../../../src/core/change-log.ts'
import { CsvLines } from '../../../../src/targets/dms-files/csv-lines.ts'
import { shapeOf, tuple, UNCHANGED } from '../../../support/tuples.ts'

const NAMES = ['id', 'a', '-gone', 'b,"c']
const HAS_PLACE = [true, true, false, true]

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', 'NULL', '"', 'a,b', 'a|b', 'a\nb', '\r', '""', 'é€😀'),
)
const value = fc.oneof(text, fc.constant(null), fc.constant(UNCHANGED))
const row = fc.record({
  op: fc.constantFrom('insert', 'update', 'delete'),
  values: fc.tuple(text, value, fc.constant(null), value),
})
const settings = fc.record({
  addColumnName: fc.boolean(),
  rfc4180: fc.boolean(),
  csvDelimiter: fc.constantFrom(',', '|', '\t', '0x01'),
  csvRowDelimiter: fc.constantFrom('\\n', '\\r\\n'),
  csvNullValue: fc.constantFrom('', 'NULL', '\\N'),
  timestampColumnName: fc.option(fc.constantFrom('ts', 'when, then'), { nil: undefined }),
  hasOp: fc.boolean(),
  hasTable: fc.boolean(),
})

test('lines are those of a model, under any settings', () => {
  fc.assert(
    fc.property(settings, fc.array(row, { maxLength: 20 }), (chosen, rows) => {
      assert.equal(written(chosen, rows), expected(chosen, rows))
    }),
    { numRuns: 500 },
  )
})

test('a line that is taken back leaves what was before it, wherever pieces are taken', () => {
  const shape = shapeOf(['id'])
  const lines = new CsvLines(readDmsSettings('').settings, { hasOp: false, hasTable: false })
  const line = (id: string) => ({ op: OP.insert, shape, bytes: tuple([id]), start: 0, at: 0n })
  lines.row(line('1'))
  const first = Buffer.from(lines.end())
  lines.row(line('2'))
  lines.undo()
  assert.equal(lines.size, 2)
  lines.row(line('3'))
  assert.equal(`${first.toString()}${lines.end().toString()}`, '1\n3\n')
})

type Chosen = Parameters<Parameters<typeof settings.map>[0]>[0]
type Row = Parameters<Parameters<typeof row.map>[0]>[0]

function written({ hasOp, hasTable, ...given }: Chosen, rows: readonly Row[]): string {
  const shape = shapeOf(NAMES)
  const known = Object.entries(given).filter(([, setting]) => setting !== undefined)
  const { settings: read, mistakes } = readDmsSettings(
    Object.fromEntries(known) as Record<string, string>,
  )
  assert.deepEqual(mistakes, [])
  const lines = new CsvLines(read, { hasOp, hasTable })
  if (given.addColumnName) lines.header(shape)
  const pieces: Buffer[] = []
  for (const { op, values } of rows) {
    lines.row({ op: OP[op], shape, bytes: tuple(values), start: 0, at: 0n })
    pieces.push(lines.end())
  }
  pieces.push(lines.end())
  return Buffer.concat(pieces).toString()
}

function expected(chosen: Chosen, rows: readonly Row[]): string {
  const delimiter = { ',': ',', '|': '|', '\t': '\t', '0x01': '\u0001' }[chosen.csvDelimiter]
  const end = chosen.csvRowDelimiter === '\\n' ? '\n' : '\r\n'
  const quoted = (field: string) => {
    const isPlain = ![delimiter, '"', '\n', '\r'].some((special) => field.includes(special))
    return isPlain || !chosen.rfc4180 ? field : `"${field.split('"').join('""')}"`
  }
  const time = chosen.timestampColumnName
  const header = [
    ...(chosen.hasOp ? ['Op'] : []),
    ...(time === undefined ? [] : [time]),
    ...NAMES.filter((_, i) => HAS_PLACE[i]),
  ]
  const lines = rows.map(({ op, values }) => [
    ...(chosen.hasOp ? [{ insert: 'I', update: 'U', delete: 'D' }[op]] : []),
    ...(chosen.hasTable ? ['orders', 'app'] : []),
    ...(time === undefined ? [] : ['2000-01-01 00:00:00.000000']),
    ...values
      .filter((_, i) => HAS_PLACE[i])
      .map((field) => (typeof field === 'string' ? quoted(field) : chosen.csvNullValue)),
  ])
  const head = chosen.addColumnName ? [header.map(quoted)] : []
  return [...head, ...lines].map((fields) => fields.join(delimiter) + end).join('')
}
