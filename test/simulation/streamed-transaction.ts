/**
 * A transaction as a server streams it that does not wait for its end (protocol 2).
 *
 *   Start m m Stop … Start m Stop  Abort (of a subtransaction) … Start m Stop  Commit
 *
 * Blocks of other transactions, and whole ones, may stand between its own. What a subtransaction did
 * is there until its Abort, tables it had to describe included, and after it the server describes
 * them again. One that was rolled back before it was sent may never be.
 */

import { wire } from '../support/wire.ts'
import type { Random } from './random.ts'
import type { Transaction } from './scripted-database.ts'
import type { Message } from './scripted-draft.ts'

export interface StreamedParts {
  readonly random: Random
  readonly send: (bytes: Buffer, committed?: bigint) => void
  /** For a knock-out: nobody hears that a subtransaction was rolled back. */
  readonly isSilent: boolean
}

/** Columns that the server has told, by table. */
export type Told = Map<number, string>

export class StreamedTransaction {
  /** What this transaction has described. */
  readonly told: Told = new Map()
  readonly #xid: number
  readonly #messages: readonly Message[]
  readonly #parts: StreamedParts
  #at = 0
  #isBegun = false

  constructor({ xid, messages }: Pick<Transaction, 'xid' | 'messages'>, parts: StreamedParts) {
    this.#xid = xid
    this.#messages = messages
    this.#parts = parts
  }

  /** A few messages more. A rolled back subtransaction ends the block. */
  block(): void {
    const { random, send } = this.#parts
    this.#skip()
    if (this.#isSent) return
    send(wire.streamStart(this.#xid, { isFirst: !this.#isBegun }))
    this.#isBegun = true
    let rolledBack: Message | null = null
    for (let left = 1 + random.below(3); left > 0 && !this.#isSent && !rolledBack; left--) {
      const message = this.#messages[this.#at++]!
      const xid = this.#xid + message.sub
      for (const bytes of descriptions(message, this.told, xid)) send(bytes)
      send(message.bytes(xid))
      if (message.isRolledBack && this.#messages[this.#at]?.sub !== message.sub) {
        rolledBack = message
      }
    }
    send(wire.streamStop())
    if (rolledBack === null || this.#parts.isSilent) return
    send(wire.streamAbort(this.#xid, this.#xid + rolledBack.sub))
    this.told.clear()
  }

  /** False if there was nothing to stream. */
  commit({ lsn, end, committedAt }: Transaction): boolean {
    while (!this.#isSent) this.block()
    if (!this.#isBegun) return false
    const to = { commitLsn: lsn, endLsn: end, committedAt }
    this.#parts.send(wire.streamCommit(this.#xid, to), end)
    return true
  }

  abort(): void {
    if (this.#isBegun) this.#parts.send(wire.streamAbort(this.#xid))
  }

  get #isSent(): boolean {
    return this.#at >= this.#messages.length
  }

  /** Rolled back before anything of it was sent. */
  #skip(): void {
    const { sub, isRolledBack, isLarge } = this.#messages[this.#at] ?? {}
    const isBegun = this.#messages[this.#at - 1]?.sub === sub
    if (!isRolledBack || isLarge || isBegun || !this.#parts.random.chance(0.3)) return
    while (this.#messages[this.#at]?.sub === sub) this.#at++
  }
}

/** The Relation messages that must come before the message. */
export function descriptions({ of }: Message, told: Told, xid?: number): Buffer[] {
  return of.flatMap(({ table, columns, version }) => {
    const text = `${version} ${columns.join()}`
    if (told.get(table.oid) === text) return []
    told.set(table.oid, text)
    const { oid, name, identity } = table
    return [wire.relation({ oid, namespace: 'app', name, identity, columns, xid })]
  })
}
