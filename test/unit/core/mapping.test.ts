/** What a target calls schemas, tables and columns. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Mapping, type MappingRules } from '../../../src/core/mapping.ts'
import { shapeOf } from '../../support/tuples.ts'

function mapping(rules: Partial<MappingRules>): Mapping {
  return new Mapping({ rename: [], columns: [], ...rules })
}

describe('a table is called', () => {
  const cases: [string, MappingRules['rename'], string][] = [
    ['what it is called, if nobody says otherwise', [], 'app.orders'],
    ['by another schema', [{ schema: 'app', to: 'analytics' }], 'analytics.orders'],
    ['by another name', [{ table: 'app.orders', to: 'sales' }], 'app.sales'],
    ['with a prefix', [{ table: 'app.*', to: 'raw_*' }], 'app.raw_orders'],
    ['with a suffix of its schema', [{ schema: '*', to: '*_copy' }], 'app_copy.orders'],
    [
      'by the last rule of each kind that fits',
      [
        { schema: 'app', to: 'one' },
        { table: 'app.orders', to: 'a' },
        { schema: 'a*', to: 'two' },
        { table: 'app.o*', to: 'b' },
        { schema: 'other', to: 'three' },
      ],
      'two.b',
    ],
    ['as it is, where a rule is for others', [{ table: 'other.*', to: 'x' }], 'app.orders'],
    [
      'by a new name as it stands, whatever is in it',
      [{ schema: 'app', to: '$&$1' }],
      '$&$1.orders',
    ],
  ]
  for (const [name, rename, expected] of cases) {
    test(name, () => {
      const { namespace, name: table } = mapping({ rename }).table(shapeOf(['id']).table)
      assert.equal(`${namespace}.${table}`, expected)
    })
  }
})

describe('a shape', () => {
  const shape = shapeOf(['id', 'name', 'email', '-old'])

  test('has columns by other names, in their places', () => {
    const rename = [
      { column: 'app.*.e*', to: 'mail' },
      { column: 'app.orders.name', to: 'full_*' },
    ]
    const { columns, key } = mapping({ rename }).shape(shape)
    assert.deepEqual(columns.map((one) => one.name), ['id', 'full_name', 'mail', 'old']) // prettier-ignore
    assert.deepEqual(key, [0])
  })

  test('has a column that is left out as one that is gone', () => {
    const rules = { columns: [{ tables: 'app.*', exclude: ['email', 'nothing'] }] }
    const wires = mapping(rules)
      .shape(shape)
      .columns.map(({ wire }) => wire)
    assert.deepEqual(wires, [0, 1, null, null])
  })

  test('refuses two columns of one name', () => {
    const twice = mapping({ rename: [{ column: '*.*.email', to: 'name' }] })
    assert.throws(() => twice.shape(shape), { code: 'NAME_TAKEN', details: { table: 'app.orders', column: 'name' } }) // prettier-ignore
  })

  test('may have a name that a column had which is gone, or is left out', () => {
    const rules = {
      rename: [{ column: '*.*.email', to: 'old' }],
      columns: [{ tables: '*.*', exclude: ['name'] }],
    }
    assert.equal(mapping(rules).shape(shape).columns[2]!.name, 'old')
  })

  test('is not without a column of its key', () => {
    const rules = { columns: [{ tables: '*.*', exclude: ['id'] }] }
    assert.throws(() => mapping(rules).shape(shape), { code: 'TABLE_WITHOUT_KEY' })
  })
})

test('what is done to a table is told in one line, and nothing of what is not', () => {
  const rules = {
    rename: [{ schema: 'app', to: 'far' }, { column: 'app.*.a', to: 'b' }, { column: 'x.*.y', to: 'z' }],
    columns: [{ tables: 'app.*', exclude: ['q', 'p'] }],
  } // prettier-ignore
  const { table } = shapeOf(['id'])
  assert.deepEqual(mapping(rules).describe(table), {
    mapping: 'as far.orders -p -q a>b',
    columns: '-p -q a>b',
  })
  assert.deepEqual(mapping({}).describe(table), { mapping: '', columns: '' })
})
