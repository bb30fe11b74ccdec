/**
 * Where transactions wait on disk that are streamed before they have ended.
 *
 * A transaction that outgrows the server's memory is sent while it runs (protocol 2, 14+). Its
 * messages go into a file of their own, as the bytes that came; nothing is decoded yet, because it
 * may still be rolled back. At commit the file is read again and decoded as if the transaction had
 * been sent whole; at abort it vanishes. What a rolled back subtransaction did is left out then, so
 * ordinals are the same with and without streaming.
 *
 *   64 │ length (4), itself included │ message       the frame of CopyData: see FrameCursor
 *
 * The folder is disposable: the server sends again what is not in the lake.
 *
 * https://www.postgresql.org/docs/current/protocol-logical-replication.html
 */

import { mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

import { CodedError, fail } from '../../core/errors.ts'
import { foreignCode } from '../../postgres/sqlstate.ts'

const FRAME = 0x64
const HEADER_BYTES = 5
const WRITE_BYTES = 256 * 1024
const READ_BYTES = 256 * 1024
/** The only message of a streamed transaction that has no id. */
const ORIGIN = 0x4f
/** Where the id of the (sub)transaction stands in a message of a streamed transaction. */
const XID_AT = 1

export class Spool implements AsyncDisposable {
  readonly #folder: string
  readonly #transactions = new Map<number, SpooledTransaction>()
  #current: SpooledTransaction | null = null

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Empties the folder, which must be this task's alone. */
  static async open(folder: string): Promise<Spool> {
    await translated(mkdir(folder, { recursive: true }))
    for (const name of await readdir(folder)) await rm(join(folder, name), { force: true })
    return new Spool(folder)
  }

  /** Whether what comes belongs to a streamed transaction. */
  get isStreaming(): boolean {
    return this.#current !== null
  }

  /** Transactions that have neither been committed nor aborted. */
  get size(): number {
    return this.#transactions.size
  }

  /** Stream Start: the message itself begins the file of its transaction. */
  begin(message: Buffer): void {
    const xid = message.readUInt32BE(XID_AT)
    let transaction = this.#transactions.get(xid)
    if (transaction === undefined) {
      transaction = new SpooledTransaction(join(this.#folder, `${xid}.spool`))
      transaction.append(message, 0, message.length)
      this.#transactions.set(xid, transaction)
    }
    this.#current = transaction
  }

  /** The message `bytes[start, end)`, between Stream Start and Stream Stop. */
  append(bytes: Buffer, start: number, end: number): void {
    this.#current!.append(bytes, start, end)
  }

  /** Stream Stop. */
  end(): void {
    this.#current = null
  }

  /** Resolves once memory holds no more than a few hundred kilobytes of what was appended. */
  async drain(): Promise<void> {
    for (const transaction of this.#transactions.values()) await transaction.drain()
  }

  /** Stream Abort: of the transaction, if both ids are the same, else of what the subtransaction did. */
  async abort(xid: number, subxid: number): Promise<void> {
    const transaction = this.#transactions.get(xid)
    if (transaction === undefined) return
    if (xid !== subxid) {
      transaction.aborted.add(subxid)
      return
    }
    this.#transactions.delete(xid)
    await transaction.remove()
  }

  /**
   * Stream Commit: blocks of frames, as they came; afterwards the transaction is forgotten. A block
   * is valid until the next one is asked for.
   */
  async *commit(xid: number): AsyncGenerator<Buffer> {
    const transaction = this.#transactions.get(xid)
    if (transaction === undefined) {
      fail('PROTOCOL_VIOLATION', `transaction ${xid} was committed but never streamed`)
    }
    yield* transaction.read()
    this.#transactions.delete(xid)
    await transaction.remove()
  }

  /** Whether a message of the transaction survived: its subtransaction was not rolled back. */
  survives(xid: number, bytes: Buffer, start: number): boolean {
    const { aborted } = this.#transactions.get(xid)!
    if (aborted.size === 0 || bytes[start] === ORIGIN) return true
    return !aborted.has(bytes.readUInt32BE(start + XID_AT))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const transaction of this.#transactions.values()) await transaction.remove()
    this.#transactions.clear()
  }
}

class SpooledTransaction {
  /** Subtransactions that were rolled back. */
  readonly aborted = new Set<number>()
  readonly #path: string
  #file: FileHandle | null = null
  #buffer: Buffer = Buffer.allocUnsafeSlow(WRITE_BYTES)
  #used = 0
  #full: Buffer[] = []
  /** Pieces that are on disk, to be filled again: new ones outside the heap keep the collector busy. */
  readonly #spare: Buffer[] = []

  constructor(path: string) {
    this.#path = path
  }

  append(bytes: Buffer, start: number, end: number): void {
    const length = end - start
    if (this.#used + HEADER_BYTES + length > this.#buffer.length) this.#turn(HEADER_BYTES + length)
    this.#buffer[this.#used] = FRAME
    this.#buffer.writeUInt32BE(HEADER_BYTES - 1 + length, this.#used + 1)
    bytes.copy(this.#buffer, this.#used + HEADER_BYTES, start, end)
    this.#used += HEADER_BYTES + length
  }

  async drain(): Promise<void> {
    if (this.#full.length === 0) return
    this.#file ??= await translated(open(this.#path, 'w+', 0o600))
    for (const piece of this.#full.splice(0)) {
      await translated(this.#file.appendFile(piece))
      if (piece.buffer.byteLength === WRITE_BYTES) this.#spare.push(Buffer.from(piece.buffer))
    }
  }

  /** Pieces that end with a whole frame. */
  async *read(): AsyncGenerator<Buffer> {
    this.#turn(0)
    if (this.#file === null) {
      // It never outgrew its buffer.
      yield* this.#full
      return
    }
    await this.drain()
    let at = 0
    let piece = Buffer.allocUnsafeSlow(READ_BYTES)
    for (;;) {
      const { bytesRead } = await this.#file.read(piece, 0, piece.length, at)
      if (bytesRead === 0) return
      const whole = wholeFrames(piece.subarray(0, bytesRead))
      if (whole > 0) yield piece.subarray(0, whole)
      at += whole
      const size = whole > 0 ? READ_BYTES : piece.length * 2
      if (size !== piece.length) piece = Buffer.allocUnsafeSlow(size)
    }
  }

  async remove(): Promise<void> {
    await this.#file?.close()
    await rm(this.#path, { force: true })
  }

  /** Puts the buffer behind the full ones and begins another that holds `atLeast` bytes. */
  #turn(atLeast: number): void {
    if (this.#used > 0) this.#full.push(this.#buffer.subarray(0, this.#used))
    const spare = atLeast <= WRITE_BYTES ? this.#spare.pop() : undefined
    this.#buffer = spare ?? Buffer.allocUnsafeSlow(Math.max(WRITE_BYTES, atLeast))
    this.#used = 0
  }
}

/** How many bytes of the piece belong to frames that end in it. */
function wholeFrames(piece: Buffer): number {
  let at = 0
  while (at + HEADER_BYTES <= piece.length) {
    const end = at + 1 + piece.readUInt32BE(at + 1)
    if (end > piece.length) break
    at = end
  }
  return at
}

const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT'])

async function translated<T>(operation: Promise<T>): Promise<T> {
  try {
    return await operation
  } catch (error) {
    if (!FULL.has(foreignCode(error) ?? '')) throw error
    throw new CodedError('SPOOL_FULL', 'the disk of the spool is full', { cause: error })
  }
}
