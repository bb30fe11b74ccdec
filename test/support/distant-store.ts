/**
 * A store that is far away, without the wait: it tells how long its user would have waited.
 *
 * Every request takes the same time on a clock of its own. One that is made before another has been
 * answered goes beside it, so what is counted is the longest chain of requests that wait for one
 * another. No test has to sleep for it, and none is slower on a busy machine.
 */

import type { Body, ObjectStore, PutOptions } from '../../src/core/object-store.ts'

export class DistantStore implements ObjectStore {
  readonly url: string
  readonly parallel?: number
  readonly #store: ObjectStore
  #requests = 0
  /** How many answers stand one behind the other. */
  #trips = 0
  #underWay = 0
  #mostUnderWay = 0

  constructor(store: ObjectStore, { parallel }: { parallel?: number } = {}) {
    this.#store = store
    this.url = store.url
    if (parallel !== undefined) this.parallel = parallel
  }

  /** Since the last time this was asked. */
  take(): { requests: number; trips: number; mostUnderWay: number } {
    const seen = {
      requests: this.#requests,
      trips: this.#trips,
      mostUnderWay: this.#mostUnderWay,
    }
    this.#requests = 0
    this.#trips = 0
    this.#mostUnderWay = this.#underWay
    return seen
  }

  put(key: string, body: Body, options?: PutOptions): Promise<void> {
    return this.#trip(() => this.#store.put(key, body, options))
  }

  get(key: string): Promise<Buffer | null> {
    return this.#trip(() => this.#store.get(key))
  }

  async *read(key: string): AsyncGenerator<Buffer> {
    const pieces = await this.#trip(async () => {
      const all: Buffer[] = []
      for await (const piece of this.#store.read(key)) all.push(piece)
      return all
    })
    yield* pieces
  }

  /** One page. */
  async *list(prefix: string, after?: string): AsyncGenerator<string> {
    const keys = await this.#trip(async () => {
      const page: string[] = []
      for await (const key of this.#store.list(prefix, after)) if (page.push(key) === 1000) break
      return page
    })
    yield* keys
    if (keys.length === 1000) yield* this.list(prefix, keys.at(-1))
  }

  delete(key: string): Promise<void> {
    return this.#trip(() => this.#store.delete(key))
  }

  localPath(): null {
    return null
  }

  async #trip<T>(request: () => Promise<T>): Promise<T> {
    const began = this.#trips
    this.#requests++
    this.#mostUnderWay = Math.max(this.#mostUnderWay, ++this.#underWay)
    try {
      const answer = await request()
      // Those that were asked at the same time answer at the same time, so all of them go first.
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
      return answer
    } finally {
      this.#underWay--
      this.#trips = Math.max(this.#trips, began + 1)
    }
  }
}
