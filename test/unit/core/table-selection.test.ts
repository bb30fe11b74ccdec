/** Which tables a list of patterns means. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { excludeColumns, selectTables } from '../../../src/core/table-selection.ts'

describe('a selection', () => {
  const cases: [patterns: string[], table: string, isSelected: boolean][] = [
    [[], 'app.orders', false],
    [['app.orders'], 'app.orders', true],
    [['app.orders'], 'app.orders2', false],
    [['app.orders'], 'App.orders', false],
    [['app.*'], 'app.orders', true],
    [['app.*'], 'app2.orders', false],
    [['app.*'], 'app.two\nlines', true],
    [['*.*'], 'anything.at all', true],
    [['*.orders'], 'app.orders', true],
    [['app.audit_*'], 'app.audit_', true],
    [['app.*_log'], 'app.audit_log', true],
    [['app.*_log'], 'app.audit_log2', false],
    [['app.a*b*c'], 'app.a-bb-c', true],
    [['app.a*b*c'], 'app.acb', false],
    [['app.*', '!app.audit_*'], 'app.audit_log', false],
    [['app.*', '!app.audit_*'], 'app.orders', true],
    [['app.*', '!app.audit_*', 'app.audit_log'], 'app.audit_log', true],
    [['!app.audit_*', 'app.*'], 'app.audit_log', true],
    [['!app.audit_*'], 'app.orders', false],
    [['app.v1.0'], 'app.v1.0', true],
    [['app.v1.0'], 'app.v1x0', false],
    [['app.(a|b)[c]+$'], 'app.(a|b)[c]+$', true],
    [['app.(a|b)'], 'app.a', false],
    [['app.größe_*'], 'app.größe_🧵', true],
  ]

  for (const [patterns, table, isSelected] of cases) {
    test(`[${patterns.join(', ')}] has ${isSelected ? '' : 'not '}${JSON.stringify(table)}`, () => {
      const [namespace, name] = table.split(/\.(.*)/s)
      const isMeant = selectTables(patterns)
      assert.equal(isMeant({ namespace: namespace!, name: name! }), isSelected)
    })
  }

  for (const pattern of ['', '!', '*', 'orders', '!orders', '.orders', 'app.', '!.orders', '.']) {
    test(`refuses "${pattern}", which names no schema or no table`, () => {
      assert.throws(() => selectTables(['app.*', pattern]), { code: 'CONFIG_INVALID' })
    })
  }
})

test('columns are excluded by every rule that fits their table', () => {
  const excluded = excludeColumns([
    { tables: 'app.*', exclude: ['password'] },
    { tables: 'app.users', exclude: ['email', 'password'] },
  ])
  assert.deepEqual([...excluded({ namespace: 'app', name: 'users' })], ['password', 'email'])
  assert.deepEqual([...excluded({ namespace: 'app', name: 'orders' })], ['password'])
  assert.deepEqual([...excluded({ namespace: 'other', name: 'users' })], [])
})
