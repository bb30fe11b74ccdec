/**
 * The stream of one connection: transactions as CopyData, from where the slot is confirmed.
 *
 * A block may end between any two messages. If it may, it streams some transactions before they are
 * at their turn, and others that are rolled back in the end. Keepalives stand before, after and inside transactions,
 * and tell no more than what was sent. When the connection has broken, what was under way still
 * comes.
 */

import { fail } from '../../src/core/errors.ts'
import { keepalive, wire, xlogData } from '../support/wire.ts'
import type { Transaction } from './scripted-database.ts'
import type { Server } from './scripted-source.ts'
import { descriptions, StreamedTransaction, type Told } from './streamed-transaction.ts'

interface Frame {
  readonly bytes: Buffer
  /** What somebody would confirm who does not care whether it is in the lake. */
  readonly committed: bigint
  readonly heard: bigint
}

export class Connection {
  isAlive = true
  readonly #server: Server
  #sent: number
  readonly #frames: Frame[] = []
  readonly #told: Told = new Map()
  readonly #isStreaming: boolean
  /** Those that have begun and not ended, by their place among all. */
  readonly #streamed = new Map<number, StreamedTransaction>()
  /** One that is rolled back in the end. */
  #inVain: StreamedTransaction | null = null
  #left = Infinity

  constructor(server: Server, from: bigint, isStreaming: boolean) {
    this.#server = server
    this.#isStreaming = isStreaming
    const { transactions } = server.parts.database
    const first = transactions.findIndex(({ lsn }) => lsn >= from)
    this.#sent = first < 0 ? transactions.length : first
    const { random } = server.parts
    if (random.chance(0.5)) this.#keepalive(from - BigInt(random.below(30)))
  }

  break(): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.#left = this.#server.parts.random.below(12)
  }

  /** Nothing to read but another keepalive. */
  get isIdle(): boolean {
    const { transactions } = this.#server.parts.database
    return this.isAlive && this.#frames.length === 0 && this.#sent >= transactions.length
  }

  next(): Buffer | null {
    const { random, counters, database, knockouts } = this.#server.parts
    if (!this.#server.isCalm && random.chance(0.003)) this.break()
    if (this.#frames.length === 0) {
      const next = database.transactions[this.#sent]
      if (next !== undefined && this.#isStreaming && random.chance(0.3)) this.#streamAhead()
      if (next !== undefined) this.#transaction(next)
      else if (this.isAlive) this.#keepalive(database.position)
    }
    const count = Math.min(1 + random.below(random.chance(0.5) ? 3 : 12), this.#left)
    if (count === 0 || this.#frames.length === 0) {
      counters.add('streamEnded')
      return random.chance(0.5) ? null : fail('CONNECTION_LOST', 'the stream broke')
    }
    const frames = this.#frames.splice(0, count)
    this.#left -= frames.length
    for (const { committed, heard } of frames) {
      if (knockouts.confirmEarly && committed > 0n) this.#server.confirm(this, committed)
      if (knockouts.confirmKeepalive && heard > 0n) this.#server.confirm(this, heard)
    }
    return Buffer.concat(frames.map(({ bytes }) => bytes))
  }

  #transaction(transaction: Transaction): void {
    const { random } = this.#server.parts
    const { lsn, end, committedAt, messages } = transaction
    if (random.chance(0.2)) this.#keepalive(lsn)
    const place = this.#sent++
    const mayWait =
      !this.#isStreaming || (!messages.some(({ isLarge }) => isLarge) && random.chance(0.7))
    if (this.#streamed.has(place) || !mayWait) {
      const streamed = this.#streamedAt(place)
      this.#streamed.delete(place)
      if (streamed.commit(transaction)) {
        for (const [oid, columns] of streamed.told) this.#told.set(oid, columns)
        this.#server.parts.counters.add('streamed')
        return
      }
    }
    this.#send(wire.begin({ commitLsn: lsn, committedAt }))
    for (const message of messages) {
      if (message.isRolledBack) continue
      for (const bytes of descriptions(message, this.#told)) this.#send(bytes)
      if (random.chance(0.05)) this.#keepalive(lsn)
      this.#send(message.bytes())
    }
    this.#send(wire.commit({ commitLsn: lsn, endLsn: end, committedAt }), end)
    if (random.chance(0.2)) this.#keepalive(end)
  }

  /** Some of what is not at its turn yet. */
  #streamAhead(): void {
    const { random, database, counters } = this.#server.parts
    const place = this.#sent + random.below(4)
    if (place < database.transactions.length) return this.#streamedAt(place).block()
    this.#inVain ??= this.#newStreamed(database.rolledBack())
    this.#inVain.block()
    if (!random.chance(0.5)) return
    counters.add('rolledBack')
    this.#inVain.abort()
    this.#inVain = null
  }

  #streamedAt(place: number): StreamedTransaction {
    const { database } = this.#server.parts
    let streamed = this.#streamed.get(place)
    if (streamed === undefined) {
      streamed = this.#newStreamed(database.transactions[place]!)
      this.#streamed.set(place, streamed)
    }
    return streamed
  }

  #newStreamed(of: Pick<Transaction, 'xid' | 'messages'>): StreamedTransaction {
    const { random, knockouts } = this.#server.parts
    const isSilent = knockouts.noSubAbort ?? false
    const send = (bytes: Buffer, committed = 0n): void => this.#send(bytes, committed)
    return new StreamedTransaction(of, { random, send, isSilent })
  }

  #send(message: Buffer, committed = 0n): void {
    this.#frames.push({ bytes: copyData(xlogData(message)), committed, heard: 0n })
  }

  #keepalive(walEnd: bigint): void {
    const replyRequested = this.#server.parts.random.chance(0.3)
    const bytes = copyData(keepalive(walEnd, { replyRequested }))
    this.#frames.push({ bytes, committed: 0n, heard: walEnd })
  }
}

export function copyData(payload: Buffer): Buffer {
  const head = Buffer.of(0x64, 0, 0, 0, 0)
  head.writeUInt32BE(payload.length + 4, 1)
  return Buffer.concat([head, payload])
}
