/** What each message says, and which messages are refused, with the words in which they are. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { hasCode } from '../../../src/core/errors.ts'
import { Decoder, type Protocol, type RowMessage } from '../../../src/pgoutput/index.ts'
import { wire } from '../../support/wire.ts'
import { encode, Events } from './events.ts'
import { bytesOf, SAMPLES } from './samples.ts'

const BLOCK = wire.streamStart(731)

function decodeAll(messages: readonly Buffer[], protocol: Protocol = 2): Events {
  const events = new Events()
  const decoder = new Decoder(events, protocol)
  for (const message of messages) decoder.decode(message, 0, message.length)
  return events
}

function refuses(messages: readonly Buffer[], expected: RegExp, protocol: Protocol = 2): void {
  const events = new Events()
  const decoder = new Decoder(events, protocol)
  for (const message of messages.slice(0, -1)) decoder.decode(message, 0, message.length)
  const said = events.all.length
  const last = messages.at(-1)!
  assert.throws(
    () => decoder.decode(last, 0, last.length),
    (error) => hasCode(error, 'PROTOCOL_VIOLATION') && expected.test(error.message),
  )
  assert.equal(events.all.length, said, 'the handler hears nothing of a message that is refused')
}

describe('every message is told to the handler as the manual describes it', () => {
  for (const { name, hex, event, isStreamed, protocol } of SAMPLES) {
    test(name, () => {
      const messages = isStreamed ? [BLOCK, bytesOf(hex)] : [bytesOf(hex)]
      assert.deepEqual(decodeAll(messages, protocol).all.at(-1), event)
    })
  }
})

test('the builder of the tests writes every message as the manual describes it', () => {
  for (const { name, hex, event } of SAMPLES) {
    assert.equal(encode(event).toString('hex'), bytesOf(hex).toString('hex'), name)
  }
})

test('a message is found in the middle of a larger buffer, and its tuples are places in it', () => {
  const message = wire.update(5, ['2', 'new'], { key: ['1', null] })
  const bytes = Buffer.concat([Buffer.from('IIII'), message, Buffer.from('UUUU')])
  const rows: RowMessage[] = []
  const handler = Object.assign(new Events(), { update: (row: RowMessage) => rows.push(row) })
  new Decoder(handler).decode(bytes, 4, 4 + message.length)
  const { oldStart, oldEnd, newStart, newEnd } = rows[0]!
  assert.equal(rows[0]!.bytes, bytes)
  assert.equal(bytes.toString('latin1', oldStart, oldEnd), '\0\u0002t\0\0\0\u00011n')
  assert.equal(bytes.toString('latin1', newStart, newEnd), '\0\u0002t\0\0\0\u00012t\0\0\0\u0003new')
})

test('one row object serves for all rows of a stream', () => {
  const rows = new Set<RowMessage>()
  const add = (row: RowMessage) => rows.add(row)
  const handler = Object.assign(new Events(), { insert: add, update: add, delete: add })
  const decoder = new Decoder(handler)
  for (const message of [
    wire.insert(1, ['a']),
    wire.update(1, ['b']),
    wire.delete(1, { key: ['b'] }),
  ]) {
    decoder.decode(message, 0, message.length)
  }
  assert.equal(rows.size, 1)
})

test('after Stream Stop messages have no transaction id again', () => {
  const row = wire.insert(1, ['a'])
  const { all } = decodeAll([BLOCK, wire.insert(1, ['a'], { xid: 9 }), wire.streamStop(), row])
  assert.deepEqual(
    all.map((event) => ('xid' in event ? event.xid : null)),
    [731, 9, null, 0],
  )
})

test('an empty message behind Begin stands for an origin without a name, and says nothing', () => {
  const begin = wire.begin({ commitLsn: 1n })
  const { all } = decodeAll([begin, Buffer.alloc(0), wire.insert(1, ['a'])])
  assert.deepEqual(
    all.map(({ call }) => call),
    ['begin', 'insert'],
  )
  refuses([begin, Buffer.alloc(0), Buffer.alloc(0)], /^empty message, byte 0 of 0: .* ends early/)
})

describe('what is not pgoutput is refused, and the error names message and byte', () => {
  const insert = '49 00000001 4e'
  const cases: readonly [what: string, hex: string, expected: RegExp][] = [
    ['nothing at all', '', /^empty message, byte 0 of 0: the message ends early/],
    ['an unknown tag', '7a 00', /^'z' message, byte 0 of 2: no message has this tag$/],
    ['a tag that is no letter', '07', /^0x07 message, byte 0 of 1: no message/],
    [
      'a value in binary form',
      `${insert} 0001 62 00000001 00`,
      /^Insert message, byte 8 of 14: a value is in binary form/,
    ],
    [
      'an unknown kind of value',
      `${insert} 0002 6e 78`,
      /^Insert message, byte 9 of 10: the kind 'x' of a value is not known$/,
    ],
    [
      'a negative length of a value',
      `${insert} 0001 74 ffffffff`,
      /^Insert message, byte 9 of 13: the length -1 of a value is negative$/,
    ],
    [
      'the largest length of a value',
      `${insert} 0001 74 7fffffff 61`,
      /^Insert message, byte 13 of 14: .* early, 2147483646 bytes of a value are missing$/,
    ],
    [
      'fewer columns than counted',
      `${insert} ffff 6e`,
      /^Insert message, byte 9 of 9: .* early, 65534 columns are missing$/,
    ],
    ['more columns than counted', `${insert} 0001 6e 6e`, /byte 9 of 10: 1 bytes are left over$/],
    [
      'an Insert with an old tuple',
      '49 00000001 4b 0000',
      /byte 5 of 8: 'K' stands where N should/,
    ],
    ['an Update without a new tuple', '55 00000001 4b 0000', /byte 8 of 8: .* ends early/],
    ['an Update with two keys', '55 00000001 4b 0000 4b 0000', /byte 8 of 11: 'K' stands where N/],
    ['an Update of something else', '55 00000001 58 0000', /byte 5 of 8: 'X' stands where K or O/],
    ['a Delete with a new tuple', '44 00000001 4e 0000', /byte 5 of 8: 'N' stands where K or O/],
    [
      'a wild count of tables',
      '54 ffffffff 00 00000001',
      /^Truncate message, byte 1 of 10: 4 bytes follow, .* of 4294967295 tables$/,
    ],
    [
      'an unknown replica identity',
      '52 00000001 00 74 00 78 0000',
      /^Relation message, byte 8 of 11: the replica identity 'x' is not known$/,
    ],
    ['a name without an end', '59 00000001 61 00 62', /^Type message, byte 7 of 8: a string does/],
    [
      'a negative length of a content',
      `4d 00 ${'00'.repeat(8)} 00 ffffffff`,
      /^Message message, byte 11 of 15: the length -1 is negative$/,
    ],
    ['flags of a Commit', `43 01 ${'00'.repeat(24)}`, /^Commit message, byte 1 of 26: flags 0x01/],
    [
      'a Stream Stop outside of a block',
      '45',
      /^Stream Stop message, byte 0 of 1: no stream block/,
    ],
    [
      'position and time of an abort before protocol 4',
      `41 00000001 00000001 ${'00'.repeat(16)}`,
      /^Stream Abort message, byte 9 of 25: 16 bytes are left over$/,
    ],
  ]
  for (const [what, hex, expected] of cases) test(what, () => refuses([bytesOf(hex)], expected))
})

describe('between Stream Start and Stream Stop no transaction begins or ends', () => {
  for (const { name, hex, isStreamed, protocol } of SAMPLES) {
    if (isStreamed || !/^(Begin|Commit|Stream|Prepare|Rollback)/.test(name)) continue
    test(name, () => refuses([BLOCK, bytesOf(hex)], /it stands inside a stream block$/, protocol))
  }
})

describe('protocol 1 has no streams', () => {
  for (const { name, hex, isStreamed } of SAMPLES) {
    if (isStreamed || !name.startsWith('Stream ') || name === 'Stream Prepare') continue
    test(name, () => refuses([bytesOf(hex)], /protocol 1 has no streamed transactions$/, 1))
  }
})

test('a message that lies outside of its buffer is a mistake of the caller', () => {
  const decoder = new Decoder(new Events())
  assert.throws(() => decoder.decode(Buffer.alloc(8), 4, 9), RangeError)
  assert.throws(() => decoder.decode(Buffer.alloc(8), -1, 4), RangeError)
})
