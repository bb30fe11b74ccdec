/**
 * Walks what a fold comes to, key by key, in the order in which the keys first appeared.
 *
 * One object serves for all rows. Where values of several tuples came together, the row is put
 * together here, in memory that the next row uses again; all others are where the log has them.
 */

import { NOWHERE, type FoldStore } from './fold-store.ts'
import type { FoldedRow } from './fold.ts'
import { KIND, TupleCursor } from './tuple.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }
type Span = Writable<NonNullable<FoldedRow['source']>>

/** What stands for the rows: the entries of the store, or what they once were. */
interface Entries {
  readonly size: number
  readonly tuples: Float64Array
  readonly sources: Float64Array
  readonly lines: Int32Array
  /** None is, if left out. */
  readonly isDeleted?: Uint8Array
}

export function* walk(store: FoldStore, entries: Entries = store): Generator<FoldedRow> {
  const source: Span = { bytes: EMPTY, start: 0, end: 0 }
  const row: Writable<FoldedRow> = { op: 'upsert', bytes: EMPTY, start: 0, end: 0, source: null }
  const assembler = new Assembler(store)
  for (let entry = 0; entry < entries.size; entry++) {
    const line = entries.lines[entry]!
    row.op = entries.isDeleted?.[entry] === 1 ? 'delete' : 'upsert'
    if (line === NOWHERE) locate(row, store, entries.tuples[entry]!)
    else assembler.assemble(row, line)
    row.source = null
    if (entries.sources[entry] !== NOWHERE) {
      locate(source, store, entries.sources[entry]!)
      row.source = source
    }
    yield row
  }
}

const EMPTY = Buffer.alloc(0)
const cursor = new TupleCursor()

function locate(span: Span, store: FoldStore, place: number): void {
  span.bytes = store.blockOf(place)
  span.start = store.offsetOf(place)
  cursor.open(span.bytes, span.start)
  while (cursor.next());
  span.end = cursor.at
}

class Assembler {
  readonly #store: FoldStore
  #bytes = Buffer.allocUnsafe(4096)

  constructor(store: FoldStore) {
    this.#store = store
  }

  assemble(row: Span, line: number): void {
    const { columns } = this.#store
    let at = 2
    for (let i = 0; i < columns; i++) at = this.#append(this.#store.piece(line, i), at)
    this.#bytes.writeUInt16BE(columns, 0)
    row.bytes = this.#bytes
    row.start = 0
    row.end = at
  }

  /** Copies the column at `place`: its kind and, of a text, its length and bytes. */
  #append(place: number, at: number): number {
    const block = this.#store.blockOf(place)
    const offset = this.#store.offsetOf(place)
    const length = block[offset] === KIND.text ? 5 + block.readUInt32BE(offset + 1) : 1
    if (at + length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * (at + length))
      this.#bytes.copy(larger, 0, 0, at)
      this.#bytes = larger
    }
    block.copy(this.#bytes, at, offset, offset + length)
    return at + length
  }
}
