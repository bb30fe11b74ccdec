/**
 * Writes CSV as RFC 4180 has it, on bytes.
 *
 * NULL is an unquoted empty field and the empty string is `""`, as in PostgreSQL's own COPY; lines
 * end with LF. This is the hot path of the lake: no strings, and no object for a field or a row.
 * `csv-reader.ts` reads it again.
 *
 * https://www.rfc-editor.org/rfc/rfc4180
 * https://www.postgresql.org/docs/current/sql-copy.html (CSV Format)
 */

const COMMA = 0x2c
const QUOTE = 0x22
const LF = 0x0a
const CR = 0x0d

/** Chunks grow from the first size to the second: most files of most tables are small. */
const FIRST_CHUNK_BYTES = 16 * 1024
const CHUNK_BYTES = 256 * 1024
/** A longer value is written in pieces of this size, so that no chunk has to be larger than others. */
const PIECE_BYTES = 32 * 1024
/** Up to about here a loop in the language beats the call of a native copy. */
const SHORT_BYTES = 64

/** 1 for each byte that makes quotes necessary. */
const SPECIAL = new Uint8Array(256)
for (const byte of [COMMA, QUOTE, LF, CR]) SPECIAL[byte] = 1

/** Fills chunks of up to 256 KiB. Full ones wait in order until they are taken. */
export class CsvWriter {
  #chunk = Buffer.allocUnsafeSlow(FIRST_CHUNK_BYTES)
  #at = 0
  readonly #full: Buffer[] = []

  /** Writes `source[start, end)` as one field; `isBare` promises that it needs no quotes. */
  field(source: Uint8Array, start: number, end: number, isBare = false): void {
    const length = end - start
    if (length > SHORT_BYTES) return this.#long(source, start, end, isBare)
    const chunk = this.#room(2 * length + 2)
    let at = this.#at
    let i = start
    if (isBare && length > 0) {
      while (i < end) chunk[at++] = source[i++]!
      this.#at = at
      return
    }
    for (; i < end; i++) {
      const byte = source[i]!
      if (SPECIAL[byte] === 1) break
      chunk[at++] = byte
    }
    if (i === end && length > 0) this.#at = at
    else this.#quote(source, start, end)
  }

  emptyText(): void {
    const chunk = this.#room(2)
    chunk[this.#at++] = QUOTE
    chunk[this.#at++] = QUOTE
  }

  comma(): void {
    this.#room(1)[this.#at++] = COMMA
  }

  rowEnd(): void {
    this.#room(1)[this.#at++] = LF
  }

  /** Bytes that are CSV already. */
  raw(bytes: Uint8Array): void {
    const { length } = bytes
    if (length > SHORT_BYTES) return this.#copy(bytes, 0, length)
    const chunk = this.#room(length)
    let at = this.#at
    for (let i = 0; i < length; i++) chunk[at++] = bytes[i]!
    this.#at = at
  }

  /** A whole number from 0 up to 2^53, in decimal. */
  integer(value: number): void {
    const chunk = this.#room(16)
    const start = this.#at
    let at = start + digitsOf(value)
    this.#at = at
    let rest = value
    while (rest > 0x7fff_ffff) {
      const tenth = Math.floor(rest / 10)
      chunk[--at] = 0x30 + (rest - tenth * 10)
      rest = tenth
    }
    for (let small = rest | 0; at > start;) {
      const tenth = (small / 10) | 0
      chunk[--at] = 0x30 + (small - tenth * 10)
      small = tenth
    }
  }

  /** The chunks that are full, in order, each once. They are the caller's. */
  *takeFull(): Generator<Buffer> {
    for (const chunk of this.#full) yield chunk
    this.#full.length = 0
  }

  /** All that is left. */
  *takeAll(): Generator<Buffer> {
    if (this.#at > 0) this.#next(0)
    yield* this.takeFull()
  }

  #room(bytes: number): Buffer {
    if (this.#at + bytes > this.#chunk.length) this.#next(bytes)
    return this.#chunk
  }

  #next(bytes: number): void {
    this.#full.push(this.#chunk.subarray(0, this.#at))
    const size = Math.min(4 * this.#chunk.length, CHUNK_BYTES)
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(size, bytes))
    this.#at = 0
  }

  #long(source: Uint8Array, start: number, end: number, isBare: boolean): void {
    if (isBare || !needsQuotes(source, start, end)) return this.#copy(source, start, end)
    this.#quote(source, start, end)
  }

  #copy(source: Uint8Array, start: number, end: number): void {
    for (let from = start; from < end; from += PIECE_BYTES) {
      const to = Math.min(end, from + PIECE_BYTES)
      const chunk = this.#room(to - from)
      chunk.set(source.subarray(from, to), this.#at)
      this.#at += to - from
    }
  }

  #quote(source: Uint8Array, start: number, end: number): void {
    this.#room(1)[this.#at++] = QUOTE
    for (let from = start; from < end; from += PIECE_BYTES) {
      const to = Math.min(end, from + PIECE_BYTES)
      const chunk = this.#room(2 * (to - from))
      let at = this.#at
      for (let i = from; i < to; i++) {
        const byte = source[i]!
        chunk[at++] = byte
        if (byte === QUOTE) chunk[at++] = QUOTE
      }
      this.#at = at
    }
    this.#room(1)[this.#at++] = QUOTE
  }
}

function needsQuotes(source: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (SPECIAL[source[i]!] === 1) return true
  return false
}

function digitsOf(value: number): number {
  let digits = 1
  for (let limit = 10; value >= limit; limit *= 10) digits++
  return digits
}
