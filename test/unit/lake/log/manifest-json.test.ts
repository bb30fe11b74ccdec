/** Manifests as bytes. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import { lsn } from '../../../../src/core/lsn.ts'
import type { Entry, Manifest, RunInfo } from '../../../../src/core/manifest.ts'
import { tableId } from '../../../../src/core/table.ts'
import { manifestKey } from '../../../../src/lake/layout.ts'
import { decodeManifest, encodeManifest } from '../../../../src/lake/log/manifest-json.ts'
import {
  changesEntry,
  changesManifest,
  epochManifest,
  loadBegin,
  loadPart,
  openManifest,
  ORDERS,
  USERS,
} from '../../../support/manifests.ts'

const position = { lsn: lsn(0x16_b375_1120n), ordinal: 4 }
const at = { table: ORDERS, position, order: 7 }
const ALL_ENTRIES: Entry[] = [
  loadBegin('l1'),
  loadBegin('l2', { for: ['shop/warehouse', 'shop/mirror'], partitions: ['7:8', '9'] }),
  loadPart('l1'),
  { type: 'load-end', table: ORDERS, load: 'l1', rows: 10 },
  { type: 'load-cancel', table: ORDERS, load: 'l2' },
  changesEntry(),
  { type: 'truncate', ...at },
  { type: 'shape', ...at, shape: 'a/b.json', defaults: { note: null, b: '', a: '"x"' } },
  { type: 'shape', ...at, shape: 'a/b.json', defaults: {}, isAmbiguous: true, partitions: ['7:8'] },
  { type: 'rename', ...at, to: USERS, shape: 'a/c.json' },
  { type: 'drop', ...at },
]

describe('a manifest', () => {
  test('is one line of JSON with the fields in a fixed order', () => {
    const { entries, ...fields } = changesManifest(42, {
      to: { ...position, end: false },
      confirm: lsn(0x16_b375_1000n),
      entries: [{ type: 'drop', ...at }],
    })
    const shuffled = { entries, ...Object.fromEntries(Object.entries(fields).toReversed()) }
    assert.equal(
      encodeManifest(shuffled as Manifest).toString(),
      '{"n":42,"kind":"changes","writer":"w1","generation":1,"epoch":1,"timeline":1,' +
        '"to":{"lsn":"16/B3751120","ordinal":4,"end":false},"confirm":"16/B3751000","clock":42000,' +
        '"closedAt":"2026-11-23T10:11:12.345Z","entries":[{"type":"drop","table":"app.orders",' +
        '"position":{"lsn":"16/B3751120","ordinal":4},"order":7}]}\n',
    )
  })

  test('has the same bytes whatever the order in which names were set', () => {
    const defaults = { b: '1', a: null }
    const reversed = { a: null, b: '1' }
    const shape = { type: 'shape', ...at, shape: 'a/b.json' } as const
    const [x, y] = [defaults, reversed].map((values) =>
      encodeManifest(changesManifest(1, { entries: [{ ...shape, defaults: values }] })),
    )
    assert.deepEqual(x, y)
  })

  for (const manifest of [
    openManifest(1),
    changesManifest(2, { entries: ALL_ENTRIES }),
    { ...changesManifest(3), kind: 'heartbeat' } as const,
    epochManifest(4, 2, true),
    epochManifest(5, 3, false),
  ]) {
    test(`of kind "${manifest.kind}" survives the way there and back (${manifest.n})`, () => {
      assert.deepEqual(roundTrip(manifest), manifest)
    })
  }

  test('survives the way there and back whatever it holds', () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        assert.deepEqual(roundTrip(manifest), manifest)
        assert.ok(encodeManifest(roundTrip(manifest)).equals(encodeManifest(manifest)))
      }),
    )
  })

  test('may have fields that a later version has added, at every place', () => {
    const manifest = openManifest(3, { entries: ALL_ENTRIES })
    const text = encodeManifest(manifest).toString().replaceAll('}', ',"later":"x"}')
    const fixed = text.replaceAll('{,', '{')
    assert.deepEqual(withoutLater(decode(fixed, 3)), withoutLater(manifest))
  })

  test('cut anywhere is damaged', () => {
    const bytes = encodeManifest(changesManifest(42, { entries: ALL_ENTRIES }))
    for (let length = 0; length < bytes.length - 2; length++) {
      assert.throws(() => decodeManifest(bytes.subarray(0, length), manifestKey(42)), {
        code: 'LAKE_DAMAGED',
      })
    }
  })
})

describe('a damaged manifest is refused with file and field', () => {
  const cases = [
    ['"n":42', '"n":43', 'n is not the number in the name of the file'],
    ['"n":42', '"n":"42"', 'n is not an integer of at least 1'],
    ['"n":42,', '', 'n is missing'],
    ['"kind":"changes"', '"kind":"other"', 'kind is not open or changes or heartbeat or epoch'],
    ['"kind":"changes"', '"kind":"open"', 'run is missing'],
    ['"writer":"w1"', '"writer":""', 'writer is not like .'],
    [
      '"generation":1',
      '"generation":43',
      'generation is not the number of this manifest or an earlier',
    ],
    ['"epoch":1', '"epoch":0', 'epoch is not an integer of at least 1'],
    ['"epoch":1', '"epoch":1.5', 'epoch is not an integer of at least 1'],
    ['"timeline":1', '"timeline":null', 'timeline is not an integer of at least 0'],
    ['"to":{"lsn":"0/1068",', '"to":{"lsn":4200,', 'to.lsn is not a text'],
    ['"to":{"lsn":"0/1068",', '"to":{"lsn":"0/g",', 'to.lsn is not an LSN'],
    ['"ordinal":2', '"ordinal":-1', 'to.ordinal is not an integer of at least 0'],
    ['"end":true', '"end":1', 'to.end is not true or false'],
    ['"confirm":"0/1070"', '"confirm":"1070"', 'confirm is not an LSN'],
    ['"clock":42000', '"clock":1e300', 'clock is not an integer of at least 0'],
    ['10:11:12.345Z', '10:11', 'closedAt is not like '],
    ['"entries":[', '"entries":[3,', 'entries is not a list of objects'],
    ['"entries":[', '"entry":[', 'entries is missing'],
    ['"type":"load-end"', '"type":"load-over"', 'entries[3].type is not '],
    ['"table":"app.orders"', '"table":"app/orders"', 'entries[0].table is not the id of a table'],
    ['"for":"all"', '"for":"some"', 'entries[0].for is not all'],
    ['"for":"all"', '"for":[1]', 'entries[0].for is not a list of texts'],
    ['"app/orders/load/l1/000000.csv.gz"', '"../x"', 'entries[2].path is not a path in the lake'],
    ['"app/orders/load/l1/000000.csv.gz"', '"/etc/x"', 'entries[2].path is not a path in the lake'],
    ['"sha256":"cd', '"sha256":"CD', 'entries[2].sha256 is not like '],
    ['"i":1', '"i":-1', 'entries[5].rows.i is not an integer of at least 0'],
    ['"rows":{"i"', '"rows":3,"x":{"i"', 'entries[5].rows is not an object'],
    [
      '"first":{"lsn":"0/64"',
      '"first":{"lsn":"0/FF"',
      'entries[5].last is not at or after `first`',
    ],
    ['"note":null', '"note":5', 'entries[7].defaults.note is not a text'],
    ['"to":"app.users"', '"to":"users"', 'entries[9].to is not the id of a table'],
  ] as const

  for (const [good, bad, message] of cases) {
    test(`${good} as ${bad}: ${message}`, () => {
      const text = encodeManifest(changesManifest(42, { entries: ALL_ENTRIES })).toString()
      assert.ok(text.includes(good))
      assert.throws(
        () => decode(text.replace(good, bad), 42),
        (error: Error & { code: string }) => {
          assert.equal(error.code, 'LAKE_DAMAGED')
          assert.ok(error.message.startsWith(`${manifestKey(42)}: ${message}`), error.message)
          return true
        },
      )
    })
  }

  test('when it is not JSON, not UTF-8 or not an object', () => {
    for (const bytes of [Buffer.from('hello'), Buffer.of(0x22, 0xff, 0x22), Buffer.from('[]')]) {
      assert.throws(() => decodeManifest(bytes, manifestKey(1)), { code: 'LAKE_DAMAGED' })
    }
  })
})

function roundTrip(manifest: Manifest): Manifest {
  return decodeManifest(encodeManifest(manifest), manifestKey(manifest.n))
}

function decode(text: string, n: number): Manifest {
  return decodeManifest(Buffer.from(text), manifestKey(n))
}

/** Where names are data, `later` is a name like any other. */
function withoutLater(manifest: Manifest): unknown {
  return JSON.parse(encodeManifest(manifest).toString(), (key, value: unknown) =>
    ['options', 'defaults'].includes(key) ? null : value,
  )
}

