import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'

import fc from 'fast-check'
import type { Connection } from 'pg'

import { CopyStream, FrameCursor, MAX_MESSAGE_BYTES } from '../../../src/postgres/copy-stream.ts'

/** What a CopyStream needs of a driver's connection; the test is the server. */
class FakeConnection extends EventEmitter {
  readonly stream = new FakeSocket()
  readonly queries: string[] = []
  readonly sent: Buffer[] = []
  readonly driver: Buffer[] = []

  constructor() {
    super()
    this.stream.on('data', (chunk: Buffer) => this.driver.push(chunk))
  }

  query(text: string): void {
    this.queries.push(text)
  }

  sendCopyFromChunk(chunk: Buffer): void {
    this.sent.push(chunk)
  }

  /** Bytes that come over the socket. */
  receive(...chunks: readonly Buffer[]): void {
    for (const chunk of chunks) this.stream.emit('data', chunk)
  }
}

class FakeSocket extends EventEmitter {
  isPaused = false
  isDestroyed = false

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  destroy(): void {
    this.isDestroyed = true
  }
}

function submitted(options: { maxMessageBytes?: number } = {}): {
  copy: CopyStream
  connection: FakeConnection
} {
  const copy = new CopyStream('COPY t TO STDOUT', options)
  const connection = new FakeConnection()
  copy.submit(connection as unknown as Connection)
  return { copy, connection }
}

function message(tag: string, payload: Buffer | string = ''): Buffer {
  const bytes = Buffer.from(payload)
  const head = Buffer.from(`${tag}\0\0\0\0`)
  head.writeUInt32BE(bytes.length + 4, 1)
  return Buffer.concat([head, bytes])
}

const STARTS = message('H', Buffer.of(0, 0, 0))
const ENDS = Buffer.concat([message('c'), message('C', 'COPY 2\0'), message('Z', 'I')])
const data = (text: string) => message('d', text)

async function payloads(copy: CopyStream): Promise<string[]> {
  const all: string[] = []
  const frames = new FrameCursor()
  for (let block = await copy.next(); block !== null; block = await copy.next()) {
    frames.open(block)
    while (frames.next()) all.push(frames.bytes.toString('utf8', frames.start, frames.end))
  }
  return all
}

describe('a copy', () => {
  test('yields whole messages, however the socket cuts them', async () => {
    const texts = ['one', '', 'three '.repeat(50), 'four']
    const bytes = Buffer.concat([STARTS, ...texts.map(data), ENDS])
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: bytes.length - 1 })), async (cuts) => {
        const { copy, connection } = submitted()
        const places = [0, ...new Set(cuts.toSorted((a, b) => a - b)), bytes.length]
        for (let i = 1; i < places.length; i++) {
          connection.receive(bytes.subarray(places[i - 1], places[i]))
        }
        copy.handleReadyForQuery()
        assert.deepEqual(await payloads(copy), texts)
        assert.deepEqual(Buffer.concat(connection.driver), ENDS)
      }),
    )
  })

  test('leaves out what is not data, and goes on behind it', async () => {
    const { copy, connection } = submitted()
    const notices = [message('N', 'x'), message('S', 'y'), message('A', 'z')]
    connection.receive(Buffer.concat([STARTS, data('1'), ...notices, data('2'), ENDS]))
    copy.handleReadyForQuery()
    assert.deepEqual(await payloads(copy), ['1', '2'])
  })

  test('gives the socket back to the driver with the first message that is not its own', () => {
    const { connection } = submitted()
    assert.deepEqual(connection.queries, ['COPY t TO STDOUT'])
    connection.receive(STARTS, data('1'), ENDS.subarray(0, 7), ENDS.subarray(7))
    connection.receive(message('Z', 'I'))
    assert.deepEqual(Buffer.concat(connection.driver), Buffer.concat([ENDS, message('Z', 'I')]))
    assert.equal(connection.stream.listenerCount('data'), 1)
  })

  test('starts when the server says so', async () => {
    const { copy, connection } = submitted()
    const started = copy.started()
    connection.receive(message('W', Buffer.of(0, 0, 0)))
    await started
  })

  test('that is refused does not start', async () => {
    const { copy, connection } = submitted()
    const started = copy.started()
    connection.receive(message('E', 'no'))
    copy.handleError(Object.assign(new Error('in use'), { code: '55006' }))
    await assert.rejects(started, { code: 'SLOT_IN_USE' })
    await assert.rejects(copy.next(), { code: 'SLOT_IN_USE' })
  })

  test('that fails in its middle yields first what had come', async () => {
    const { copy, connection } = submitted()
    connection.receive(STARTS, data('1'))
    copy.handleError(Object.assign(new Error('gone'), { code: '57P01' }))
    assert.notEqual(await copy.next(), null)
    await assert.rejects(copy.next(), { code: 'CONNECTION_LOST' })
  })

  test('wakes who waits when the connection ends', async () => {
    const { copy } = submitted()
    const waiting = copy.next()
    copy.handleError(new Error('Connection terminated unexpectedly'))
    await assert.rejects(waiting, { code: 'CONNECTION_LOST' })
  })
})

