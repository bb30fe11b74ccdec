/** What of a table is not captured, and when more of it is than before. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import {
  isSameNarrowing,
  narrowing,
  widenings,
  type Narrowing,
} from '../../../src/core/narrowing.ts'

function of(parts: Partial<Narrowing>): Narrowing | undefined {
  return narrowing({ omitted: [], listed: null, rows: null, ...parts })
}

describe('a narrowing', () => {
  test('is none if everything is captured', () => assert.equal(of({}), undefined))

  test('is the same whatever the order of names', () => {
    const [a, b] = [of({ omitted: ['b', 'a'] }), of({ omitted: ['a', 'b'] })]
    assert.deepEqual(a, b)
    assert.ok(isSameNarrowing(a, b))
  })

  for (const other of [{}, { listed: [] }, { rows: 'a' }, { omitted: ['a', 'c'] }]) {
    test(`differs from ${JSON.stringify(other)}`, () => {
      assert.ok(!isSameNarrowing(of({ omitted: ['a'] }), of(other)))
    })
  }
})

describe('a widening is found', () => {
  const cases: [what: string, from: Partial<Narrowing>, to: Partial<Narrowing>, found: string[]][] =
    [
      ['not if nothing changes', { omitted: ['b'] }, { omitted: ['b'] }, []],
      ['not if a column is excluded', {}, { omitted: ['b'] }, []],
      ['not if columns are listed', {}, { listed: ['a'] }, []],
      ['if a column is excluded no more', { omitted: ['b'] }, {}, ['column b was left out before']],
      ['not if the excluded column is gone', { omitted: ['gone'] }, {}, []],
      [
        'if the list has another column',
        { listed: ['a'] },
        { listed: ['a', 'b'] },
        ['column b was left out before'],
      ],
      [
        'if the list has one that the stream does not show yet',
        { listed: ['a', 'b'] },
        { listed: ['a', 'b', 'late'] },
        ['column late was left out before'],
      ],
      ['not if the list has fewer', { listed: ['a', 'b', 'c'] }, { listed: ['a', 'b'] }, []],
      [
        'if the list is gone',
        { listed: ['a', 'b'] },
        {},
        ['the publication lists its columns no more'],
      ],
      ['if rows are filtered', {}, { rows: 'a > 0' }, ['rows are filtered now']],
      [
        'if the filter is another one',
        { rows: 'a > 0' },
        { rows: 'a > 1' },
        ['the row filter of the publication is another one'],
      ],
      [
        'if the filter is gone',
        { rows: 'a > 0' },
        {},
        ['the row filter of the publication is another one'],
      ],
    ]
  for (const [what, from, to, found] of cases) {
    test(what, () => {
      const columns = [{ name: 'a' }, { name: 'b' }].filter(
        ({ name }) => to.omitted?.includes(name) !== true,
      )
      assert.deepEqual(widenings(of(from), of(to), columns), found)
    })
  }
})
