import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { sourceRow, unframe, warehouseRow } from '../../../src/demo/canonical.ts'

describe('a row in canonical form', () => {
  const cases = [
    ['1:7-3:a,b', ['7', null, 'a,b']],
    ['0:-', ['', null]],
    ['2:é1:-', ['é', '-']],
    ['5:1:7-3', ['1:7-3']],
    ['4:🚀--', ['🚀', null, null]],
    ['', []],
  ] as const

  for (const [text, values] of cases) {
    test(`${JSON.stringify(text)} is taken apart`, () => {
      assert.deepEqual(unframe(text), values)
    })
  }

  test('is made by one expression on either side', () => {
    const columns = [{ name: 'the "n"', sourceType: 'bytea', warehouseType: 'BLOB' }]
    assert.equal(
      sourceRow(columns),
      `(coalesce(octet_length(encode("the ""n""", 'hex')) || ':' || encode("the ""n""", 'hex'), '-'))`,
    )
    assert.equal(
      warehouseRow(columns),
      `(coalesce(strlen(lower(hex("the ""n""")))::varchar || ':' || lower(hex("the ""n""")), '-'))`,
    )
  })
})
