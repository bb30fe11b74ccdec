/**
 * Cuts what is excluded from the messages of the stream, before anybody keeps or decodes them.
 *
 * Relation messages lose the columns, rows lose their values, so whatever comes after, the spool
 * included, sees a table that never had them. Where the publication lists columns (15 and later) the
 * server has left them out already, and nothing is cut.
 *
 *   49 │ xid, in a block │ oid │ 4e │ 00 03 │ t "1" │ t "secret" │ n │      becomes
 *   49 │ xid, in a block │ oid │ 4e │ 00 02 │ t "1" │ n │
 *
 * A streamed transaction has Relation messages of its own, which count for the others only once it is
 * committed: until then nobody else sees the table as it does.
 *
 * Names may have changed, so the catalogs are asked before a Relation message is cut. What cannot be
 * told from an excluded column even then is cut as well, and the message says so to those behind us.
 *
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */

import { TupleCursor } from '../../core/tuple.ts'
import { Cursor } from '../../pgoutput/cursor.ts'
import { COLUMN_IN_DOUBT, TAG, TUPLE_TAG } from '../../pgoutput/tags.ts'
import type { Exclusions, ShownTable } from './exclusions.ts'

export interface MessageSpan {
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
}

/** The columns that stay, by their places on the wire. */
type Kept = readonly boolean[]

/** Has the catalogs read until `isKnown`, or until they can show no more. */
type Look = (oid: number, isKnown: () => boolean) => Promise<void>

/** A Relation message, and where in it the columns stand. */
interface Shown extends ShownTable {
  readonly countAt: number
  readonly spans: readonly { readonly from: number; readonly to: number }[]
}

/** Outside of streamed transactions. */
const NO_XID = 0

export class ColumnCutter {
  readonly #exclusions: Exclusions
  readonly #look: Look
  /** By transaction, then by OID; a table of which everything stays has `null`. */
  readonly #kept = new Map<number, Map<number, Kept | null>>([[NO_XID, new Map()]])
  readonly #cursor = new Cursor()
  readonly #tuple = new TupleCursor()
  #block = NO_XID

  constructor(exclusions: Exclusions, look: Look) {
    this.#exclusions = exclusions
    this.#look = look
  }

  /** Resolves once what the catalogs have to say about a message is known; `null` if nothing is asked. */
  ask(message: MessageSpan): Promise<void> | null {
    if (message.start === message.end || message.bytes[message.start] !== TAG.relation) return null
    const shown = this.#shownIn(message)
    if (!this.#exclusions.concerns(shown)) return null
    // A transaction that has not ended shows what nobody else can see yet.
    const isOpen = this.#block !== NO_XID
    return this.#look(shown.oid, () => isOpen || this.#exclusions.places(shown).isCertain)
  }

  /** Whether the table has lost columns as the stream shows it now: places on the wire are others. */
  isCut(oid: number): boolean {
    return this.#keptOf(oid) !== null
  }

  /** The message without what is excluded: the same bytes if there is nothing to cut. */
  cut(message: MessageSpan): MessageSpan {
    if (message.start === message.end) return message
    switch (message.bytes[message.start]!) {
      case TAG.relation:
        return this.#cutRelation(message)
      case TAG.insert:
      case TAG.update:
      case TAG.delete:
        return this.#cutRow(message)
      case TAG.streamStart:
        this.#block = xidOf(message)
        return message
      case TAG.streamStop:
        this.#block = NO_XID
        return message
      case TAG.streamCommit:
        this.#commit(xidOf(message))
        return message
      case TAG.streamAbort:
        this.#abort(message)
        return message
      default:
        return message
    }
  }

  #shownIn({ bytes, start, end }: MessageSpan): Shown {
    const cursor = this.#cursor.open(bytes, start, end)
    cursor.uint8()
    if (this.#block !== NO_XID) cursor.uint32()
    const oid = cursor.uint32()
    const name = { namespace: cursor.string() || 'pg_catalog', name: cursor.string() }
    cursor.uint8()
    const countAt = cursor.at
    const columns: { name: string; typeOid: number }[] = []
    const spans: { from: number; to: number }[] = []
    for (let left = cursor.uint16(); left > 0; left--) {
      const from = cursor.at
      cursor.uint8()
      columns.push({ name: cursor.string(), typeOid: cursor.uint32() })
      cursor.int32()
      spans.push({ from, to: cursor.at })
    }
    return { oid, name, columns, countAt, spans }
  }

  #cutRelation(message: MessageSpan): MessageSpan {
    const { bytes, start, end } = message
    const shown = this.#shownIn(message)
    const { oid, countAt, spans } = shown
    const { kept, isCertain } = this.#exclusions.places(shown)
    const isWhole = kept.every(Boolean)
    this.#shown(this.#block).set(oid, isWhole ? null : kept)
    if (isWhole) return message
    const columns = spans.filter((_, i) => kept[i])
    const head = Buffer.from(bytes.subarray(start, countAt + 2))
    head.writeUInt16BE(columns.length, head.length - 2)
    const pieces = columns.map(({ from, to }) => Buffer.from(bytes.subarray(from, to)))
    if (!isCertain) for (const piece of pieces) piece[0]! |= COLUMN_IN_DOUBT
    return whole([head, ...pieces, bytes.subarray(spans.at(-1)!.to, end)])
  }

