/** What the log cannot tell of a change, case by case. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { ambiguitiesOf } from '../../../../src/capture/tables/ambiguity.ts'
import { diffShapes, mergeShape, type WireColumn } from '../../../../src/core/shape-diff.ts'
import type { ColumnType } from '../../../../src/core/type.ts'

const TABLE = { namespace: 'app', name: 'orders' }
const TEXT: ColumnType = { oid: 25, name: 'text', modifier: -1 }
const INT: ColumnType = { oid: 23, name: 'int4', modifier: -1 }
const BIGINT: ColumnType = { oid: 20, name: 'int8', modifier: -1 }

const column = (name: string, attnum: number, type = TEXT): WireColumn => ({ name, attnum, type })
const ID = column('id', 1, INT)
const NOTE = column('note', 3)

interface Case {
  readonly name: string
  readonly after: readonly WireColumn[]
  readonly key?: readonly string[]
  readonly missing?: readonly [string, string | null][]
  readonly computed?: readonly string[]
  readonly found: readonly string[]
}

const unknown = (name: string) => [`column ${name} is new, and what rows have in it is not known`]

const CASES: readonly Case[] = [
  { name: 'nothing has changed', after: [ID, NOTE], found: [] },
  { name: 'a column is new and has no default', after: [ID, NOTE, column('a', 4)], found: [] },
  {
    name: 'a column is new and has a constant default',
    after: [ID, NOTE, column('a', 4)],
    missing: [['a', '7']],
    computed: ['a'],
    found: [],
  },
  {
    name: 'a column is new and its constant default is NULL',
    after: [ID, NOTE, column('a', 4)],
    missing: [['a', null]],
    computed: ['a'],
    found: [],
  },
  {
    name: 'a column is new and its default is computed for each row',
    after: [ID, NOTE, column('a', 4)],
    computed: ['a'],
    found: unknown('a'),
  },
  {
    name: 'a column appears whose number is older than the last that is known',
    after: [ID, column('a', 2), NOTE],
    found: unknown('a'),
  },
  {
    name: 'a column appears whose number is not known',
    after: [ID, NOTE, { name: 'a', type: TEXT }],
    found: unknown('a'),
  },
  {
    name: 'two columns are new',
    after: [ID, NOTE, column('a', 4), column('b', 5)],
    found: [],
  },
  {
    // Rows of the first `a` were still to come when the catalogs had the second one already. Its
    // number was given to both, so the change from one to the other was never seen.
    name: 'a column is new, and one between it and the last that is known is gone',
    after: [ID, NOTE, column('a', 5)],
    found: unknown('a'),
  },
  {
    name: 'a column was dropped and added again',
    after: [ID, column('note', 4)],
    found: ['column note is another one'],
  },
  { name: 'a column was dropped', after: [ID], found: [] },
  { name: 'a column was renamed', after: [ID, column('remark', 3)], found: [] },
  {
    name: 'two columns exchanged their names',
    after: [column('note', 1, INT), column('id', 3)],
    key: ['note'],
    found: [],
  },
  { name: 'a type got wider', after: [column('id', 1, BIGINT), NOTE], found: [] },
  {
    name: 'a type was rewritten',
    after: [ID, column('note', 3, INT)],
    found: ['column note went from text to int4'],
  },
  {
    name: 'the key is another',
    after: [ID, NOTE],
    key: ['note'],
    found: ['the key is another one'],
  },
  {
    name: 'much has changed at once, and all of it is told',
    after: [ID, column('note', 3, INT), column('a', 4)],
    key: ['a'],
    computed: ['a'],
    found: [...unknown('a'), 'column note went from text to int4', 'the key is another one'],
  },
]

describe('what rows that exist have now is told by the log, or not, when', () => {
  for (const { name, after, key = ['id'], missing = [], computed = [], found } of CASES) {
    test(name, () => {
      const before = mergeShape(null, { table: TABLE, oid: 1, columns: [ID, NOTE], key: ['id'] })
      const shape = mergeShape(before, { table: TABLE, oid: 1, columns: after, key })
      const facts = { missing: new Map(missing), computed: new Set(computed) }
      assert.deepEqual(ambiguitiesOf(before, diffShapes(before, shape), facts), found)
    })
  }
})
