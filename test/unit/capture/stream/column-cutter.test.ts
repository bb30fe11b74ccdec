/** What is excluded is cut from messages before anybody keeps them. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { ColumnCutter } from '../../../../src/capture/stream/column-cutter.ts'
import { Exclusions } from '../../../../src/capture/stream/exclusions.ts'
import { UNCHANGED, wire } from '../../../support/wire.ts'

const OID = 5001
const NOTHING = () => Promise.resolve()

function cutter(): ColumnCutter {
  return new ColumnCutter(new Exclusions([{ tables: '*.users', exclude: ['secret'] }]), NOTHING)
}

/** The message behind other bytes and before others, as it comes. */
function cut(by: ColumnCutter, message: Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.from('head'), message, Buffer.from('I tail')])
  const cutted = by.cut({ bytes, start: 4, end: 4 + message.length })
  return Buffer.from(cutted.bytes.subarray(cutted.start, cutted.end))
}

function relation(columns: string[], xid?: number): Buffer {
  return wire.relation({ oid: OID, name: 'users', columns, xid })
}

const FULL = ['id', 'secret', 'name']
const CUT = ['id', 'name']

describe('a table with an excluded column', () => {
  const cases: [what: string, message: Buffer, expected: Buffer][] = [
    ['insert', wire.insert(OID, ['1', 's', 'ann']), wire.insert(OID, ['1', 'ann'])],
    ['insert of NULL', wire.insert(OID, ['1', null, null]), wire.insert(OID, ['1', null])],
    ['update', wire.update(OID, ['1', UNCHANGED, UNCHANGED]), wire.update(OID, ['1', UNCHANGED])],
    [
      'update of the key',
      wire.update(OID, ['2', 's', 'ann'], { key: ['1', null, null] }),
      wire.update(OID, ['2', 'ann'], { key: ['1', null] }),
    ],
    [
      'update of the whole row',
      wire.update(OID, ['1', 's', 'ann'], { full: ['1', 't', 'anna'] }),
      wire.update(OID, ['1', 'ann'], { full: ['1', 'anna'] }),
    ],
    [
      'delete',
      wire.delete(OID, { full: ['1', 't', 'anna'] }),
      wire.delete(OID, { full: ['1', 'anna'] }),
    ],
  ]
  for (const [what, message, expected] of cases) {
    test(`loses it in every ${what}`, () => {
      const by = cutter()
      assert.deepEqual(cut(by, relation(FULL)), relation(CUT))
      assert.deepEqual(cut(by, message), expected)
      assert.ok(by.isCut(OID))
    })
  }

  test('is left alone once it has it no more', () => {
    const by = cutter()
    cut(by, relation(FULL))
    assert.deepEqual(cut(by, relation(CUT)), relation(CUT))
    assert.deepEqual(cut(by, wire.insert(OID, ['1', 'ann'])), wire.insert(OID, ['1', 'ann']))
    assert.ok(!by.isCut(OID))
  })

  test('may be the last column, or all but one', () => {
    const by = cutter()
    assert.deepEqual(cut(by, relation(['id', 'secret'])), relation(['id']))
    assert.deepEqual(cut(by, wire.insert(OID, ['1', 's'])), wire.insert(OID, ['1']))
  })

  test('loses it in a streamed transaction too', () => {
    const by = cutter()
    cut(by, wire.streamStart(7))
    assert.deepEqual(cut(by, relation(FULL, 7)), relation(CUT, 7))
    const row = wire.insert(OID, ['1', 's', 'ann'], { xid: 8 })
    assert.deepEqual(cut(by, row), wire.insert(OID, ['1', 'ann'], { xid: 8 }))
  })

  test('is cut for each transaction as that was shown it, until one is committed', () => {
    const by = cutter()
    const other = ['secret', 'id']
    cut(by, relation(FULL))
    cut(by, wire.streamStart(7))
    cut(by, relation(other, 7))
    cut(by, wire.streamStop())
    const row = wire.insert(OID, ['1', 's', 'ann'])
    assert.deepEqual(cut(by, row), wire.insert(OID, ['1', 'ann']))
    cut(by, wire.streamCommit(7, { commitLsn: 1n, endLsn: 2n }))
    assert.deepEqual(cut(by, wire.insert(OID, ['s', '1'])), wire.insert(OID, ['1']))
  })

  test('is as before when the transaction that altered it is rolled back', () => {
    const by = cutter()
    cut(by, relation(FULL))
    cut(by, wire.streamStart(7))
    cut(by, relation(['secret', 'id'], 7))
    cut(by, wire.streamStop())
    cut(by, wire.streamAbort(7))
    const row = wire.insert(OID, ['1', 's', 'ann'])
    assert.deepEqual(cut(by, row), wire.insert(OID, ['1', 'ann']))
  })
})

test('other tables and messages stay as they are', () => {
  const by = cutter()
  const other = [
    wire.begin({ commitLsn: 1n }),
    wire.relation({ oid: 6, name: 'others', columns: FULL }),
    wire.insert(6, ['1', 's', 'ann']),
    wire.truncate([OID]),
    wire.message('p', 'secret'),
    Buffer.alloc(0),
    wire.commit({ commitLsn: 1n, endLsn: 2n }),
  ]
  for (const message of other) assert.deepEqual(cut(by, message), message)
})

test('a row that ends early is refused, as the decoder would', () => {
  const by = cutter()
  cut(by, relation(FULL))
  const row = wire.insert(OID, ['1', 's', 'ann'])
  assert.throws(() => cut(by, row.subarray(0, row.length - 2)), { code: 'PROTOCOL_VIOLATION' })
})
