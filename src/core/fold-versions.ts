/** All versions that a fold went through, for a target that keeps every one: an entry for each change. */

import { walk } from './fold-rows.ts'
import { NOWHERE, type FoldStore } from './fold-store.ts'
import type { FoldedRows } from './fold.ts'

const INITIAL = 256

export class FoldVersions {
  /** As in `FoldStore`, of what each entry was. */
  tuples = new Float64Array(INITIAL)
  sources = new Float64Array(INITIAL)
  lines = new Int32Array(INITIAL)
  size = 0
  #fills = 0

  /** The entry of the fold as it is now. */
  add({ tuples, sources, lines }: FoldStore, entry: number): void {
    this.addTuple(tuples[entry]!, sources[entry], lines[entry])
  }

  addTuple(tuple: number, source = NOWHERE, line = NOWHERE): void {
    if (this.size === this.tuples.length) this.#grow()
    const version = this.size++
    this.tuples[version] = tuple
    this.sources[version] = source
    this.lines[version] = line
    if (source !== NOWHERE) this.#fills++
  }

  clear(): void {
    this.size = 0
    this.#fills = 0
  }

  rows(store: FoldStore): FoldedRows {
    return {
      upserts: this.size,
      deletes: 0,
      fills: this.#fills,
      [Symbol.iterator]: () => walk(store, this),
    }
  }

  #grow(): void {
    const length = 2 * this.tuples.length
    this.tuples = grown(new Float64Array(length), this.tuples)
    this.sources = grown(new Float64Array(length), this.sources)
    this.lines = grown(new Int32Array(length), this.lines)
  }
}

function grown<T extends Float64Array | Int32Array>(larger: T, old: T): T {
  larger.set(old)
  return larger
}
