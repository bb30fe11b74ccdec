/**
 * The memory of a fold: one entry for each key, found by the bytes of the key.
 *
 * An entry holds no bytes of its own. It refers to a tuple in the blocks of the change logs, so a
 * batch costs a few numbers for each key, and no object or string. A reference, called a place, is
 * one number: which block, and where in it. Only where values of several tuples come together, the
 * entry has a line of pieces: for each column the place of its value.
 */

import { fail } from './errors.ts'
import { KIND, TupleCursor, type TupleFields } from './tuple.ts'

/** Larger than any block: a message of the server has at most 1 GiB. */
const SPAN = 2 ** 31
export const NOWHERE = -1

export class FoldStore {
  /** Of each entry: its tuple. */
  tuples = new Float64Array(INITIAL)
  /** The tuple that names the row which has the unchanged values; `NOWHERE` if there are none. */
  sources = new Float64Array(INITIAL)
  /** Its line of pieces; `NOWHERE` if its tuple says it all. */
  lines = new Int32Array(INITIAL)
  isDeleted = new Uint8Array(INITIAL)
  /** How many entries there are. */
  size = 0
  readonly columns: number
  readonly #key: readonly number[]
  readonly #blocks: Buffer[] = []
  #hashes = new Int32Array(INITIAL)
  /** The hash table: entry + 1, or 0. It is at most half full. */
  #slots = new Int32Array(2 * INITIAL)
  #pieces = new Float64Array(0)
  #lineCount = 0
  readonly #cursor = new TupleCursor()

  constructor(columns: number, key: readonly number[]) {
    this.columns = columns
    this.#key = key.toSorted((a, b) => a - b)
  }

  /** Places of the block begin at what is returned. */
  addBlock(block: Buffer): number {
    return (this.#blocks.push(block) - 1) * SPAN
  }

  blockOf(place: number): Buffer {
    return this.#blocks[Math.floor(place / SPAN)]!
  }

  offsetOf(place: number): number {
    return place % SPAN
  }

  byteAt(place: number): number {
    return this.blockOf(place)[this.offsetOf(place)]!
  }

  /** The entry of the key that is in `fields`, a new one if it is equal to `size` as it was. */
  entryOf(fields: TupleFields, bytes: Buffer): number {
    if (2 * (this.size + 1) > this.#slots.length) this.#grow()
    const hash = this.#hash(fields, bytes)
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (let entry = this.#slots[slot]! - 1; entry >= 0; entry = this.#slots[slot]! - 1) {
      if (this.#hashes[entry] === hash && this.#hasKey(entry, fields, bytes)) return entry
      slot = (slot + 1) & mask
    }
    const entry = this.size++
    this.#slots[slot] = entry + 1
    this.#hashes[entry] = hash
    return entry
  }

  newLine(): number {
    const needed = (this.#lineCount + 1) * this.columns
    if (needed > this.#pieces.length) {
      const larger = new Float64Array(2 * needed)
      larger.set(this.#pieces)
      this.#pieces = larger
    }
    return this.#lineCount++
  }

  piece(line: number, column: number): number {
    return this.#pieces[line * this.columns + column]!
  }

  setPiece(line: number, column: number, place: number): void {
    this.#pieces[line * this.columns + column] = place
  }

  /** Forgets all entries and blocks. */
  clear(): void {
    this.#blocks.length = 0
    this.#slots.fill(0)
    this.size = 0
    this.#lineCount = 0
  }

  #hash({ kinds, starts, ends }: TupleFields, bytes: Buffer): number {
    let hash = 0x811c_9dc5
    for (const column of this.#key) {
      if (kinds[column] !== KIND.text) fail('PROTOCOL_VIOLATION', 'a row without its key')
      const end = ends[column]!
      for (let i = starts[column]!; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x0100_0193)
      hash = Math.imul(hash ^ (end - starts[column]!), 0x0100_0193)
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
    return hash ^ (hash >>> 13)
  }

  #hasKey(entry: number, { starts, ends }: TupleFields, bytes: Buffer): boolean {
    const place = this.tuples[entry]!
    const block = this.blockOf(place)
    const cursor = this.#cursor.open(block, this.offsetOf(place))
    let column = -1
    for (const wanted of this.#key) {
      for (; column < wanted; column++) cursor.next()
      const start = starts[wanted]!
      const length = ends[wanted]! - start
      if (cursor.end - cursor.start !== length) return false
      for (let i = 0; i < length; i++) {
        if (block[cursor.start + i] !== bytes[start + i]) return false
      }
    }
    return true
  }

  #grow(): void {
    const size = this.#slots.length
    this.tuples = enlarge(this.tuples, new Float64Array(size))
    this.sources = enlarge(this.sources, new Float64Array(size))
    this.lines = enlarge(this.lines, new Int32Array(size))
    this.isDeleted = enlarge(this.isDeleted, new Uint8Array(size))
    this.#hashes = enlarge(this.#hashes, new Int32Array(size))
    this.#slots = new Int32Array(2 * size)
    const mask = 2 * size - 1
    for (let entry = 0; entry < this.size; entry++) {
      let slot = this.#hashes[entry]! & mask
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
      this.#slots[slot] = entry + 1
    }
  }
}

const INITIAL = 64

function enlarge<T extends Float64Array | Int32Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old)
  return larger
}
