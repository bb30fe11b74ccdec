/**
 * PostgreSQL's arrays, `{1,NULL,"a b"}`, as their elements.
 *
 * https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
 */

import { GrowingBytes } from './growing-bytes.ts'

const [OPEN, CLOSE, COMMA, QUOTE, BACKSLASH] = [0x7b, 0x7d, 0x2c, 0x22, 0x5c]
const NULL = Buffer.from('NULL')

/** The elements of one array at a time. */
export class ArrayElements {
  /** How many there are. */
  count = 0
  /** Element `i` is `bytes[starts[i], ends[i])`; `starts[i]` is -1 if it is NULL. */
  readonly starts: number[] = []
  readonly ends: number[] = []
  readonly #text = new GrowingBytes()

  get bytes(): Buffer {
    return this.#text.bytes
  }

  /** False if the array has several dimensions, or does not count from 1: it begins with its bounds. */
  read(source: Buffer, start: number, end: number): boolean {
    this.count = 0
    this.#text.clear()
    if (source[start] !== OPEN || source[end - 1] !== CLOSE || end - start < 2) return false
    if (end - start === 2) return true
    let at = start + 1
    while (at < end) {
      const next = source[at] === QUOTE ? this.#quoted(source, at + 1, end) : this.#bare(source, at)
      if (next < 0) return false
      const byte = source[next]
      if (byte === CLOSE) return next === end - 1
      if (byte !== COMMA) return false
      at = next + 1
    }
    return false
  }

  /** Returns the place behind the element; -1 if this is none. */
  #bare(source: Buffer, start: number): number {
    let at = start
    for (; source[at] !== COMMA && source[at] !== CLOSE; at++) {
      if (at >= source.length || source[at] === OPEN || source[at] === QUOTE) return -1
    }
    if (at === start) return -1
    if (source.compare(NULL, 0, 4, start, at) === 0) this.#add(-1)
    else {
      const from = this.#text.length
      this.#text.raw(source, start, at)
      this.#add(from)
    }
    return at
  }

  #quoted(source: Buffer, start: number, end: number): number {
    const from = this.#text.length
    for (let at = start; at < end; at++) {
      const byte = source[at]!
      if (byte === QUOTE) {
        this.#add(from)
        return at + 1
      }
      this.#text.byte(byte === BACKSLASH ? source[++at]! : byte)
    }
    return -1
  }

  #add(start: number): void {
    this.starts[this.count] = start
    this.ends[this.count++] = this.#text.length
  }
}
