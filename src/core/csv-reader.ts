/**
 * Reads CSV, byte by byte and strictly.
 *
 * NULL is an unquoted empty field and the empty string is `""`, so the reader tells for each field
 * whether it stood in quotes. Lines end with LF or CRLF. What our writer or PostgreSQL's COPY cannot
 * have written fails with LAKE_DAMAGED. No strings, and no object for a field or a record.
 *
 * https://www.rfc-editor.org/rfc/rfc4180
 */

import { fail } from './errors.ts'

const COMMA = 0x2c
const QUOTE = 0x22
const LF = 0x0a
const CR = 0x0d

const INITIAL_BYTES = 64 * 1024

/** 1 for each byte that ends a field without quotes, or may not stand in one. */
const SPECIAL = new Uint8Array(256)
for (const byte of [COMMA, QUOTE, LF, CR]) SPECIAL[byte] = 1

/** Where in a record the reader stands: it can stop after any byte and go on with the next chunk. */
const AT = {
  fieldStart: 0,
  plain: 1,
  quoted: 2,
  /** After a quote within quotes: the field is over, or the quote was doubled. */
  quoteSeen: 3,
  returnSeen: 4,
} as const

/**
 * Reads records from chunks that may be cut anywhere:
 *
 *   reader.push(chunk); while (reader.next()) …; and so on; reader.finish()
 *
 * A record is `reader.bytes`, in which the fields stand one behind the other with their quotes
 * resolved.
 */
export class CsvReader {
  /** Of the current record; valid until `next` or `push`. */
  bytes: Buffer = Buffer.allocUnsafe(INITIAL_BYTES)
  readonly #columns: number
  readonly #ends: Int32Array
  readonly #isQuoted: Uint8Array
  #chunk: Uint8Array = this.bytes.subarray(0, 0)
  #from = 0
  #at = 0
  #field = 0
  #records = 0
  #isWhole = true
  #state: number = AT.fieldStart

  constructor(columns: number) {
    this.#columns = columns
    this.#ends = new Int32Array(columns)
    this.#isQuoted = new Uint8Array(columns)
  }

  start(field: number): number {
    return field === 0 ? 0 : this.#ends[field - 1]!
  }

  end(field: number): number {
    return this.#ends[field]!
  }

  isQuoted(field: number): boolean {
    return this.#isQuoted[field] === 1
  }

  isNull(field: number): boolean {
    return this.start(field) === this.end(field) && !this.isQuoted(field)
  }

  /** Hands over the next chunk, after `next` has returned false. The reader does not keep it. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk
    this.#from = 0
    const held = this.#isWhole ? 0 : this.#at
    const needed = held + chunk.length
    if (needed <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.bytes.length))
    this.bytes.copy(larger, 0, 0, held)
    this.bytes = larger
  }

  /** Reads the next record; false when the chunk has no whole one left. */
  next(): boolean {
    const { length } = this.#chunk
    if (this.#from === length) return false
    this.#isWhole &&= this.#begin()
    while (this.#from < length && !this.#isWhole) {
      if (this.#state === AT.fieldStart) this.#open()
      else if (this.#state === AT.plain) this.#plain()
      else if (this.#state === AT.quoted) this.#quoted()
      else this.#separator(this.#chunk[this.#from++]!)
    }
    return this.#isWhole
  }

  /** Must be called when there are no more chunks: a file ends with a whole record. */
  finish(): void {
    if (!this.#isWhole) this.damaged('the file ends within a record')
  }

  damaged(what: string): never {
    return fail('LAKE_DAMAGED', `record ${this.#records}: ${what}`)
  }

  #begin(): false {
    this.#at = 0
    this.#field = 0
    this.#records++
    this.#state = AT.fieldStart
    return false
  }

  #open(): void {
    if (this.#field === this.#columns) this.damaged(`more than ${this.#columns} fields`)
    const isQuoted = this.#chunk[this.#from] === QUOTE
    if (isQuoted) this.#from++
    this.#isQuoted[this.#field] = isQuoted ? 1 : 0
    this.#state = isQuoted ? AT.quoted : AT.plain
  }

  /** Copies fields without quotes, one after the other: most records are nothing else. */
  #plain(): void {
    const chunk = this.#chunk
    const { bytes } = this
    let from = this.#from
    let at = this.#at
    let byte = 0
    while (from < chunk.length) {
      byte = chunk[from++]!
      if (SPECIAL[byte] === 0) {
        bytes[at++] = byte
        continue
      }
      const isNextPlain = from < chunk.length && chunk[from] !== QUOTE
      if (byte !== COMMA || !isNextPlain || this.#field + 1 >= this.#columns) break
      this.#ends[this.#field++] = at
      this.#isQuoted[this.#field] = 0
    }
    this.#from = from
    this.#at = at
    if (byte === QUOTE) this.damaged('a quote within a field without quotes')
    if (SPECIAL[byte] === 1) this.#separator(byte)
  }

  #quoted(): void {
    const chunk = this.#chunk
    const { bytes } = this
    let from = this.#from
    let at = this.#at
    while (from < chunk.length && chunk[from] !== QUOTE) bytes[at++] = chunk[from++]!
    this.#at = at
    if (from < chunk.length) this.#state = AT.quoteSeen
    this.#from = from + 1
    if (from === chunk.length) this.#from = from
  }

  /** What stands behind a field, and the second of two quotes. */
  #separator(byte: number): void {
    if (this.#state === AT.quoteSeen && byte === QUOTE) {
      this.bytes[this.#at++] = QUOTE
      this.#state = AT.quoted
    } else if (this.#state === AT.returnSeen && byte !== LF) {
      this.damaged('a carriage return without a line feed')
    } else if (byte === CR) {
      this.#state = AT.returnSeen
    } else if (byte === COMMA || byte === LF) {
      this.#close(byte === LF)
    } else {
      this.damaged('text behind a closing quote')
    }
  }

  #close(isLast: boolean): void {
    this.#ends[this.#field++] = this.#at
    this.#state = AT.fieldStart
    if (!isLast) return
    if (this.#field < this.#columns) this.damaged(`${this.#field} fields, not ${this.#columns}`)
    this.#isWhole = true
  }
}