// Anything that a manifest may hold.
const texts = fc.string({ unit: 'grapheme' })
const counts = fc.maxSafeNat()
const lsns = fc.bigInt(0n, 2n ** 64n - 1n).map(lsn)
const positions = record({ lsn: lsns, ordinal: counts })
const tables = record({ namespace: name(), name: name() }).map(tableId)
const keys = fc.constantFrom('a', 'a/b-c.json', 'x/~5F/ü.csv')
const hashes = fc.constantFrom('ab'.repeat(32), '0'.repeat(64))
const barrier = { table: tables, position: positions, order: counts }
const load = { table: tables, load: name() }
const consumers = fc.oneof(fc.constant('all' as const), fc.array(texts))

const entries: fc.Arbitrary<Entry> = fc.oneof(
  record({
    type: fc.constant('changes' as const),
    table: tables,
    shape: keys,
    path: keys,
    first: fc.constant({ lsn: lsn(0n), ordinal: 0 }),
    last: positions,
    rows: record({ i: counts, u: counts, d: counts }),
    unchanged: counts,
    bytes: counts,
    sha256: hashes,
    order: counts,
  }),
  record({ type: fc.constantFrom('truncate' as const, 'drop' as const), ...barrier }),
  record({
    type: fc.constant('shape' as const),
    ...barrier,
    shape: keys,
    defaults: dictionary(fc.option(texts)),
  }),
  record({
    type: fc.constant('shape' as const),
    ...barrier,
    shape: keys,
    defaults: fc.constant({}),
    isAmbiguous: fc.constant(true as const),
    partitions: fc.array(texts),
  }),
  record({ type: fc.constant('rename' as const), ...barrier, to: tables, shape: keys }),
  record({
    type: fc.constant('load-begin' as const),
    ...load,
    shape: keys,
    lsn: lsns,
    since: counts,
    for: consumers,
  }),
  record({
    type: fc.constant('load-part' as const),
    ...load,
    path: keys,
    rows: counts,
    bytes: counts,
    sha256: hashes,
  }),
  record({ type: fc.constant('load-end' as const), ...load, rows: counts }),
  record({ type: fc.constant('load-cancel' as const), ...load }),
)