describe('back-pressure', () => {
  test('pauses the socket when half a megabyte waits, until all of it was taken', async () => {
    const { copy, connection } = submitted()
    const block = data('x'.repeat(200_000))
    connection.receive(Buffer.concat([STARTS, block]), block)
    assert.equal(connection.stream.isPaused, false)
    connection.receive(block)
    assert.equal(connection.stream.isPaused, true)
    await copy.next()
    await copy.next()
    assert.equal(connection.stream.isPaused, true)
    await copy.next()
    assert.equal(connection.stream.isPaused, false)
  })

  test('does not pause for the rest of a large message, which nobody can take', () => {
    const { connection } = submitted()
    const large = data('x'.repeat(2_000_000))
    connection.receive(Buffer.concat([STARTS, large.subarray(0, 1_500_000)]))
    assert.equal(connection.stream.isPaused, false)
  })
})

describe('a message', () => {
  /** The beginning of a CopyData message with so many bytes in all, length field and tag included. */
  function head(bytes: number): Buffer {
    const start = message('d')
    start.writeUInt32BE(bytes - 1, 1)
    return start
  }

  test('of more than 64 MiB is refused by its length and its beginning, and the connection broken off', async () => {
    const { copy, connection } = submitted()
    connection.receive(STARTS, head(MAX_MESSAGE_BYTES + 1))
    assert.equal(connection.stream.isDestroyed, false)
    connection.receive(Buffer.alloc(20_000, 'x'))
    assert.ok(connection.stream.isDestroyed)
    await assert.rejects(copy.next(), {
      code: 'MESSAGE_TOO_LARGE',
      message: /67108865 bytes/,
    })
    assert.match(String(copy.oversized), /^x{16379}$/)
  })

  // What came in the same piece was lost, the description of its table among it; and the end of the
  // connection, which we had broken off ourselves, hid why: it was made again and again.
  test('that is refused leaves what came before, and is the reason, though the connection ends', async () => {
    const { copy, connection } = submitted({ maxMessageBytes: 100 })
    connection.receive(Buffer.concat([STARTS, data('1'), data('x'.repeat(100)), data('2')]))
    copy.handleError(new Error('Connection terminated unexpectedly'))
    assert.equal(String(await copy.next()).slice(5), '1')
    await assert.rejects(copy.next(), { code: 'MESSAGE_TOO_LARGE', message: /the limit is 100/ })
    assert.equal(String(copy.oversized), 'x'.repeat(100))
  })

  test('of 64 MiB is waited for', () => {
    const { connection } = submitted()
    connection.receive(STARTS, head(MAX_MESSAGE_BYTES))
    assert.equal(connection.stream.isDestroyed, false)
  })

  test('goes to the server until the copy has ended', () => {
    const { copy, connection } = submitted()
    copy.send(Buffer.from('1'))
    copy.handleReadyForQuery()
    copy.send(Buffer.from('2'))
    assert.deepEqual(connection.sent.map(String), ['1'])
  })
})

describe('a cursor over frames', () => {
  test('finds each payload of a block, and nothing in an empty one', () => {
    const frames = new FrameCursor()
    assert.equal(frames.next(), false)
    frames.open(Buffer.concat([data('one'), data(''), data('three')]))
    const found: string[] = []
    while (frames.next()) found.push(frames.bytes.toString('utf8', frames.start, frames.end))
    assert.deepEqual(found, ['one', '', 'three'])
    assert.equal(frames.next(), false)
    assert.equal(frames.open(data('again')).next(), true)
  })
})
