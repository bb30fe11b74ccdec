/**
 * The decoder of pgoutput: bytes in, calls out.
 *
 * A message is decoded where it stands in the buffer of the socket, and rows are told as places in
 * that buffer, so a million of them leave nothing for the garbage collector. Hardly anything is
 * remembered from one message to the next, above all whether a stream block is open: between Stream
 * Start and Stream Stop, messages carry the id of their (sub)transaction, right behind the tag.
 *
 *   49 │ 00 00 02 e1 │ 00 00 40 05 │ 4e │ 00 01 74 00 00 00 02 34 32
 *   I  │ xid, in a   │ oid of the  │ N  │ tuple, see core/tuple.ts
 *      │ block only  │ table       │    │
 *
 * After a PROTOCOL_VIOLATION the stream is lost; a new one needs a new decoder.
 *
 * https://www.postgresql.org/docs/current/protocol-logical-replication.html
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */

import { Cursor } from './cursor.ts'
import type { MessageHandler, RowMessage } from './messages.ts'
import { readLogicalMessage, readRelation, readTruncate, readType } from './relations.ts'
import { printable, TAG, TUPLE_TAG } from './tags.ts'
import {
  readBegin,
  readCommit,
  readCommitPrepared,
  readOrigin,
  readPrepare,
  readRollbackPrepared,
  readStreamAbort,
  readStreamCommit,
  readStreamStart,
} from './transactions.ts'

/** `proto_version`: 2 brought streamed transactions (PG 14), 3 two-phase (15), 4 parallel (16). */
export type Protocol = 1 | 2 | 3 | 4

type Writable<T> = { -readonly [K in keyof T]: T[K] }

