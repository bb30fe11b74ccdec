/**
 * The bytes of a COPY, in blocks of whole messages.
 *
 * `COPY … TO STDOUT` and `START_REPLICATION` answer with a stream of CopyData messages. While one
 * runs we read the socket ourselves, because a driver that makes an object for each of a hundred
 * thousand messages a second costs more than all that we do with them (docs/decisions/0002). What
 * comes out is the server's own bytes: blocks in which CopyData messages stand one after the other,
 *
 *   64 │ length (4), itself included │ payload │ 64 │ …
 *
 * If nobody asks for the next block, the socket is paused, and TCP slows the server down. The first
 * message that is not part of the copy gives the socket back to the driver, which then completes or
 * fails the query as usual.
 *
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */

import type { Socket } from 'node:net'

import type { Connection, Submittable } from 'pg'

import { CodedError } from '../core/errors.ts'
import { fromPostgres } from './sqlstate.ts'

const COPY_DATA = 0x64
const HEADER_BYTES = 5

const COPY_OUT_RESPONSE = 0x48
const COPY_BOTH_RESPONSE = 0x57

/** With these the copy begins. */
const STARTS: ReadonlySet<number> = new Set([COPY_OUT_RESPONSE, COPY_BOTH_RESPONSE])

/** Messages that may come in between, and do not end the copy. */
const SKIPPED: ReadonlySet<number> = new Set([
  COPY_OUT_RESPONSE,
  COPY_BOTH_RESPONSE,
  0x4e, // NoticeResponse
  0x53, // ParameterStatus
  0x41, // NotificationResponse
])

/** One message may be this long: a row of PostgreSQL is at most 1 GB, and ours is the smaller limit. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024

/** So much of a message that is too large is kept, for whoever can tell from it which row it is. */
const HEAD_BYTES = 16 * 1024

/** Blocks that wait for the reader hold at most about this much before the socket is paused. */
const HIGH_WATER_BYTES = 512 * 1024

/**
 * A server sends each message of a stream by itself, so whoever reads as fast as he can is woken a
 * hundred thousand times a second for a handful of rows. After a chunk that is smaller than this we
 * look away for a moment, and the kernel gathers what comes. Where much comes, chunks are larger.
 */
const SMALL_CHUNK_BYTES = 16 * 1024
const GATHER_MS = 1

/** What a driver's Connection has besides its documented part. */
interface DriverConnection extends Connection {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
}

export class CopyStream implements Submittable {
  readonly #sql: string
  readonly #blocks: Buffer[] = []
  #waitingBytes = 0
  #received = 0
  #connection: DriverConnection | null = null
  /** The driver's, as long as the socket is ours. */
  #driverListener: ((chunk: Buffer) => void) | null = null
  readonly #listener = (chunk: Buffer): void => this.#take(chunk)
  /** The beginning of a message whose end has not come yet. */
  #rest: Buffer[] = []
  #restBytes = 0
  #neededBytes = HEADER_BYTES
  #isStarted = false
  #isEnded = false
  /** Blocks enough wait for the reader. */
  #isFull = false
  #gathering: NodeJS.Timeout | null = null
  #error: unknown = null
  #oversized: Buffer | null = null
  #wake: (() => void) | null = null
  readonly #maxMessageBytes: number

  constructor(sql: string, { maxMessageBytes = MAX_MESSAGE_BYTES } = {}) {
    this.#sql = sql
    this.#maxMessageBytes = maxMessageBytes
  }

  /** The beginning of the message that was refused for its size; `null` if none was. */
  get oversized(): Buffer | null {
    return this.#oversized
  }

  /** All bytes that came, those of incomplete messages too: any more of them is a sign of life. */
  get received(): number {
    return this.#received
  }

