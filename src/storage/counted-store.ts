/**
 * Counts what is asked of an object store, as a bucket would charge it.
 *
 * Requests that the store makes by itself are not seen: the parts of an object of more than 64 MiB,
 * and what is sent again after a failure. So the counts are nearly those of the bill.
 */

import type { Body, ObjectStore, PutOptions } from '../core/object-store.ts'
import type { RequestCounts } from '../core/request-counts.ts'

const KEYS_OF_A_PAGE = 1000

export class CountedStore implements ObjectStore {
  readonly url: string
  readonly parallel?: number
  readonly tidy?: (folder: string) => Promise<void>
  readonly #store: ObjectStore
  readonly #counts = { puts: 0, gets: 0, lists: 0, deletes: 0 }

  constructor(store: ObjectStore) {
    this.#store = store
    this.url = store.url
    if (store.parallel !== undefined) this.parallel = store.parallel
    if (store.tidy) this.tidy = (folder) => store.tidy!(folder)
  }

  /** Since this was made. */
  get counts(): RequestCounts {
    return { ...this.#counts }
  }

  put(key: string, body: Body, options?: PutOptions): Promise<void> {
    this.#counts.puts++
    return this.#store.put(key, body, options)
  }

  get(key: string): Promise<Buffer | null> {
    this.#counts.gets++
    return this.#store.get(key)
  }

  async *read(key: string): AsyncGenerator<Buffer> {
    this.#counts.gets++
    yield* this.#store.read(key)
  }

  async *list(prefix: string, after?: string): AsyncGenerator<string> {
    this.#counts.lists++
    let keys = 0
    for await (const key of this.#store.list(prefix, after)) {
      if (keys > 0 && keys % KEYS_OF_A_PAGE === 0) this.#counts.lists++
      keys++
      yield key
    }
  }

  delete(key: string): Promise<void> {
    this.#counts.deletes++
    return this.#store.delete(key)
  }

  localPath(key: string): string | null {
    return this.#store.localPath(key)
  }
}
