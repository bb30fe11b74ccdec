/**
 * Rows as bytes.
 *
 * A tuple is what pgoutput calls TupleData, kept as it came: a count of columns (2 bytes), then for
 * each column its kind, and for a value its length (4 bytes) and bytes. All numbers are big-endian.
 * Nothing between the socket and the file turns it into objects or strings.
 *
 *   00 03 │ 74 00 00 00 02 34 32 │ 6e │ 75
 *    3    │ 't'    2       "42"  │ 'n'│ 'u'
 *
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html (TupleData)
 */

import { fail } from './errors.ts'

export const KIND = {
  /** The value is NULL. */
  null: 0x6e,
  /** TOASTed, equal to the value before the update, and not sent again. */
  unchanged: 0x75,
  /** Text, in the server's own notation for the type. */
  text: 0x74,
} as const

/** One column of a tuple; `start` and `end` bound its bytes and are equal unless it is text. */
export interface Field {
  kind: number
  start: number
  end: number
}

/** Walks a tuple column by column without allocating: one cursor serves for millions of rows. */
export class TupleCursor implements Field {
  #bytes: Buffer = EMPTY
  #at = 0
  /** Columns of the tuple that were not read yet. */
  left = 0
  kind = 0
  start = 0
  end = 0

  /** Goes to the beginning of the tuple at `at`. */
  open(bytes: Buffer, at: number): this {
    this.#bytes = bytes
    this.left = bytes.readUInt16BE(at)
    this.#at = at + 2
    return this
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  /** Where the next column begins, or the tuple ends. */
  get at(): number {
    return this.#at
  }

  /** Reads the next column; false at the end. */
  next(): boolean {
    if (this.left === 0) return false
    this.left--
    const bytes = this.#bytes
    const kind = bytes[this.#at]!
    this.kind = kind
    if (kind === KIND.text) {
      this.start = this.#at + 5
      this.end = this.start + bytes.readUInt32BE(this.#at + 1)
      this.#at = this.end
    } else {
      this.#at++
      this.start = this.#at
      this.end = this.#at
    }
    return true
  }
}

const EMPTY = Buffer.alloc(0)

/** All columns of one tuple at a time, found in one pass, for whoever does not go from left to right. */
export class TupleFields {
  readonly kinds: Uint8Array
  /** The bytes of column `i` are those from `starts[i]` to `ends[i]`; none unless it is text. */
  readonly starts: Int32Array
  readonly ends: Int32Array
  /** How many columns are unchanged. */
  unchanged = 0

  constructor(columns: number) {
    this.kinds = new Uint8Array(columns)
    this.starts = new Int32Array(columns)
    this.ends = new Int32Array(columns)
  }

  /** Reads the tuple at `start`, which must have the right number of columns; returns its end. */
  read(bytes: Buffer, start: number): number {
    const { kinds, starts, ends } = this
    const columns = kinds.length
    const count = (bytes[start]! << 8) | bytes[start + 1]!
    if (count !== columns) fail('PROTOCOL_VIOLATION', `a row of ${count} columns, not ${columns}`)
    let at = start + 2
    let unchanged = 0
    for (let i = 0; i < columns; i++) {
      const kind = bytes[at++]!
      kinds[i] = kind
      if (kind === KIND.text) at += 4
      else if (kind === KIND.unchanged) unchanged++
      else if (kind !== KIND.null) fail('PROTOCOL_VIOLATION', `unknown kind of column: ${kind}`)
      starts[i] = at
      if (kind === KIND.text) at += lengthBefore(bytes, at)
      ends[i] = at
    }
    if (at > bytes.length) fail('PROTOCOL_VIOLATION', 'a row ends before its last column')
    this.unchanged = unchanged
    return at
  }
}

/** The four bytes before `at`. By hand, since this is done for every value that passes. */
function lengthBefore(bytes: Buffer, at: number): number {
  const length =
    (bytes[at - 4]! << 24) | (bytes[at - 3]! << 16) | (bytes[at - 2]! << 8) | bytes[at - 1]!
  return length >= 0 ? length : fail('PROTOCOL_VIOLATION', 'a value of negative length')
}