  /** Resolves once the server has begun the copy, and rejects if it refuses. Before the first `next`. */
  async started(): Promise<void> {
    while (!this.#isStarted && !this.#isEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    // An error that comes with the beginning is for `next`, after what came before it.
    if (this.#error !== null && !this.#isStarted) throw this.#error
  }

  /** The next block, or `null` at the end of the copy. One caller at a time. */
  async next(): Promise<Buffer | null> {
    for (;;) {
      const block = this.#blocks.shift()
      if (block) {
        this.#waitingBytes -= block.length
        if (this.#waitingBytes === 0) this.#goOn()
        return block
      }
      if (this.#error !== null) throw this.#error
      if (this.#isEnded) return null
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** Sends CopyData to the server; for START_REPLICATION. */
  send(payload: Buffer): void {
    if (!this.#isEnded && this.#error === null) this.#connection?.sendCopyFromChunk(payload)
  }

  /** Breaks the connection off: there is no polite way out of a copy that the server sends. */
  destroy(): void {
    this.#socket?.destroy()
  }

  // What the driver calls.

  submit(connection: Connection): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the driver passes its own class
    this.#connection = connection as DriverConnection
    const socket = connection.stream
    const [listener] = socket.listeners('data')
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the driver's parser
    this.#driverListener = listener as (chunk: Buffer) => void
    socket.removeListener('data', this.#driverListener)
    socket.on('data', this.#listener)
    this.#connection.query(this.#sql)
  }

  handleError(error: unknown): void {
    // That the connection is gone follows from what we have broken it off for.
    this.#error ??= fromPostgres(error)
    this.#end()
  }

  handleCommandComplete(): void {}
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}

  handleReadyForQuery(): void {
    this.#end()
  }

  get #socket(): Socket | undefined {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- with TLS or without, a socket
    return this.#connection?.stream as Socket | undefined
  }

  #goOn(): void {
    this.#isFull = false
    if (this.#gathering === null) this.#socket?.resume()
  }

  /** Lets the kernel gather for a moment. */
  #gather(): void {
    if (this.#gathering !== null || this.#driverListener === null) return
    this.#socket?.pause()
    this.#gathering = setTimeout(() => {
      this.#gathering = null
      if (!this.#isFull) this.#socket?.resume()
    }, GATHER_MS)
  }

  #end(): void {
    this.#isEnded = true
    this.#wake?.()
  }

  #take(chunk: Buffer): void {
    this.#received += chunk.length
    this.#rest.push(chunk)
    this.#restBytes += chunk.length
    if (this.#restBytes < this.#neededBytes) return
    const bytes = this.#rest.length === 1 ? chunk : Buffer.concat(this.#rest, this.#restBytes)
    const at = this.#split(bytes)
    this.#rest = at < bytes.length ? [bytes.subarray(at)] : []
    this.#restBytes = bytes.length - at
    if (chunk.length < SMALL_CHUNK_BYTES) this.#gather()
  }

  /** Emits the whole messages of `bytes` and returns where the first incomplete one begins. */
  #split(bytes: Buffer): number {
    let from = 0
    let at = 0
    this.#neededBytes = HEADER_BYTES
    while (at + HEADER_BYTES <= bytes.length) {
      const code = bytes[at]!
      const length = bytes.readUInt32BE(at + 1) + 1
      const isTooLarge = length > this.#maxMessageBytes
      const needed = isTooLarge ? Math.min(length, HEAD_BYTES) : length
      if (at + needed > bytes.length) {
        this.#neededBytes = needed
        break
      }
      if (isTooLarge) {
        this.#emit(bytes, from, at)
        return this.#refuse(length, bytes.subarray(at), bytes.length)
      }
      if (code !== COPY_DATA) {
        this.#emit(bytes, from, at)
        if (!SKIPPED.has(code)) return this.#giveBack(bytes.subarray(at), bytes.length)
        from = at + length
        if (STARTS.has(code)) this.#start()
      }
      at += length
    }
    this.#emit(bytes, from, at)
    return at
  }

  #start(): void {
    this.#isStarted = true
    this.#wake?.()
  }

  #emit(bytes: Buffer, from: number, to: number): void {
    if (from === to) return
    this.#blocks.push(bytes.subarray(from, to))
    this.#waitingBytes += to - from
    if (this.#waitingBytes > HIGH_WATER_BYTES) {
      this.#isFull = true
      this.#socket?.pause()
    }
    this.#wake?.()
  }

  #giveBack(rest: Buffer, end: number): number {
    const socket = this.#socket!
    socket.removeListener('data', this.#listener)
    const listener = this.#driverListener!
    this.#driverListener = null
    socket.on('data', listener)
    listener(rest)
    if (this.#gathering !== null) clearTimeout(this.#gathering)
    this.#gathering = null
    socket.resume()
    return end
  }

  #refuse(length: number, head: Buffer, end: number): number {
    this.#error = new CodedError(
      'MESSAGE_TOO_LARGE',
      `the server sent a message of ${length} bytes; the limit is ${this.#maxMessageBytes}`,
      { details: { bytes: length } },
    )
    this.#oversized = Buffer.from(head.subarray(HEADER_BYTES, Math.min(length, HEAD_BYTES)))
    this.#end()
    this.destroy()
    return end
  }
}

/** Walks the CopyData messages of a block: the payload of each is `bytes[start, end)`. */
export class FrameCursor {
  bytes: Buffer = Buffer.alloc(0)
  start = 0
  end = 0

  open(block: Buffer): this {
    this.bytes = block
    this.end = 0
    return this
  }

  next(): boolean {
    if (this.end >= this.bytes.length) return false
    this.start = this.end + HEADER_BYTES
    this.end += 1 + this.bytes.readUInt32BE(this.end + 1)
    return true
  }
}
