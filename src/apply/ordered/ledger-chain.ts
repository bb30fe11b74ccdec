/**
 * A ledger with compare-and-set, in a store that can only create.
 *
 *   _millrace/ledgers/<lake>/<consumer>/00000000000000000042.json     the highest number counts
 *
 * Each change is a new object with the next number, created only if it is absent; older ones are
 * removed. So a folder and a bucket do the same, and a reader never sees half of it. A worker that
 * slept may create a number that was removed long ago: after creating it looks whether there is a
 * higher one, which the true head always is, and then it has lost.
 */

import { hasCode } from '../../core/errors.ts'
import type { ObjectStore } from '../../core/object-store.ts'
import { escapeName } from '../../core/table.ts'
import { decodePlace, encodePlace } from './place-json.ts'
import type { OrderedPlace } from './place.ts'

export interface Version {
  readonly v: number
  readonly place: OrderedPlace
}

/** The compare and set that an ordered consumer needs; `v` is 0 for one that is new. */
export interface OrderedLedger {
  read(): Promise<Version | null>
  /** The version after `v`; `null`, with nothing changed, if the ledger is not at `v`. */
  replace(v: number, place: OrderedPlace): Promise<Version | null>
}

const NAME = /(\d{20})\.json$/
/** Kept for people who want to know how it came about. */
const KEPT = 2

export class LedgerChain implements OrderedLedger {
  readonly #store: ObjectStore
  readonly #folder: string

  constructor(store: ObjectStore, { lakeId, consumer }: { lakeId: string; consumer: string }) {
    this.#store = store
    this.#folder = `_millrace/ledgers/${escapeName(lakeId)}/${escapeName(consumer)}/`
  }

  async read(): Promise<Version | null> {
    for (;;) {
      const v = Math.max(0, ...(await this.#numbers(0)))
      if (v === 0) return null
      const bytes = await this.#store.get(this.#key(v))
      if (bytes !== null) return { v, place: decodePlace(bytes, this.#key(v)) }
    }
  }

  async replace(v: number, place: OrderedPlace): Promise<Version | null> {
    const next = { v: v + 1, place }
    if (!(await this.#create(next))) return null
    if ((await this.#numbers(next.v)).length > 0) return null
    await this.#tidy(next.v - KEPT)
    return next
  }

  async #create({ v, place }: Version): Promise<boolean> {
    const bytes = encodePlace(place)
    try {
      await this.#store.put(this.#key(v), bytes, { ifAbsent: true })
      return true
    } catch (error) {
      if (!hasCode(error, 'OBJECT_EXISTS')) throw error
      // Our own answer may have got lost; and who wrote the same does the same.
      return (await this.#store.get(this.#key(v)))?.equals(bytes) ?? false
    }
  }

  async #numbers(after: number): Promise<number[]> {
    const numbers: number[] = []
    for await (const key of this.#store.list(this.#folder, after === 0 ? '' : this.#key(after))) {
      const [, digits] = NAME.exec(key) ?? []
      if (digits !== undefined) numbers.push(Number(digits))
    }
    return numbers
  }

  /** The head is never removed, so what is left behind by a kill does no harm. */
  async #tidy(upTo: number): Promise<void> {
    for await (const key of this.#store.list(this.#folder)) {
      if (Number(NAME.exec(key)?.[1] ?? Infinity) > upTo) return
      await this.#store.delete(key)
    }
  }

  #key(v: number): string {
    return `${this.#folder}${String(v).padStart(20, '0')}.json`
  }
}