  #cutRow(message: MessageSpan): MessageSpan {
    const { bytes, start, end } = message
    const oidAt = this.#block === NO_XID ? start + 1 : start + 5
    const kept = this.#keptOf(bytes.readUInt32BE(oidAt))
    if (kept === null) return message
    const cursor = this.#cursor.open(bytes, start, end)
    cursor.uint8()
    if (this.#block !== NO_XID) cursor.uint32()
    cursor.uint32()
    const pieces: Buffer[] = [bytes.subarray(start, cursor.at)]
    while (cursor.left > 0) {
      const tagAt = cursor.at
      const tag = cursor.uint8()
      if (!TUPLE_TAGS.has(tag)) cursor.fail('no tuple begins here', tagAt)
      const tupleAt = cursor.at
      cursor.tuple()
      pieces.push(bytes.subarray(tagAt, tupleAt), ...this.#cutTuple(bytes, tupleAt, kept))
    }
    return whole(pieces)
  }

  #cutTuple(bytes: Buffer, at: number, kept: Kept): Buffer[] {
    const tuple = this.#tuple.open(bytes, at)
    const count = Buffer.alloc(2)
    const pieces: Buffer[] = [count]
    for (let place = 0; tuple.left > 0; place++) {
      const from = tuple.at
      tuple.next()
      if (kept[place] !== false) pieces.push(bytes.subarray(from, tuple.at))
    }
    count.writeUInt16BE(pieces.length - 1)
    return pieces
  }

  /** As the transaction of the block has been shown the table, or else as all have. */
  #keptOf(oid: number): Kept | null {
    const inBlock = this.#kept.get(this.#block)?.get(oid)
    return inBlock === undefined ? (this.#kept.get(NO_XID)!.get(oid) ?? null) : inBlock
  }

  #shown(xid: number): Map<number, Kept | null> {
    let tables = this.#kept.get(xid)
    if (tables === undefined) this.#kept.set(xid, (tables = new Map()))
    return tables
  }

  #commit(xid: number): void {
    for (const [oid, kept] of this.#kept.get(xid) ?? []) this.#shown(NO_XID).set(oid, kept)
    this.#kept.delete(xid)
  }

  #abort({ bytes, start }: MessageSpan): void {
    const [xid, subxid] = [bytes.readUInt32BE(start + 1), bytes.readUInt32BE(start + 5)]
    if (xid === subxid) this.#kept.delete(xid)
  }
}

const TUPLE_TAGS: ReadonlySet<number> = new Set(Object.values(TUPLE_TAG))

function xidOf({ bytes, start }: MessageSpan): number {
  return bytes.readUInt32BE(start + 1)
}

function whole(pieces: readonly Buffer[]): MessageSpan {
  const bytes = Buffer.concat(pieces)
  return { bytes, start: 0, end: bytes.length }
}
