/** The frames around messages, byte by byte; the messages themselves: decoder.test.ts. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { keepalive, wire, xlogData } from '../../support/wire.ts'

test('XLogData is w, the place of the message, the end of the WAL, the time, and the message', () => {
  const frame = xlogData(wire.streamStop(), { start: 1n, end: 2n, sentAt: -1n })
  assert.equal(
    frame.toString('hex'),
    ['77', '0000000000000001', '0000000000000002', 'ffffffffffffffff', '45'].join(''),
  )
})

test('a keepalive is k, the end of the WAL, the time, and whether a reply is wanted', () => {
  assert.equal(
    keepalive(0x16_b374_d848n, { sentAt: 3n, replyRequested: true }).toString('hex'),
    ['6b', '00000016b374d848', '0000000000000003', '01'].join(''),
  )
  assert.equal(keepalive(1n).at(-1), 0)
})

test('the first column is the key where nothing is said, all are under replica identity full', () => {
  const keys = (message: Buffer) => [message.at(13), message.at(-11)]
  const columns = ['a', 'b']
  assert.deepEqual(keys(wire.relation({ oid: 1, namespace: '', name: 'tbl', columns })), [1, 0])
  const full = wire.relation({ oid: 1, namespace: '', name: 'tbl', identity: 'full', columns })
  assert.deepEqual(keys(full), [1, 1])
})