export class Decoder {
  readonly #handler: MessageHandler
  readonly #protocol: Protocol
  readonly #cursor = new Cursor()
  readonly #row: Writable<RowMessage> = {
    xid: 0,
    oid: 0,
    bytes: Buffer.alloc(0),
    old: 'none',
    oldStart: 0,
    oldEnd: 0,
    newStart: 0,
    newEnd: 0,
  }
  #isInBlock = false
  /** Tag of the message before. */
  #before = 0

  constructor(handler: MessageHandler, protocol: Protocol = 2) {
    this.#handler = handler
    this.#protocol = protocol
  }

  /** Decodes the one message `bytes[start, end)` and calls the handler, before it returns. */
  decode(bytes: Buffer, start: number, end: number): void {
    const cursor = this.#cursor.open(bytes, start, end)
    if (start === end && this.#before === TAG.begin) return this.#namelessOrigin()
    const tag = cursor.uint8()
    this.#before = tag
    switch (tag) {
      case TAG.insert:
        return this.#insert(bytes)
      case TAG.update:
        return this.#update(bytes)
      case TAG.delete:
        return this.#delete(bytes)
      case TAG.relation: {
        const xid = this.#xid()
        return this.#handler.relation(readRelation(cursor), xid)
      }
      case TAG.type: {
        const xid = this.#xid()
        return this.#handler.type(readType(cursor), xid)
      }
      case TAG.truncate:
        return this.#handler.truncate(readTruncate(cursor, this.#xid()))
      case TAG.message:
        return this.#handler.message(readLogicalMessage(cursor, this.#xid()))
      case TAG.origin:
        return this.#handler.origin(readOrigin(cursor))
      case TAG.begin:
        this.#outsideBlock()
        return this.#handler.begin(readBegin(cursor))
      case TAG.commit:
        this.#outsideBlock()
        return this.#handler.commit(readCommit(cursor))
      default:
        return this.#stream(tag)
    }
  }

  /**
   * PostgreSQL 13 sends an empty message in place of Origin if it does not know the name of the
   * origin, for instance because it was dropped. Newer servers send nothing.
   */
  #namelessOrigin(): void {
    this.#before = 0
  }

  #insert(bytes: Buffer): void {
    const cursor = this.#cursor
    const row = this.#row
    this.#openRow(bytes)
    const tagAt = cursor.at
    const tag = cursor.uint8()
    if (tag !== TUPLE_TAG.new) cursor.fail(`${printable(tag)} stands where N should`, tagAt)
    this.#noOldTuple()
    row.newStart = cursor.at
    cursor.tuple()
    row.newEnd = cursor.at
    cursor.finish()
    this.#handler.insert(row)
  }

  #update(bytes: Buffer): void {
    const cursor = this.#cursor
    const row = this.#row
    this.#openRow(bytes)
    let tagAt = cursor.at
    let tag = cursor.uint8()
    if (tag === TUPLE_TAG.new) {
      this.#noOldTuple()
    } else {
      this.#oldTuple(tag)
      tagAt = cursor.at
      tag = cursor.uint8()
      if (tag !== TUPLE_TAG.new) cursor.fail(`${printable(tag)} stands where N should`, tagAt)
    }
    row.newStart = cursor.at
    cursor.tuple()
    row.newEnd = cursor.at
    cursor.finish()
    this.#handler.update(row)
  }

  #delete(bytes: Buffer): void {
    const cursor = this.#cursor
    const row = this.#row
    this.#openRow(bytes)
    this.#oldTuple(cursor.uint8())
    row.newStart = cursor.at
    row.newEnd = cursor.at
    cursor.finish()
    this.#handler.delete(row)
  }

  #openRow(bytes: Buffer): void {
    this.#row.bytes = bytes
    this.#row.xid = this.#xid()
    this.#row.oid = this.#cursor.uint32()
  }

  #noOldTuple(): void {
    const { at } = this.#cursor
    this.#row.old = 'none'
    this.#row.oldStart = at
    this.#row.oldEnd = at
  }

  /** Reads the tuple behind `tag`, which was just read. */
  #oldTuple(tag: number): void {
    const cursor = this.#cursor
    const row = this.#row
    if (tag === TUPLE_TAG.key) row.old = 'key'
    else if (tag === TUPLE_TAG.old) row.old = 'full'
    else cursor.fail(`${printable(tag)} stands where K or O should`, cursor.at - 1)
    row.oldStart = cursor.at
    cursor.tuple()
    row.oldEnd = cursor.at
  }

  /** The transaction id that messages inside a block carry; 0 outside, where they have none. */
  #xid(): number {
    return this.#isInBlock ? this.#cursor.uint32() : 0
  }

  #stream(tag: number): void {
    const cursor = this.#cursor
    const handler = this.#handler
    switch (tag) {
      case TAG.streamStart: {
        this.#asksForStreams()
        this.#outsideBlock()
        const message = readStreamStart(cursor)
        this.#isInBlock = true
        return handler.streamStart(message)
      }
      case TAG.streamStop:
        if (!this.#isInBlock) cursor.fail('no stream block is open', cursor.at - 1)
        cursor.finish()
        this.#isInBlock = false
        return handler.streamStop()
      case TAG.streamCommit:
        this.#asksForStreams()
        this.#outsideBlock()
        return handler.streamCommit(readStreamCommit(cursor))
      case TAG.streamAbort:
        this.#asksForStreams()
        this.#outsideBlock()
        return handler.streamAbort(readStreamAbort(cursor, this.#protocol >= 4))
      default:
        return this.#twoPhase(tag)
    }
  }

  /** These come whatever the protocol, if the slot was once used with `two_phase`. */
  #twoPhase(tag: number): void {
    const cursor = this.#cursor
    const handler = this.#handler
    switch (tag) {
      case TAG.beginPrepare:
        this.#outsideBlock()
        return handler.twoPhase(readPrepare(cursor, 'begin-prepare'))
      case TAG.prepare:
        this.#outsideBlock()
        return handler.twoPhase(readPrepare(cursor, 'prepare'))
      case TAG.streamPrepare:
        this.#outsideBlock()
        return handler.twoPhase(readPrepare(cursor, 'stream-prepare'))
      case TAG.commitPrepared:
        this.#outsideBlock()
        return handler.twoPhase(readCommitPrepared(cursor))
      case TAG.rollbackPrepared:
        this.#outsideBlock()
        return handler.twoPhase(readRollbackPrepared(cursor))
      default:
        return cursor.fail('no message has this tag', cursor.at - 1)
    }
  }

  #asksForStreams(): void {
    if (this.#protocol < 2) {
      this.#cursor.fail('protocol 1 has no streamed transactions', this.#cursor.at - 1)
    }
  }

  #outsideBlock(): void {
    if (this.#isInBlock) {
      this.#cursor.fail('it stands inside a stream block', this.#cursor.at - 1)
    }
  }
}
