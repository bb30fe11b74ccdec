/** Values as COPY of Redshift reads them, and what becomes of those that do not fit. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { CsvWriter } from '../../../../src/core/csv.ts'
import type { ColumnType } from '../../../../src/core/type.ts'
import type { Unfit } from '../../../../src/targets/redshift/fit.ts'
import { lastOfEachKey } from '../../../../src/targets/redshift/json.ts'
import { RedshiftValues, valueText } from '../../../../src/targets/redshift/values.ts'

const TABLE = { namespace: 'app', name: 'orders' }

function type(name: string, modifier = -1): ColumnType {
  return { oid: 1, name, modifier }
}

/** A line of one value, and one that is NULL. */
function written(
  of: ColumnType,
  value: string,
  { unfit = 'error', isKey = false }: { unfit?: Unfit; isKey?: boolean } = {},
): { line: string; values: RedshiftValues } {
  const csv = new CsvWriter()
  const column = (name: string, at: number) => ({
    column: { name, type: of, wire: at },
    index: at,
    isKey: isKey && at === 0,
  })
  const columns = [column('a', 0), column('b', 1)]
  const values = new RedshiftValues(csv, { table: TABLE, columns, unfit })
  const bytes = Buffer.from(`x${value}"x`)
  values.text(0, bytes, 1, bytes.length - 2)
  csv.comma()
  values.null(1)
  values.rowEnd()
  return { line: Buffer.concat([...csv.takeAll()]).toString(), values }
}

describe('values for Redshift', () => {
  const cases: readonly (readonly [ColumnType, string, string])[] = [
    [type('int4'), '42', '42,\n'],
    [type('bool'), 't', 't,\n'],
    [type('numeric', ((10 << 16) | 2) + 4), '-1.50', '-1.50,\n'],
    [type('text'), '', '"",\0\n'],
    [type('text'), 'a"b,c\n"', '"a""b,c\n""",\0\n'],
    [type('uuid'), 'c0de', '"c0de",\0\n'],
    [type('jsonb'), '{"a": 1}', '"{""a"": 1}",\0\n'],
    [type('json'), '{"a": 1, "a": 2}', '"{""a"":2}",\0\n'],
    [{ ...type('int4'), element: type('int4') }, '{1,NULL}', '"[1,null]",\0\n'],
    [type('bytea'), String.raw`\x00ff`, '00ff,,00\n'],
    [type('bytea'), String.raw`\x`, ',,10\n'],
    [type('timestamptz'), '2026-01-31 10:00:00.5+00', '2026-01-31 10:00:00.5+00,\n'],
  ]
  for (const [of, value, line] of cases) {
    test(`write ${of.name}${of.element ? '[]' : ''} ${JSON.stringify(value)} as ${JSON.stringify(line)}`, () => {
      assert.equal(written(of, value).line, line)
    })
  }

  const nearest: readonly (readonly [ColumnType, string, string])[] = [
    [type('date'), 'infinity', '9999-12-31'],
    [type('date'), '-infinity', '0001-01-01'],
    [type('date'), '0044-03-15 BC', '0001-01-01'],
    [type('date'), '10000-01-01', '9999-12-31'],
    [type('timestamptz'), 'infinity', '9999-12-31 23:59:59.999999+00'],
    [type('time'), '24:00:00', '23:59:59.999999'],
    [type('numeric', ((10 << 16) | 2) + 4), 'NaN', ''],
    [type('float8'), 'NaN', ''],
    [type('float8'), '-Infinity', '-1.7976931348623157e+308'],
    [type('varchar', 5), 'ää€x', '"ää"'],
    [type('jsonb'), String.raw`"\u0000"`, '\0'],
    [{ ...type('int4'), element: type('int4') }, '[0:1]={1,2}', '\0'],
  ]
  for (const [of, value, expected] of nearest) {
    test(`have ${JSON.stringify(expected)} for ${of.name} ${value} if they may, are counted, and fail otherwise`, () => {
      const { line, values } = written(of, value, { unfit: 'clamp' })
      assert.equal(line.slice(0, line.indexOf(',')), expected)
      const counted = { table: 'app.orders', column: 'a', policy: 'clamp', values: 1 }
      assert.deepEqual(values.unfit, [counted])
      assert.match(written(of, value, { unfit: 'null' }).line, /^\0?,/)
      const details = { table: 'app.orders', column: 'a' }
      assert.throws(() => written(of, value), { code: 'VALUE_UNFIT', details })
      // Another key would be another row.
      const key = { unfit: 'clamp', isKey: true } as const
      assert.throws(() => written(of, value, key), { code: 'VALUE_UNFIT' })
    })
  }

  test('do not fit if a string within JSON is too long, though the document would', () => {
    const long = 'x'.repeat(65_536)
    assert.throws(() => written(type('jsonb'), `{"a": "${long}"}`), { code: 'VALUE_UNFIT' })
    const many = JSON.stringify(Array.from({ length: 3 }, () => long.slice(1)))
    assert.ok(written(type('jsonb'), many).line.length > 3 * 65_535)
  })

  test('are refused in a key if Redshift takes them for NULL', () => {
    const empty = () => written(type('bytea'), String.raw`\x`, { unfit: 'clamp', isKey: true })
    assert.throws(empty, { code: 'VALUE_UNFIT' })
  })

  test('stand in DDL as they stand in a file', () => {
    assert.equal(valueText({ ...type('int4'), element: type('int4') }, '{1,2}'), '[1,2]')
    assert.equal(valueText(type('bytea'), String.raw`\xff`), 'ff')
    assert.equal(valueText(type('date'), 'infinity'), null)
  })
})

test('the last of two equal keys counts, however they are written, and numbers keep their digits', () => {
  const cases: readonly (readonly [string, string | null])[] = [
    ['{"a": 1, "b": [{"c": 2}]}', null],
    ['{"a": 1, "a": 2}', '{"a":2}'],
    [
      String.raw`{"a": 1, "\u0061": {"b": 1, "b": 10.00000000000000000001}}`,
      String.raw`{"\u0061":{"b":10.00000000000000000001}}`,
    ],
    ['[{"a": null, "a": "x, \\"y\\": {"}]', '[{"a":"x, \\"y\\": {"}]'],
    ['{"": 1, "": 2}', '{"":2}'],
    ['12', null],
  ]
  for (const [text, expected] of cases) assert.equal(lastOfEachKey(text), expected)
})
