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
