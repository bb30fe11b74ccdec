/** Names of tables as they may stand in paths. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { escapeName, tableId, tableName, unescapeName } from '../../../src/core/table.ts'

describe('a name in a path', () => {
  const cases = [
    // name          escaped
    ['orders', 'orders'],
    ['order_lines-2', 'order_lines-2'],
    ['_private', '~5Fprivate'],
    ['a_b_', 'a_b_'],
    ['.hidden', '~2Ehidden'],
    ['a.b', 'a~2Eb'],
    ['Orders', '~4Frders'],
    ['a/b', 'a~2Fb'],
    ['..', '~2E~2E'],
    ['a~41', 'a~7E41'],
    ['one two', 'one~20two'],
    ['größe', 'gr~C3~B6~C3~9Fe'],
    ['🧵', '~F0~9F~A7~B5'],
  ] as const

  for (const [name, escaped] of cases) {
    test(`of ${name} is ${escaped}`, () => {
      assert.equal(escapeName(name), escaped)
      assert.equal(unescapeName(escaped), name)
    })
  }

  test('comes back, and never holds what a path or Athena would take amiss', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const escaped = escapeName(name)
        assert.equal(unescapeName(escaped), name)
        assert.match(escaped, /^(?!_)[a-z0-9_~A-F-]*$/)
      }),
    )
  })

  test('is another for another name', () => {
    const names = fc.string({
      unit: fc.constantFrom('a', 'A', '~', '4', '1', '_', '.'),
      maxLength: 5,
    })
    fc.assert(fc.property(names, names, (a, b) => a === b || escapeName(a) !== escapeName(b)))
  })
})

describe('the id of a table', () => {
  test('has one dot, at which it comes apart again', () => {
    const names = fc.string({ unit: 'binary', minLength: 1 })
    fc.assert(
      fc.property(names, names, (namespace, name) => {
        const id = tableId({ namespace, name })
        assert.equal(id.split('.').length, 2)
        assert.deepEqual(tableName(id), { namespace, name })
      }),
    )
  })
})