const runs: fc.Arbitrary<RunInfo> = record({
  systemId: texts,
  database: texts,
  slot: texts,
  publication: texts,
  load: fc.constantFrom('full-load-and-cdc', 'full-load', 'cdc'),
  options: dictionary(texts),
})

const fields = {
  n: fc.integer({ min: 5 }),
  writer: name(),
  generation: fc.integer({ min: 1, max: 5 }),
  epoch: fc.integer({ min: 1 }),
  timeline: counts,
  to: record({ lsn: lsns, ordinal: counts, end: fc.boolean() }),
  confirm: lsns,
  clock: counts,
  closedAt: fc.constantFrom('2026-11-23T10:11:12.345Z', '2026-11-23T10:11:12Z'),
  entries: fc.array(entries, { maxLength: 5 }),
}

const manifests: fc.Arbitrary<Manifest> = fc.oneof(
  record({ ...fields, kind: fc.constantFrom('changes' as const, 'heartbeat' as const) }),
  record({ ...fields, kind: fc.constant('open' as const), run: runs }),
  record({
    ...fields,
    kind: fc.constant('epoch' as const),
    continues: fc.boolean(),
    run: runs,
  }),
)

function name(): fc.Arbitrary<string> {
  return fc.string({ minLength: 1 }).filter((text) => text.trim() !== '')
}

/** A record like one that the code makes, with the usual prototype. */
function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record<T>(model, { noNullPrototype: true })
}

/** Names that are data: `__proto__` and numbers are names like any other. */
function dictionary<T>(values: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  const any = fc.oneof(texts, fc.constantFrom('__proto__', 'toString', '10', '9', 'ü'))
  return fc.array(fc.tuple(any, values)).map((pairs) => Object.fromEntries(pairs))
}
