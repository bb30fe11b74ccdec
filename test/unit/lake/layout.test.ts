/** The names of the lake: what is formatted can be parsed, and nothing else. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { tableId } from '../../../src/core/table.ts'
import {
  changesFolder,
  changesKey,
  formatOf,
  loadKey,
  manifestKey,
  parseChangesKey,
  parseManifestKey,
  parseRequestKey,
  parseRollupKey,
  parseTableId,
  requestKey,
  rollupKey,
  type ChangesFile,
} from '../../../src/lake/layout.ts'
import { isKey } from '../../../src/storage/keys.ts'

const orders = tableId({ namespace: 'app', name: 'orders' })
const odd = tableId({ namespace: 'My App', name: '_x.y/z' })
const file: ChangesFile = {
  table: orders,
  dt: '2026-11-23',
  n: 42,
  generation: 40,
  part: 0,
  format: 'csv.gz',
}

describe('a name in the lake', () => {
  const cases = [
    ['of a manifest', manifestKey(42), '_millrace/manifests/00000000000000000042.json'],
    ['of a roll-up', rollupKey(1000), '_millrace/rollups/00000000000000001000.json.gz'],
    [
      'of a file of changes',
      changesKey(file),
      'app/orders/cdc/dt=2026-11-23/00000000000000000042-g40.csv.gz',
    ],
    [
      'of a second file of changes',
      changesKey({ ...file, part: 1, format: 'csv' }),
      'app/orders/cdc/dt=2026-11-23/00000000000000000042-g40-1.csv',
    ],
    [
      'of a table with an odd name',
      changesKey({ ...file, table: odd }),
      '~4Dy~20~41pp/~5Fx~2Ey~2Fz/cdc/dt=2026-11-23/00000000000000000042-g40.csv.gz',
    ],
    ['of a day', changesFolder(orders, '2026-11-23'), 'app/orders/cdc/dt=2026-11-23/'],
    [
      'of a part of a load',
      loadKey({ table: orders, load: 'l1', part: 7, format: 'csv' }),
      'app/orders/load/l1/000007.csv',
    ],
    [
      'of a request',
      requestKey('shop/warehouse', orders),
      '_millrace/requests/shop/warehouse/app.orders.json',
    ],
    [
      'of a request of a consumer with an odd name',
      requestKey('Shop/_a.b', odd),
      '_millrace/requests/~53hop/~5Fa~2Eb/~4Dy~20~41pp.~5Fx~2Ey~2Fz.json',
    ],
  ] as const

  for (const [name, key, expected] of cases) {
    test(`${name} is ${expected}`, () => assert.equal(key, expected))
  }

  test('gives back the file of changes from which it was made', () => {
    fc.assert(
      fc.property(changesFiles, (any) => {
        const key = changesKey(any)
        assert.ok(isKey(key))
        assert.deepEqual(parseChangesKey(key), any)
      }),
    )
  })

  test('gives back the request from which it was made', () => {
    fc.assert(
      fc.property(fc.array(names, { minLength: 1, maxLength: 3 }), tables, (parts, table) => {
        const consumer = parts.join('/')
        fc.pre(!parts.some((part) => part.includes('/')))
        assert.deepEqual(parseRequestKey(requestKey(consumer, table)), { consumer, table })
      }),
    )
  })

  test('sorts manifests and roll-ups by their numbers', () => {
    const any = fc.maxSafeNat()
    fc.assert(
      fc.property(any, any, (a, b) => {
        assert.equal(manifestKey(a) < manifestKey(b), a < b)
        assert.equal(rollupKey(a) < rollupKey(b), a < b)
        assert.equal(parseManifestKey(manifestKey(a)), a)
        assert.equal(parseRollupKey(rollupKey(a)), a)
      }),
    )
  })

  test('tells the format by its end', () => {
    assert.equal(formatOf(changesKey(file)), 'csv.gz')
    assert.equal(formatOf(changesKey({ ...file, format: 'csv' })), 'csv')
  })
})

describe('what is not a name of the lake', () => {
  const changes = changesKey(file)
  const cases = [
    ['a short number', changes.replace('000042', '42')],
    ['no generation', changes.replace('-g40', '')],
    ['no day', changes.replace('/dt=2026-11-23', '')],
    ['another format', changes.replace('.csv.gz', '.avro')],
    ['a table with an upper-case letter', changes.replace('orders', 'Orders')],
    ['a table that is escaped in another way', changes.replace('orders', '~6Frders')],
    ['a load', 'app/orders/load/l1/000007.csv'],
    ['a manifest', manifestKey(42)],
    ['something behind the name', `${changes}.tmp`],
    ['something before the name', `x/${changes}`],
    ['nothing', ''],
  ] as const
  for (const [name, key] of cases) {
    test(`${name} is no file of changes`, () => assert.equal(parseChangesKey(key), null))
  }

  for (const key of [
    '',
    changes,
    `${manifestKey(1)}x`,
    rollupKey(1),
    '_millrace/manifests/1.json',
  ]) {
    test(`"${key}" is no manifest`, () => assert.equal(parseManifestKey(key), null))
  }

  for (const id of [
    '',
    'app',
    'app.',
    '.orders',
    'app.orders.x',
    'App.orders',
    'app._orders',
    'app.~zz',
  ]) {
    test(`"${id}" is no table`, () => assert.equal(parseTableId(id), null))
  }

  for (const key of [
    '',
    '_millrace/requests/app.orders.json',
    '_millrace/requests/shop/app.json',
  ]) {
    test(`"${key}" is no request`, () => assert.equal(parseRequestKey(key), null))
  }
})

const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
const tables = fc.record({ namespace: names, name: names }).map(tableId)
const changesFiles: fc.Arbitrary<ChangesFile> = fc.record(
  {
    table: tables,
    dt: fc.constantFrom('2026-11-23', '2030-01-01'),
    n: fc.maxSafeNat(),
    generation: fc.maxSafeNat(),
    part: fc.nat(),
    format: fc.constantFrom('csv', 'csv.gz'),
  },
  { noNullPrototype: true },
)
