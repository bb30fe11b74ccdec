/**
 * The `order` clock: one number that orders all rows of a lake.
 *
 * It counts microseconds since 1970 and follows the commit times of the source, but never goes back
 * and never gives a tick twice, over epochs too. A commit time far ahead of our own clock would push
 * it there for good, so it is taken for at most a minute from now.
 */

const AHEAD_US = 60_000_000

/** Microseconds from 1970-01-01 to 2000-01-01, where PostgreSQL's timestamps begin. */
const POSTGRES_EPOCH_US = 946_684_800_000_000

export class OrderClock {
  #next: number
  readonly #nowUs: number
  #clamped = 0
  #farthestUs = 0

  constructor(next: number, nowMs: number) {
    this.#next = next
    this.#nowUs = Math.trunc(nowMs * 1000)
  }

  /** Files whose commit time lay more than a minute ahead. */
  get clamped(): number {
    return this.#clamped
  }

  /** How far ahead of our own clock the farthest of them lay. */
  get aheadMs(): number {
    return Math.round(this.#farthestUs / 1000)
  }

  /** Ticks for the rows of a file: returns the first of `rows`. `committedAt` is since 2000. */
  file(rows: number, committedAt: bigint): number {
    const at = Number(committedAt) + POSTGRES_EPOCH_US
    if (at > this.#nowUs + AHEAD_US) {
      this.#clamped++
      this.#farthestUs = Math.max(this.#farthestUs, at - this.#nowUs)
    }
    const first = Math.max(this.#next, Math.min(at, this.#nowUs + AHEAD_US))
    this.#next = first + rows
    return first
  }

  /** The tick of a barrier. */
  barrier(): number {
    return this.#next++
  }

  /** The tick given last: that of a truncate's row is also that of its barrier. */
  get last(): number {
    return this.#next - 1
  }

  /** What the manifest stores as `clock`, after the one tick that stays unused for loads. */
  close(): number {
    return this.#next + 1
  }
}
