/** What a stream says to its server, and how it notices that nobody answers; the time is the test's. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { liveness } from '../../../../src/capture/liveness.ts'
import { PostgresStream } from '../../../../src/capture/postgres/postgres-stream.ts'
import { lsn } from '../../../../src/core/lsn.ts'
import { ManualClock, settled } from '../manual-clock.ts'

class Line {
  readonly oversized = null
  received = 0
  isDestroyed = false
  readonly sent: { confirmed: bigint; isReplyWanted: boolean }[] = []
  #waiting: PromiseWithResolversOf<Buffer | null> | null = null

  next(): Promise<Buffer | null> {
    const waiting = withResolvers<Buffer | null>()
    this.#waiting = waiting
    return waiting.promise
  }

  send(message: Buffer): void {
    this.sent.push({
      confirmed: message.readBigUInt64BE(1),
      isReplyWanted: message[33] === 1,
    })
  }

  /** As a socket does: who waits gets an error that says little. */
  destroy(): void {
    this.isDestroyed = true
    this.#waiting?.reject(new Error('Connection terminated unexpectedly'))
  }

  /** A block arrives. */
  bring(): void {
    this.received += 100
    this.#waiting?.resolve(Buffer.from('block'))
  }
}

interface PromiseWithResolversOf<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

function withResolvers<T>(): PromiseWithResolversOf<T> {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((done, failed) => {
    resolve = done
    reject = failed
  })
  return { promise, resolve, reject }
}

function start(timeoutMs = 3000) {
  const line = new Line()
  const clock = new ManualClock()
  const stream = new PostgresStream(line, { clock, liveness: liveness(timeoutMs) })
  return { line, clock, stream }
}

async function pass(clock: ManualClock, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) await clock.pass(1000)
}

const GONE = { code: 'CONNECTION_LOST', message: /has not answered for 7 s/ }

describe('a stream', () => {
  test('tells its confirmed place again and again, and asks for an answer when it hears nothing', async () => {
    const { line, clock, stream } = start()
    stream.confirm(lsn(70n))
    line.received += 1
    await pass(clock, 2)
    stream.close()
    assert.deepEqual(line.sent, [
      { confirmed: 70n, isReplyWanted: false },
      { confirmed: 70n, isReplyWanted: false },
      { confirmed: 70n, isReplyWanted: true },
    ])
  })

  test('fails when nothing came for twice the timeout, though it was asked for', async () => {
    const { line, clock, stream } = start()
    const failed = assert.rejects(stream.next(), GONE)
    await pass(clock, 6)
    assert.equal(line.isDestroyed, false)
    await pass(clock, 1)
    await failed
    assert.equal(line.isDestroyed, true)
  })

  test('lives as long as bytes come, though they make no whole message', async () => {
    const { line, clock, stream } = start()
    const failed = assert.rejects(stream.next(), GONE)
    for (let i = 0; i < 30; i++) {
      line.received += 1
      await clock.pass(1000)
    }
    assert.equal(line.isDestroyed, false)
    await pass(clock, 7)
    await failed
  })

  test('is not gone while nobody reads it: then the server cannot send', async () => {
    const { line, clock, stream } = start()
    await pass(clock, 100)
    assert.equal(line.isDestroyed, false)
    const failed = assert.rejects(stream.next(), GONE)
    await pass(clock, 6)
    assert.equal(line.isDestroyed, false)
    await pass(clock, 1)
    await failed
  })

  test('gives what comes, and then counts from there', async () => {
    const { line, clock, stream } = start()
    const first = stream.next()
    await pass(clock, 6)
    line.bring()
    assert.equal(String(await first), 'block')
    const failed = assert.rejects(stream.next(), GONE)
    await pass(clock, 6)
    assert.equal(line.isDestroyed, false)
    await pass(clock, 2)
    await failed
  })

  test('of a server without a timeout is never given up', async () => {
    const { line, clock, stream } = start(0)
    const ended = assert.rejects(stream.next(), { message: /terminated/ })
    await pass(clock, 1000)
    assert.equal(line.isDestroyed, false)
    stream.close()
    await ended
  })

  test('says nothing after its end', async () => {
    const { line, clock, stream } = start()
    stream.close()
    await settled()
    await pass(clock, 30)
    assert.deepEqual(line.sent, [])
    assert.equal(clock.sleepers, 0)
  })
})
