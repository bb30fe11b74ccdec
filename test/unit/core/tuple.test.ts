/** Rows as bytes: from left to right, and column by column. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { KIND, TupleCursor, TupleFields } from '../../../src/core/tuple.ts'
import { tuple, UNCHANGED, valuesOf } from '../../support/tuples.ts'

const ROW = ['42', null, UNCHANGED, '', 'größe'] as const

describe('a cursor', () => {
  test('walks the columns of a tuple and ends where the tuple does', () => {
    const bytes = Buffer.concat([Buffer.from('before'), tuple(ROW), Buffer.from('behind')])
    const cursor = new TupleCursor().open(bytes, 6)
    assert.equal(cursor.left, 5)
    while (cursor.next());
    assert.equal(cursor.at, bytes.length - 6)
    assert.deepEqual(valuesOf(bytes, 6), ROW)
  })

  test('serves for one tuple after the other', () => {
    const cursor = new TupleCursor()
    for (const text of ['a', 'bc']) {
      assert.equal(cursor.open(tuple([text]), 0).next(), true)
      assert.equal(cursor.bytes.toString('utf8', cursor.start, cursor.end), text)
      assert.equal(cursor.next(), false)
    }
  })

  test('finds nothing in a tuple without columns', () => {
    assert.equal(new TupleCursor().open(tuple([]), 0).next(), false)
  })
})

describe('the fields of a tuple', () => {
  test('are where the cursor finds them', () => {
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom(null, UNCHANGED))
    fc.assert(
      fc.property(fc.array(value, { maxLength: 8 }), fc.nat(5), (values, offset) => {
        const bytes = Buffer.concat([Buffer.alloc(offset, 0xff), tuple(values)])
        const fields = new TupleFields(values.length)
        assert.equal(fields.read(bytes, offset), bytes.length)
        const cursor = new TupleCursor().open(bytes, offset)
        for (let i = 0; cursor.next(); i++) {
          assert.deepEqual(
            [fields.kinds[i], fields.starts[i], fields.ends[i]],
            [cursor.kind, cursor.start, cursor.end],
          )
        }
        assert.equal(fields.unchanged, values.filter((one) => one === UNCHANGED).length)
      }),
    )
  })

  test('are refused where the number of columns is another', () => {
    assert.throws(() => new TupleFields(2).read(tuple(['a']), 0), { code: 'PROTOCOL_VIOLATION' })
    assert.throws(() => new TupleFields(0).read(tuple(['a']), 0), { code: 'PROTOCOL_VIOLATION' })
  })

  test('are refused where a kind is unknown', () => {
    const bytes = tuple([null])
    bytes[2] = 'b'.charCodeAt(0)
    assert.throws(() => new TupleFields(1).read(bytes, 0), { code: 'PROTOCOL_VIOLATION' })
  })

  test('are refused where a length is negative', () => {
    const bytes = Buffer.of(0, 1, KIND.text, 0xff, 0xff, 0xff, 0xfe)
    assert.throws(() => new TupleFields(1).read(bytes, 0), { code: 'PROTOCOL_VIOLATION' })
  })

  test('are refused wherever the tuple is cut', () => {
    const bytes = tuple(ROW)
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => new TupleFields(ROW.length).read(bytes.subarray(0, length), 0), {
        code: 'PROTOCOL_VIOLATION',
      })
    }
  })
})
