/**
 * The stream of a slot that is ours, and what we tell the server about it.
 *
 * The server forgets what we confirm and drops a client it has not heard from for
 * `wal_sender_timeout`. So the last confirmed LSN is told again and again, however long a flush
 * takes, and nothing else is ever told.
 */

import type { Clock } from '../core/clock.ts'
import { maxLsn, ZERO_LSN, type Lsn } from '../core/lsn.ts'
import type { CopyStream } from '../postgres/copy-stream.ts'
import type { ReplicationStream } from './source.ts'

const STATUS_UPDATE = 0x72
const STATUS_BYTES = 34
const POSTGRES_EPOCH_MS = 946_684_800_000

export class PostgresStream implements ReplicationStream {
  readonly #copy: CopyStream
  readonly #clock: Clock
  readonly #closed = new AbortController()
  #confirmed: Lsn = ZERO_LSN

  constructor(copy: CopyStream, { clock, speakEveryMs }: { clock: Clock; speakEveryMs: number }) {
    this.#copy = copy
    this.#clock = clock
    void this.#speak(speakEveryMs)
  }

  async next(): Promise<Buffer | null> {
    return this.#copy.next()
  }

  confirm(lsn: Lsn): void {
    this.#confirmed = maxLsn(this.#confirmed, lsn)
    this.#send(false)
  }

  askForKeepalive(): void {
    this.#send(true)
  }

  close(): void {
    this.#closed.abort()
    this.#copy.destroy()
  }

  async #speak(everyMs: number): Promise<void> {
    const { signal } = this.#closed
    while (!signal.aborted) {
      await this.#clock.sleep(everyMs, signal)
      if (!signal.aborted) this.#send(false)
    }
  }

  /** Standby status update: written, flushed and applied are one to us. */
  #send(isReplyWanted: boolean): void {
    const message = Buffer.alloc(STATUS_BYTES)
    message[0] = STATUS_UPDATE
    message.writeBigUInt64BE(this.#confirmed, 1)
    message.writeBigUInt64BE(this.#confirmed, 9)
    message.writeBigUInt64BE(this.#confirmed, 17)
    const sinceEpochMs = Math.trunc(this.#clock.now()) - POSTGRES_EPOCH_MS
    message.writeBigInt64BE(BigInt(sinceEpochMs) * 1000n, 25)
    message[33] = isReplyWanted ? 1 : 0
    this.#copy.send(message)
  }
}
