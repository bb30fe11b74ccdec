/** What a column holds, and whether its text may need quotes. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { isBare, logicalType, numericModifier, type ColumnType } from '../../../src/core/type.ts'

function type(name: string, modifier = -1): ColumnType {
  return { oid: 1, name, modifier }
}

function arrayOf(element: ColumnType): ColumnType {
  return { oid: 2, name: element.name, modifier: element.modifier, element }
}

describe('the modifier of a numeric', () => {
  const cases = [
    // declared           atttypmod    precision  scale
    ['numeric', -1, null, null],
    ['numeric(10,2)', 655_366, 10, 2],
    ['numeric(5)', 327_684, 5, 0],
    ['numeric(1000,1000)', 65_537_004, 1000, 1000],
    ['numeric(3,-2)', 198_658, 3, -2],
    ['numeric(2,-1000)', 132_124, 2, -1000],
  ] as const

  for (const [declared, modifier, precision, scale] of cases) {
    test(`${modifier} is ${declared}`, () => {
      assert.deepEqual(numericModifier(modifier), { precision, scale })
    })
  }
})

describe('the logical type', () => {
  const cases = [
    // type                           logical type
    [type('int8'), { kind: 'int8' }],
    [type('jsonb'), { kind: 'json' }],
    [type('varchar', 24), { kind: 'text' }],
    [type('mood'), { kind: 'text' }],
    [type('numeric', 655_366), { kind: 'numeric', precision: 10, scale: 2 }],
    [arrayOf(type('int4')), { kind: 'array', element: { kind: 'int4' } }],
    [arrayOf(type('mood')), { kind: 'array', element: { kind: 'text' } }],
  ] as const

  for (const [from, logical] of cases) {
    test(`of ${from.name}${from.element ? '[]' : ''} is ${JSON.stringify(logical)}`, () => {
      assert.deepEqual(logicalType(from), logical)
    })
  }
})

describe('text that is written without a look', () => {
  const bare = [
    ['bool', 't'], ['int2', '-32768'], ['int4', '1'], ['int8', '1'], ['oid', '1'],
    ['float4', '1e-05'], ['float8', 'NaN'], ['numeric', '-1.50'], ['bytea', '\\x2c22'],
    ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'], ['date', '2026-11-23'], ['time', '10:11:12.5'],
    ['timetz', '10:11:12+02'], ['timestamp', '0044-03-15 00:00:00 BC'],
    ['timestamptz', '2026-11-23 10:11:12.123456+00'],
  ] as const // prettier-ignore

  for (const [name, example] of bare) {
    test(`is that of ${name}, such as ${example}`, () => {
      assert.equal(isBare(type(name)), true)
      assert.doesNotMatch(example, /[",\r\n]/)
    })
  }

  for (const name of ['text', 'json', 'jsonb', 'money', 'interval', 'mood', 'point', 'int4range']) {
    test(`is not that of ${name}`, () => {
      assert.equal(isBare(type(name)), false)
    })
  }

  test('is not that of an array, whatever its elements', () => {
    assert.equal(isBare(arrayOf(type('int4'))), false)
  })
})
