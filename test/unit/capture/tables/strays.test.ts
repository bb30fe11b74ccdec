import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { LoadableTable } from '../../../../src/capture/source.ts'
import { straysOf } from '../../../../src/capture/tables/strays.ts'
import { CodedError } from '../../../../src/core/errors.ts'
import { tableId, type TableName } from '../../../../src/core/table.ts'

const named = (name: string): TableName => ({ namespace: 'app', name })

function known(oid: number, name: string) {
  const table = named(name)
  return { id: tableId(table), shape: { table, oid, number: 1, columns: [], key: [] } }
}

function loadable(oid: number, name: string): LoadableTable {
  return { oid, name: named(name), estimatedRows: 0, estimatedBytes: 0 }
}

describe('a table of the log is a stray', () => {
  const cases = [
    ['not, where it has the name that it has at the source', [loadable(1, 'a')], []],
    ['if it has another name there', [loadable(1, 'b')], [{ from: 'app.a', to: named('b') }]],
    ['if it is not there', [], [{ from: 'app.a', to: null }]],
    ['if another table has its name', [loadable(2, 'a')], [{ from: 'app.a', to: null }]],
  ] as const
  for (const [name, tables, found] of cases) {
    test(name, () => {
      const strays = straysOf([known(1, 'a')], { tables: [...tables] })
      assert.deepEqual(
        strays,
        found.map((stray) => ({ oid: 1, ...stray })),
      )
    })
  }

  test('not, while something is wrong with it that can be cured', () => {
    const error = new CodedError('TABLE_WITHOUT_KEY', 'it has no key')
    const refused = [{ name: named('a'), error }]
    assert.deepEqual(straysOf([known(1, 'a')], { tables: [], refused }), [])
  })
})
