import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { ColumnType } from '../../../../src/core/type.ts'
import { duckdbType, fromText } from '../../../../src/targets/duckdb/types.ts'
import { arrayOf, numeric, typeOf } from '../../../support/column-types.ts'

const CASES: readonly (readonly [ColumnType, string])[] = [
  [typeOf('bool'), 'BOOLEAN'],
  [typeOf('int2'), 'SMALLINT'],
  [typeOf('int4'), 'INTEGER'],
  [typeOf('int8'), 'BIGINT'],
  [typeOf('oid'), 'UINTEGER'],
  [typeOf('float4'), 'FLOAT'],
  [typeOf('float8'), 'DOUBLE'],
  [numeric(10, 2), 'DECIMAL(10, 2)'],
  [numeric(38, 38), 'DECIMAL(38, 38)'],
  [numeric(38, 0), 'DECIMAL(38, 0)'],
  [numeric(39, 0), 'VARCHAR'],
  [numeric(5, -2), 'VARCHAR'],
  [numeric(2, 5), 'VARCHAR'],
  [typeOf('numeric'), 'VARCHAR'],
  [typeOf('text'), 'VARCHAR'],
  [typeOf('varchar', 14), 'VARCHAR'],
  [typeOf('mood'), 'VARCHAR'],
  [typeOf('interval'), 'VARCHAR'],
  [typeOf('timetz'), 'VARCHAR'],
  [typeOf('bytea'), 'BLOB'],
  [typeOf('uuid'), 'UUID'],
  [typeOf('json'), 'JSON'],
  [typeOf('jsonb'), 'JSON'],
  [typeOf('date'), 'DATE'],
  [typeOf('time'), 'TIME'],
  [typeOf('timestamp'), 'TIMESTAMP'],
  [typeOf('timestamptz'), 'TIMESTAMPTZ'],
  [arrayOf(typeOf('int4')), 'INTEGER[]'],
  [arrayOf(numeric(10, 2)), 'DECIMAL(10, 2)[]'],
  [arrayOf(typeOf('mood')), 'VARCHAR[]'],
  [arrayOf(typeOf('box')), 'VARCHAR'],
]

for (const [type, expected] of CASES) {
  const name = type.element ? `${type.element.name}[]` : type.name
  test(`DuckDB has ${name} (modifier ${type.modifier}) as ${expected}`, () => {
    assert.equal(duckdbType(type), expected)
  })
}

test('text is taken as it is, without a cast', () => {
  for (const name of ['text', 'mood', 'interval', 'timetz', 'numeric']) {
    assert.equal(fromText(typeOf(name), 'c7'), 'c7')
  }
})
