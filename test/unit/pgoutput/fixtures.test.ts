/**
 * What real servers of each version sent, decoded: test/fixtures/pgoutput, which
 * scripts/record-fixtures.ts records.
 */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import { packageRoot } from '../../../src/cli/package-root.ts'
import { hasCode } from '../../../src/core/errors.ts'
import { Decoder, type MessageHandler, type Protocol } from '../../../src/pgoutput/index.ts'
import { encode, Events } from './events.ts'
import { Replay } from './replay.ts'
import { rowText, Transcript } from './transcript.ts'

interface Fixture {
  readonly server: string
  readonly protocol: Protocol
  /** In base64. */
  readonly messages: readonly string[]
  readonly transcript: readonly string[]
  /** What SELECT found at the end, row by row. */
  readonly tables: Readonly<Record<string, readonly string[]>>
}

const FOLDER = join(packageRoot(), 'test/fixtures/pgoutput')
/** Position and time of an abort are optional in protocol 4: cut before them it is whole. */
const ABORT = 0x41
const SHORT_ABORT_BYTES = 9

const fixtures = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.json'))
  .map((file) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Fixture)

function messagesOf({ messages }: Fixture): Buffer[] {
  return messages.map((message) => Buffer.from(message, 'base64'))
}

function decode<Handler extends MessageHandler>(fixture: Fixture, handler: Handler): Handler {
  const decoder = new Decoder(handler, fixture.protocol)
  for (const message of messagesOf(fixture)) decoder.decode(message, 0, message.length)
  return handler
}

test('there are fixtures of every supported version, with streams from 14 on', () => {
  const found = new Set(fixtures.map(({ server, protocol }) => `${server.slice(0, 2)}/${protocol}`))
  for (const version of [13, 14, 15, 16, 17, 18]) {
    assert.ok(found.has(`${version}/1`))
    if (version >= 14) assert.ok(found.has(`${version}/2`))
  }
})

for (const fixture of fixtures) {
  describe(`PostgreSQL ${fixture.server}, protocol ${fixture.protocol}`, () => {
    test('every message is decoded as it was when it was recorded', () => {
      assert.deepEqual(decode(fixture, new Transcript()).lines, fixture.transcript)
    })

    test('a replay of the stream ends with the rows that SELECT found', () => {
      const { tables } = decode(fixture, new Replay())
      for (const [table, rows] of Object.entries(fixture.tables)) {
        assert.deepEqual((tables.get(table) ?? []).map(rowText).toSorted(), rows, table)
      }
    })

    test('the builder of the tests writes the same bytes', () => {
      const { all } = decode(fixture, new Events())
      const messages = messagesOf(fixture).filter(({ length }) => length > 0)
      assert.deepEqual(
        all.map((event) => encode(event).toString('base64')),
        messages.map((message) => message.toString('base64')),
      )
    })

    test('every message fails wherever it is cut', () => cutEverywhere(fixture))
  })
}

function cutEverywhere(fixture: Fixture): void {
  const messages = messagesOf(fixture)
  const bytes = Buffer.concat(messages)
  let isInBlock = false
  let start = 0
  for (const message of messages) {
    const [tag] = message
    for (let length = 1; length < message.length; length++) {
      if (fixture.protocol === 4 && tag === ABORT && length === SHORT_ABORT_BYTES) continue
      const decoder = decoderIn(isInBlock, fixture.protocol)
      assert.throws(
        () => decoder.decode(bytes, start, start + length),
        (error) => hasCode(error, 'PROTOCOL_VIOLATION'),
      )
    }
    if (tag === 0x53) isInBlock = true
    if (tag === 0x45) isInBlock = false
    start += message.length
  }
}

function decoderIn(isInBlock: boolean, protocol: Protocol): Decoder {
  const decoder = new Decoder(new Events(), protocol)
  const start = Buffer.from('5300000001', 'hex')
  if (isInBlock) decoder.decode(Buffer.concat([start, Buffer.from([1])]), 0, 6)
  return decoder
}
