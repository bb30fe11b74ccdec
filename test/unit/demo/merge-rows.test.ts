import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { mergeRows, type HashedRow } from '../../../src/demo/merge-rows.ts'

describe('merging two streams of rows', () => {
  const cases = [
    // name                                source        warehouse     missing, extra, different
    ['finds nothing in two empty ones', '', '', 0, 0, 0],
    ['finds nothing in equal ones', 'a1 b2 c3', 'a1 b2 c3', 0, 0, 0],
    ['finds a missing row at the start', 'a1 b2', 'b2', 1, 0, 0],
    ['finds a missing row in the middle', 'a1 b2 c3', 'a1 c3', 1, 0, 0],
    ['finds a missing row at the end', 'a1 b2', 'a1', 1, 0, 0],
    ['finds an extra row at the start', 'b2', 'a1 b2', 0, 1, 0],
    ['finds an extra row at the end', 'a1', 'a1 b2', 0, 1, 0],
    ['finds a row with another value', 'a1 b2', 'a1 b9', 0, 0, 1],
    ['finds a row that is there twice', 'a1 b2', 'a1 a1 b2', 0, 1, 0],
    ['pairs rows of one key off', 'a1 a1 b2', 'a1 a1 b2', 0, 0, 0],
    ['finds a whole table missing', 'a1 b2 c3', '', 3, 0, 0],
    ['finds one of each', 'a1 b2 c3', 'b9 c3 d4', 1, 1, 1],
  ] as const

  for (const [name, source, warehouse, missing, extra, different] of cases) {
    test(name, async () => {
      const result = await mergeRows(stream(source), stream(warehouse))
      const { rows, first, ...counts } = result
      assert.deepEqual(counts, { missing, extra, different })
      assert.equal(rows, source.split(' ').filter(Boolean).length)
      assert.equal(first.length, missing + extra + different)
    })
  }

  test('names the first twenty differences and counts all', async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `${String(i).padStart(2, '0')}1`).join(' ')
    const { missing, first } = await mergeRows(stream(rows), stream(''))
    assert.equal(missing, 30)
    assert.equal(first.length, 20)
    assert.deepEqual(first[0], { kind: 'missing', key: '00' })
  })

  test('goes by the bytes of UTF-8, in which an emoji stands behind every other letter', async () => {
    const both = '\uffee1 🚀2'
    const { missing, extra } = await mergeRows(stream(both), stream(both))
    assert.deepEqual({ missing, extra }, { missing: 0, extra: 0 })
  })

  test('refuses streams that are not in order', async () => {
    await assert.rejects(mergeRows(stream('b1 a1'), stream('c1')), /order of their keys/)
  })

  test('counts what is only on one side, whatever the sides are', async () => {
    const keys = fc.uniqueArray(fc.integer({ min: 10, max: 40 }))
    await fc.assert(
      fc.asyncProperty(keys, keys, async (source, warehouse) => {
        const text = (side: number[]) => side.toSorted((a, b) => a - b).map((key) => `${key}=`)
        const result = await mergeRows(
          stream(text(source).join(' ')),
          stream(text(warehouse).join(' ')),
        )
        assert.equal(result.missing, source.filter((key) => !warehouse.includes(key)).length)
        assert.equal(result.extra, warehouse.filter((key) => !source.includes(key)).length)
        assert.equal(result.different, 0)
      }),
    )
  })
})

/** `a1 b2`: key and hash of each row, the hash being the last letter. */
async function* stream(text: string): AsyncGenerator<HashedRow> {
  for (const row of text.split(' ').filter(Boolean)) {
    yield { key: row.slice(0, -1), hash: row.slice(-1) }
  }
}
