/** Ranges of pages: together they are the table, whatever its size. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { ctidIn, rangesOf } from '../../../../src/capture/loads/page-ranges.ts'

const PAGE = 8192

describe('a table', () => {
  const cases: { name: string; pages: number; parallel: number; rangeBytes: number }[] = [
    { name: 'that is empty', pages: 0, parallel: 4, rangeBytes: PAGE },
    { name: 'of one page', pages: 1, parallel: 4, rangeBytes: 1 },
    { name: 'that is not larger than a range', pages: 100, parallel: 4, rangeBytes: 100 * PAGE },
    { name: 'that only one connection may copy', pages: 100, parallel: 1, rangeBytes: PAGE },
  ]
  for (const { name, pages, ...limits } of cases) {
    test(`${name} is copied whole`, () => assert.equal(rangesOf(pages, limits), null))
  }

  test('that is larger is cut into ranges, of which the last has no end', () => {
    assert.deepEqual(rangesOf(10, { parallel: 2, rangeBytes: 4 * PAGE }), [
      { from: 0, to: 3 },
      { from: 3, to: 7 },
      { from: 7, to: null },
    ])
  })

  test('has every page in exactly one range, and none is larger than asked for by more than one', () => {
    const sizes = fc.tuple(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 1, max: 1e6 }))
    fc.assert(
      fc.property(sizes, ([pages, perRange]) => {
        fc.pre(pages / perRange < 10_000)
        const ranges = rangesOf(pages, { parallel: 2, rangeBytes: perRange * PAGE })
        if (ranges === null) return assert.ok(pages <= Math.max(perRange, 1))
        let next = 0
        for (const { from, to } of ranges) {
          assert.equal(from, next)
          next = to ?? pages
          assert.ok(next > from && next - from <= perRange + 1)
        }
        assert.equal(next, pages)
        return assert.equal(ranges.at(-1)?.to, null)
      }),
    )
  })
})

test('a range is a condition on the place of a row', () => {
  assert.equal(ctidIn({ from: 3, to: 7 }), "ctid >= '(3,0)' AND ctid < '(7,0)'")
  assert.equal(ctidIn({ from: 7, to: null }), "ctid >= '(7,0)'")
})
