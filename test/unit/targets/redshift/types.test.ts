/** Which type of Redshift each type of PostgreSQL becomes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { ColumnType } from '../../../../src/core/type.ts'
import { fromCatalog, redshiftType } from '../../../../src/targets/redshift/types.ts'

function numeric(precision: number, scale: number): ColumnType {
  return { oid: 1700, name: 'numeric', modifier: ((precision << 16) | (scale & 0x7ff)) + 4 }
}

function type(name: string, modifier = -1): ColumnType {
  return { oid: 1, name, modifier }
}

const INT4 = type('int4')

const cases: readonly (readonly [ColumnType, string])[] = [
  [type('bool'), 'BOOLEAN'],
  [type('int2'), 'SMALLINT'],
  [INT4, 'INTEGER'],
  [type('int8'), 'BIGINT'],
  [type('oid'), 'BIGINT'],
  [type('float4'), 'REAL'],
  [type('float8'), 'DOUBLE PRECISION'],
  [type('numeric'), 'VARCHAR(65535)'],
  [numeric(10, 2), 'NUMERIC(10,2)'],
  [numeric(18, 0), 'NUMERIC(18,0)'],
  [numeric(19, 0), 'NUMERIC(20,0)'],
  [numeric(38, 37), 'NUMERIC(38,37)'],
  [numeric(38, 38), 'VARCHAR(65535)'],
  [numeric(39, 0), 'VARCHAR(65535)'],
  [numeric(5, -2), 'VARCHAR(65535)'],
  [numeric(3, 5), 'VARCHAR(65535)'],
  [type('text'), 'VARCHAR(65535)'],
  [type('varchar'), 'VARCHAR(65535)'],
  [type('varchar', 44), 'VARCHAR(160)'],
  [type('varchar', 20_004), 'VARCHAR(65535)'],
  [type('bpchar', 7), 'VARCHAR(12)'],
  [type('varbit', 10), 'VARCHAR(10)'],
  [type('uuid'), 'VARCHAR(36)'],
  [type('inet'), 'VARCHAR(64)'],
  [type('timetz'), 'VARCHAR(32)'],
  [type('interval'), 'VARCHAR(128)'],
  [type('mood'), 'VARCHAR(65535)'],
  [type('bytea'), 'VARBYTE(1024000)'],
  [type('json'), 'SUPER'],
  [type('jsonb'), 'SUPER'],
  [{ ...INT4, element: INT4 }, 'SUPER'],
  [type('date'), 'DATE'],
  [type('time'), 'TIME'],
  [type('timestamp'), 'TIMESTAMP'],
  [type('timestamptz'), 'TIMESTAMPTZ'],
]

for (const [of, expected] of cases) {
  test(`${of.name}${of.element ? '[]' : ''} with modifier ${of.modifier} becomes ${expected}`, () => {
    assert.equal(redshiftType(of), expected)
  })
}

test('types of the catalog read as we write them', () => {
  const spellings: readonly (readonly [string, string])[] = [
    ['character varying(160)', 'VARCHAR(160)'],
    ['numeric(10,2)', 'NUMERIC(10,2)'],
    ['numeric(10, 2)', 'NUMERIC(10,2)'],
    ['binary varying(1024000)', 'VARBYTE(1024000)'],
    ['time without time zone', 'TIME'],
    ['timestamp without time zone', 'TIMESTAMP'],
    ['timestamp with time zone', 'TIMESTAMPTZ'],
    ['double precision', 'DOUBLE PRECISION'],
    ['super', 'SUPER'],
    ['geometry', 'geometry'],
  ]
  for (const [spelling, expected] of spellings) assert.equal(fromCatalog(spelling), expected)
})
