/** Whatever is written by the builder is read by the decoder, in any order and with any values. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { hasCode } from '../../../src/core/errors.ts'
import { lsn } from '../../../src/core/lsn.ts'
import { Decoder } from '../../../src/pgoutput/index.ts'
import { UNCHANGED } from '../../support/wire.ts'
import { encode, Events, type Event } from './events.ts'

const RUNS = { numRuns: Number(process.env['FC_RUNS'] ?? 100) }

/** Plain objects, as the decoder makes them; by default some would have no prototype. */
function record<T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(fields, { noNullPrototype: true })
}

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff })
const streamedXid = fc.integer({ min: 1, max: 0xffff_ffff })
const position = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }).map(lsn)
const time = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const name = text.filter((value) => !value.includes('\0'))
const value = fc.oneof(text, fc.constant(null), fc.constant<typeof UNCHANGED>(UNCHANGED))
const tuple = fc.array(value, { maxLength: 12 })
const call = <const T extends string>(of: T) => fc.constant(of)

const committed = { commitLsn: position, endLsn: position, committedAt: time }
const column = record({
  name,
  typeOid: uint32,
  modifier: fc.integer({ min: -1 }),
  isKey: fc.boolean(),
})

/** Messages that carry a transaction id inside stream blocks, and 0 outside. */
function change(xid: fc.Arbitrary<number>): fc.Arbitrary<Event> {
  const table = { xid, oid: uint32 }
  const none = { old: fc.constant('none' as const), before: fc.constant([]) }
  const some = { old: fc.constantFrom('key' as const, 'full' as const), before: tuple }
  const identity = fc.constantFrom('default' as const, 'nothing' as const, 'index' as const)
  const columns = fc.array(column, { maxLength: 5 })
  return fc.oneof(
    record({ call: call('insert'), ...table, ...none, after: tuple }),
    record({ call: call('update'), ...table, ...none, after: tuple }),
    record({ call: call('update'), ...table, ...some, after: tuple }),
    record({ call: call('delete'), ...table, ...some, after: fc.constant([]) }),
    record({ call: call('relation'), ...table, namespace: name, name, identity, columns }),
    record({ call: call('type'), ...table, namespace: name, name }),
    record({
      call: call('truncate'),
      xid,
      oids: fc.array(uint32, { maxLength: 4 }),
      cascade: fc.boolean(),
      restartIdentity: fc.boolean(),
    }),
    record({
      call: call('message'),
      xid,
      isTransactional: fc.boolean(),
      lsn: position,
      prefix: name,
      content: text,
    }),
  )
}

const transaction: fc.Arbitrary<Event> = fc.oneof(
  record({ call: call('begin'), commitLsn: position, committedAt: time, xid: uint32 }),
  record({ call: call('commit'), ...committed }),
  record({ call: call('origin'), commitLsn: position, name }),
  record({ call: call('streamCommit'), xid: uint32, ...committed }),
  record({
    call: call('streamAbort'),
    xid: uint32,
    subxid: uint32,
    abort: fc.option(record({ lsn: position, at: time })),
  }),
  record({
    call: call('twoPhase'),
    kind: fc.constantFrom('begin-prepare' as const, 'prepare' as const, 'stream-prepare' as const),
    xid: uint32,
    gid: name,
    prepareLsn: position,
    endLsn: position,
    preparedAt: time,
  }),
  record({
    call: call('twoPhase'),
    kind: call('commit-prepared'),
    xid: uint32,
    gid: name,
    ...committed,
  }),
  record({
    call: call('twoPhase'),
    kind: call('rollback-prepared'),
    xid: uint32,
    gid: name,
    prepareEndLsn: position,
    endLsn: position,
    preparedAt: time,
    rolledBackAt: time,
  }),
)

const block: fc.Arbitrary<Event[]> = fc
  .tuple(uint32, fc.boolean(), fc.array(change(streamedXid), { maxLength: 6 }))
  .map(([xid, isFirst, changes]) => [
    { call: 'streamStart', xid, isFirst },
    ...changes,
    { call: 'streamStop' },
  ])

const single = fc.oneof(change(fc.constant(0)), transaction).map((event) => [event])
const stream = fc.array(fc.oneof(single, block), { maxLength: 10 }).map((parts) => parts.flat())

test('a stream of any messages is read as it was written', () => {
  fc.assert(
    fc.property(stream, (events) => {
      const messages = events.map(encode)
      const bytes = Buffer.concat(messages)
      const read = new Events()
      const decoder = new Decoder(read, 4)
      let at = 0
      for (const { length } of messages) {
        decoder.decode(bytes, at, at + length)
        at += length
      }
      assert.deepEqual(read.all, events)
    }),
    RUNS,
  )
})

test('any bytes are either a message or a PROTOCOL_VIOLATION', () => {
  fc.assert(
    fc.property(
      change(fc.constant(0)),
      uint32,
      fc.integer({ min: 0, max: 255 }),
      (event, n, byte) => {
        const bytes = encode(event)
        bytes[n % bytes.length] = byte
        try {
          new Decoder(new Events()).decode(bytes, 0, bytes.length)
        } catch (error) {
          assert.ok(hasCode(error, 'PROTOCOL_VIOLATION'), String(error))
        }
      },
    ),
    RUNS,
  )
})
