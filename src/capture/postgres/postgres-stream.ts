/**
 * The stream of a slot that is ours, and what we tell the server about it.
 *
 * The server forgets what we confirm and drops a client it has not heard from for
 * `wal_sender_timeout`. So the last confirmed LSN is told again and again, however long a flush
 * takes, and nothing else is ever told. A server that has gone without a word is noticed the same
 * way: see `liveness.ts`.
 */

import type { Clock } from '../../core/clock.ts'
import { CodedError } from '../../core/errors.ts'
import { maxLsn, ZERO_LSN, type Lsn } from '../../core/lsn.ts'
import type { CopyStream } from '../../postgres/copy-stream.ts'
import { isDead, type Liveness } from '../liveness.ts'
import type { ReplicationStream } from '../source.ts'

const STATUS_UPDATE = 0x72
const STATUS_BYTES = 34
const POSTGRES_EPOCH_MS = 946_684_800_000

export class PostgresStream implements ReplicationStream {
  readonly #copy: Pick<CopyStream, 'next' | 'send' | 'destroy' | 'received' | 'oversized'>
  readonly #clock: Clock
  readonly #liveness: Liveness
  readonly #closed = new AbortController()
  #confirmed: Lsn = ZERO_LSN
  /** Since when we wait for the next block; `null` if we do not. */
  #waitingSince: number | null = null
  #dead: CodedError | null = null

  constructor(
    copy: Pick<CopyStream, 'next' | 'send' | 'destroy' | 'received' | 'oversized'>,
    { clock, liveness }: { clock: Clock; liveness: Liveness },
  ) {
    this.#copy = copy
    this.#clock = clock
    this.#liveness = liveness
    void this.#speak()
  }

  get oversized(): Buffer | null {
    return this.#copy.oversized
  }

  async next(): Promise<Buffer | null> {
    this.#waitingSince = this.#clock.now()
    try {
      return await this.#copy.next()
    } catch (error) {
      throw this.#dead ?? error
    } finally {
      this.#waitingSince = null
    }
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

  async #speak(): Promise<void> {
    const { signal } = this.#closed
    let received = this.#copy.received
    let receivedAt = this.#clock.now()
    while (!signal.aborted) {
      await this.#clock.sleep(this.#liveness.speakEveryMs, signal)
      if (signal.aborted) return
      const isSilent = this.#copy.received === received
      // A message that is still on its way is a sign of life, too.
      if (!isSilent) receivedAt = this.#clock.now()
      received = this.#copy.received
      const silentMs = this.#silentMs(receivedAt)
      if (isDead(silentMs, this.#liveness)) return this.#die(silentMs!)
      this.#send(isSilent)
    }
  }

  /** Not while we do not read: then the server may not be able to send. */
  #silentMs(receivedAt: number): number | null {
    if (this.#waitingSince === null) return null
    return this.#clock.now() - Math.max(receivedAt, this.#waitingSince)
  }

  #die(silentMs: number): void {
    const seconds = Math.round(silentMs / 1000)
    this.#dead = new CodedError(
      'CONNECTION_LOST',
      `the server has not answered for ${seconds} s, twice its wal_sender_timeout`,
    )
    this.close()
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
