/** What changed between two shapes, and how the lake's shape follows the wire. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { diffShapes, mergeShape, type WireShape } from '../../../src/core/shape-diff.ts'
import type { ColumnType } from '../../../src/core/type.ts'
import { INT8, TEXT } from '../../support/tuples.ts'

const TYPES: Record<string, ColumnType> = {
  text: TEXT,
  int8: INT8,
  'numeric(10,2)': { oid: 1700, name: 'numeric', modifier: 655_366 },
  'numeric(12,2)': { oid: 1700, name: 'numeric', modifier: 786_438 },
  'text[]': { oid: 1009, name: 'text', modifier: -1, element: TEXT },
  'int8[]': { oid: 1009, name: 'text', modifier: -1, element: INT8 },
}

/** `id:int8* name#2` is a table of a key column and a text, of which the number is known. */
function wire(columns: string, rest: Partial<WireShape> = {}): WireShape {
  const parsed = columns.split(' ').map((text) => {
    const [, name, type = 'text', number, star] = /^(\w+)(?::([^*#]+))?(?:#(\d+))?(\*)?$/.exec(
      text,
    )!
    const attnum = number === undefined ? {} : { attnum: Number(number) }
    const column = { name: name!, type: TYPES[type]!, ...attnum }
    return { column, isKey: star !== undefined }
  })
  return {
    table: { namespace: 'app', name: 'orders' },
    oid: 16_384,
    columns: parsed.map(({ column }) => column),
    key: parsed.filter(({ isKey }) => isKey).map(({ column }) => column.name),
    ...rest,
  }
}

/** The columns as `name@place on the wire`. */
function merge(...steps: WireShape[]) {
  let shape = mergeShape(null, steps[0]!)
  for (const step of steps.slice(1)) shape = mergeShape(shape, step)
  const columns = shape.columns.map(({ name, wire: place }) => `${name}@${place ?? 'none'}`)
  return { shape, columns: columns.join(' ') }
}

describe('the shape of a table in the lake', () => {
  const cases: [name: string, steps: string[], columns: string, number: number][] = [
    ['begins with the columns of the wire', ['id* a b'], 'id@0 a@1 b@2', 1],
    ['appends a new column', ['id* a', 'id* a b'], 'id@0 a@1 b@2', 2],
    ['appends it even if the wire has it in the middle', ['id* a', 'id* b a'], 'id@0 a@2 b@1', 2],
    ['keeps the empty place of a dropped column', ['id* a b', 'id* b'], 'id@0 a@none b@1', 2],
    ['gives a column that comes back its old place', ['id* a b', 'id* b', 'id* b a'], 'id@0 a@2 b@1', 3],
    ['treats a renamed column as dropped and new', ['id* a b', 'id* c b'], 'id@0 a@none b@2 c@1', 2],
    ['keeps the place of a renamed column whose number is known', ['id#1* a#2 b#3', 'id#1* c#2 b#3'], 'id@0 c@1 b@2', 2],
    ['keeps the places of columns that exchange their names', ['id#1* a#2 b#3', 'id#1* b#2 a#3'], 'id@0 b@1 a@2', 2],
    ['appends a new column that takes the name of a renamed one', ['id#1* a#2', 'id#1* b#2 a#3'], 'id@0 b@1 a@2', 2],
    ['treats a column as new that takes the name of one dropped before', ['id#1* a#2 b#3', 'id#1* b#3', 'id#1* a#3'], 'id@0 a@1 b@none', 3],
    ['treats a column as new that takes the name of one that goes', ['id#1* a#2 b#3', 'id#1* b#2'], 'id@0 a@none b@1', 2],
    ['treats columns as new where such a name is the last of a chain', ['id#1* a#2 b#3 c#4', 'id#1* b#2 c#3'], 'id@0 a@none b@1 c@2', 2],
    ['goes by names when a number is not known', ['id* a', 'id#1* c#2'], 'id@0 a@none c@1', 2],
    ['keeps the place of a retyped column', ['id* a b', 'id* a:int8 b'], 'id@0 a@1 b@2', 2],
    ['is a new one when columns only trade places', ['id* a b', 'id* b a'], 'id@0 a@2 b@1', 2],
    ['is a new one when the key is another', ['id* a', 'id a*'], 'id@0 a@1', 2],
  ] // prettier-ignore

  for (const [name, steps, columns, number] of cases) {
    test(name, () => {
      const merged = merge(...steps.map((step) => wire(step)))
      assert.equal(merged.columns, columns)
      assert.equal(merged.shape.number, number)
    })
  }

  test('takes the type that a column has now', () => {
    const { shape } = merge(wire('id* a'), wire('id*'), wire('id* a:int8'))
    assert.equal(shape.columns[1]!.type, INT8)
  })

  test('keeps the type of a dropped column', () => {
    const { shape } = merge(wire('id* a:int8'), wire('id*'))
    assert.equal(shape.columns[1]!.type, INT8)
  })

  test('names the key by places of the lake, in their order', () => {
    const { shape } = merge(wire('a b* c'), wire('c b', { key: ['c', 'b'] }))
    assert.deepEqual(shape.key, [1, 2])
  })

  test('is the very same object when nothing has changed', () => {
    const first = mergeShape(null, wire('id* k* a:text[]', { key: ['id', 'k'] }))
    assert.equal(mergeShape(first, wire('id* k* a:text[]', { key: ['k', 'id'] })), first)
  })

  test('learns the number of a column, and keeps it when the wire does not tell it', () => {
    const { shape } = merge(wire('id* a'), wire('id#1* a#2'), wire('id* a b'))
    assert.deepEqual(
      shape.columns.map(({ attnum }) => attnum),
      [1, 2, undefined],
    )
  })

  const renewals: [name: string, rest: Partial<WireShape>][] = [
    ['the table was renamed', { table: { namespace: 'app', name: 'purchases' } }],
    ['the table has moved to another schema', { table: { namespace: 'old', name: 'orders' } }],
    ['the table is another of the same name', { oid: 16_385 }],
  ]

  for (const [name, rest] of renewals) {
    test(`is a new one when ${name}`, () => {
      const first = mergeShape(null, wire('id* a'))
      const second = mergeShape(first, wire('id* a', rest))
      assert.deepEqual(second, { ...first, ...rest, number: 2 })
    })
  }

  test('cannot have a key column that is not there', () => {
    assert.throws(() => mergeShape(null, wire('a', { key: ['id'] })), {
      code: 'PROTOCOL_VIOLATION',
    })
    const first = mergeShape(null, wire('id* a'))
    assert.throws(() => mergeShape(first, wire('a', { key: ['id'] })), {
      code: 'PROTOCOL_VIOLATION',
    })
  })
})

describe('the difference of two shapes', () => {
  function diff(before: string, after: string, rest: Partial<WireShape> = {}) {
    const from = mergeShape(null, wire(before))
    const found = diffShapes(from, mergeShape(from, wire(after, rest)))
    return {
      ...found,
      added: found.added.map(({ name }) => name).join(' '),
      dropped: found.dropped.map(({ name }) => name).join(' '),
      renamed: found.renamed.map((pair) => `${pair.from}>${pair.to}`).join(' '),
      retyped: found.retyped.map(({ name }) => name).join(' '),
    }
  }

  const none = {
    added: '', dropped: '', renamed: '', retyped: '', keyChanged: false, renamedTable: null, isEqual: false,
  } // prettier-ignore

  const cases: [before: string, after: string, found: Partial<typeof none>][] = [
    ['id* a', 'id* a', { isEqual: true }],
    ['id* a b', 'id* b a', { isEqual: true }],
    ['id* a', 'id* a b c', { added: 'b c' }],
    ['id* a b', 'id* b', { dropped: 'a' }],
    ['id* a', 'id* b', { added: 'b', dropped: 'a' }],
    ['id#1* a#2', 'id#1* b#2', { renamed: 'a>b' }],
    ['id#1* a#2 b#3', 'id#1* b#2 a#3', { renamed: 'a>b b>a' }],
    ['id#1* a#2', 'id#1* b#2 a#3', { renamed: 'a>b', added: 'a' }],
    ['id#1* a#2', 'id#1* b:int8#2', { renamed: 'a>b', retyped: 'b' }],
    ['id#1* a#2', 'k#1* a#2', { renamed: 'id>k' }],
    ['id#1* a#2', 'id#1* a:int8#3', { added: 'a', dropped: 'a' }],
    ['id* a', 'id#1* a#2', { isEqual: true }],
    ['id* a', 'id* a:int8', { retyped: 'a' }],
    ['id* a:numeric(10,2)', 'id* a:numeric(12,2)', { retyped: 'a' }],
    ['id* a:text[]', 'id* a:int8[]', { retyped: 'a' }],
    ['id* a:text', 'id* a:text[]', { retyped: 'a' }],
    ['id* a', 'id* a*', { keyChanged: true }],
    ['id* a', 'id a*', { keyChanged: true }],
    ['id* a', 'a*', { keyChanged: true, dropped: 'id' }],
  ]

  for (const [before, after, found] of cases) {
    test(`of "${before}" and "${after}" is ${JSON.stringify(found)}`, () => {
      assert.deepEqual(diff(before, after), { ...none, ...found })
    })
  }

  test('knows a table that was renamed', () => {
    const table = { namespace: 'app', name: 'purchases' }
    assert.deepEqual(diff('id* a', 'id* a', { table }), { ...none, renamedTable: table })
  })

  test('counts a column that comes back as added', () => {
    const first = mergeShape(null, wire('id* a'))
    const second = mergeShape(first, wire('id*'))
    const third = mergeShape(second, wire('id* a'))
    assert.deepEqual(diffShapes(second, third).added, [third.columns[1]])
    assert.equal(diffShapes(first, third).isEqual, true)
  })

  test('is nothing for the same table under another OID', () => {
    assert.equal(diff('id* a', 'id* a', { oid: 1 }).isEqual, true)
  })
})
