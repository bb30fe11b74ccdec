/**
 * The stream of one connection: transactions as CopyData, from where the slot is confirmed.
 *
 * A block may end between any two messages. Keepalives stand before, after and inside transactions,
 * and tell no more than what was sent. When the connection has broken, what was under way still
 * comes.
 */

import { fail } from '../../src/core/errors.ts'
import { keepalive, wire, xlogData } from '../support/wire.ts'
import type { Message, Transaction } from './scripted-database.ts'
import type { Server } from './scripted-source.ts'

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
  /** Columns that the server has told for each table. */
  readonly #told = new Map<number, string>()
  #left = Infinity

  constructor(server: Server, from: bigint) {
    this.#server = server
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
    this.#sent++
    if (random.chance(0.2)) this.#keepalive(lsn)
    this.#send(wire.begin({ commitLsn: lsn, committedAt }))
    for (const message of messages) {
      this.#describe(message)
      if (random.chance(0.05)) this.#keepalive(lsn)
      this.#send(message.bytes)
    }
    this.#send(wire.commit({ commitLsn: lsn, endLsn: end, committedAt }), end)
    if (random.chance(0.2)) this.#keepalive(end)
  }

  #describe({ of }: Message): void {
    for (const { table, columns } of of) {
      const text = columns.join()
      if (this.#told.get(table.oid) === text) continue
      this.#told.set(table.oid, text)
      const { oid, name, identity } = table
      this.#send(wire.relation({ oid, namespace: 'app', name, identity, columns }))
    }
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
