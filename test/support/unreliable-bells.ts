/**
 * The way of doorbells to a consumer, as bad as it may be: some get lost, come twice, late, or in
 * another order. What happens follows from the seed, and time is what the test says it is.
 *
 *   const bells = new UnreliableBells({ seed: 7, loss: 0.1, duplicates: 0.2 }, (event) => …)
 *   bells.send(event)
 *   bells.pass(1000)
 */

import { seededRandom, type Random } from '../../src/demo/random.ts'

/** Shares of the events, from 0 to 1; nothing happens to those that are not named. */
export interface Unreliability {
  readonly seed: number
  readonly loss?: number
  readonly duplicates?: number
  /** Each of these comes behind up to three that were sent later and are due at the same time. */
  readonly reordering?: number
  /** The longest; each takes a part of it. */
  readonly delayMs?: number
}

interface UnderWay<T> {
  readonly event: T
  readonly at: number
  readonly order: number
}

export class UnreliableBells<T> {
  readonly #knobs: Unreliability
  readonly #random: Random
  readonly #deliver: (event: T) => void
  #now = 0
  #sent = 0
  #underWay: UnderWay<T>[] = []

  constructor(knobs: Unreliability, deliver: (event: T) => void) {
    this.#knobs = knobs
    this.#random = seededRandom(knobs.seed)
    this.#deliver = deliver
  }

  /** It arrives when time passes. */
  send(event: T): void {
    const { loss = 0, duplicates = 0, reordering = 0, delayMs = 0 } = this.#knobs
    if (this.#happens(loss)) return
    const copies = this.#happens(duplicates) ? 2 : 1
    for (let i = 0; i < copies; i++) {
      const delay = delayMs === 0 ? 0 : this.#random.upTo(delayMs)
      // What is sent next has the next place, so this one goes behind it.
      const places = this.#happens(reordering) ? 1 + this.#random.upTo(3) : 0
      this.#underWay.push({ event, at: this.#now + delay, order: this.#sent + places + i / 2 })
    }
    this.#sent++
  }

  /** Delivers what is due. */
  pass(ms: number): void {
    this.#now += ms
    const isDue = ({ at }: UnderWay<T>): boolean => at <= this.#now
    const due = this.#underWay.filter(isDue).toSorted((a, b) => a.at - b.at || a.order - b.order)
    this.#underWay = this.#underWay.filter((one) => !isDue(one))
    for (const { event } of due) this.#deliver(event)
  }

  #happens(share: number): boolean {
    return this.#random.upTo(1_000_000) <= share * 1_000_000
  }
}
