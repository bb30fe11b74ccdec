/**
 * The other way round: bytes of ours for `COPY … FROM STDIN`.
 *
 * The server takes CopyData messages of any size and does not mind where rows end in them, so a chunk
 * goes out as it is behind a header of five bytes:
 *
 *   64 │ length (4), itself included │ chunk
 *
 * Whoever writes waits while the chunk before the last is still on its way: then one is sent while the
 * next is made, and memory holds two. What the server refuses, it says at once; the rest of what we
 * send it throws away.
 *
 * https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
 */

import type { Connection, Submittable } from 'pg'

const COPY_DATA = 0x64
const HEADER_BYTES = 5
/** What the length counts beside the chunk: itself. */
const LENGTH_BYTES = 4

/** What a driver's Connection has besides its documented part. */
interface DriverConnection extends Connection {
  query(text: string): void
  endCopyFrom(): void
  sendCopyFail(reason: string): void
}

export class CopyIn implements Submittable {
  readonly #sql: string
  #connection: DriverConnection | null = null
  #isStarted = false
  /** Of the command tag, `COPY 42`. */
  #rows = 0
  #isDone = false
  #error: unknown = null
  #wake: (() => void) | null = null
  /** Whether the chunk before has left. */
  #hasRoom = true

  constructor(sql: string) {
    this.#sql = sql
  }

  /** Resolves once the server waits for rows, and rejects if it refuses. */
  async started(): Promise<void> {
    await this.#until(() => this.#isStarted || this.#isDone)
  }

  /** Sends bytes, which must not change any more. Rejects as soon as the server has refused. */
  async write(chunk: Buffer): Promise<void> {
    await this.#until(() => this.#hasRoom)
    const header = Buffer.allocUnsafe(HEADER_BYTES)
    header[0] = COPY_DATA
    header.writeUInt32BE(chunk.length + LENGTH_BYTES, 1)
    const { stream } = this.#connection!
    stream.cork()
    stream.write(header)
    this.#hasRoom = stream.write(chunk)
    stream.uncork()
    if (!this.#hasRoom) stream.once('drain', this.#drained)
  }

  /** All was sent. Resolves to the number of rows that the server took. */
  async finish(): Promise<number> {
    if (this.#error === null && !this.#isDone) this.#connection?.endCopyFrom()
    await this.#until(() => this.#isDone)
    return this.#rows
  }

  /** Ends a copy whose rows cannot all be made; the transaction has failed then. */
  async abort(): Promise<void> {
    if (!this.#isDone && this.#error === null) this.#connection?.sendCopyFail('broken off')
    await this.#until(() => this.#isDone).catch(() => {})
  }

  // What the driver calls.

  submit(connection: Connection): void {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the driver passes its own class
    this.#connection = connection as DriverConnection
    this.#connection.query(this.#sql)
  }

  handleCopyInResponse(): void {
    this.#isStarted = true
    this.#wake?.()
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#rows = Number(/^COPY (\d+)$/.exec(text)?.[1] ?? 0)
  }

  handleError(error: unknown): void {
    this.#error = error
    this.#isDone = true
    this.#wake?.()
  }

  handleReadyForQuery(): void {
    this.#isDone = true
    this.#wake?.()
  }

  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleEmptyQuery(): void {}

  readonly #drained = (): void => {
    this.#hasRoom = true
    this.#wake?.()
  }

  async #until(isReached: () => boolean): Promise<void> {
    while (this.#error === null && !isReached()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#error !== null) throw this.#error
  }
}
