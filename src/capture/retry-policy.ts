/**
 * Whether capture begins again after an error, and when.
 *
 * The code of the error decides; what has no code is a bug and stops. Before the first stream has
 * begun, nothing is retried. Being fenced is fine now and then, but three times in a minute means
 * that two processes fight over one lake.
 */

import { hasCode, recoveryOf } from '../core/errors.ts'

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 30_000
const FENCED_WINDOW_MS = 60_000
const FENCED_LIMIT = 3
/** A run that lasted this long was a good one: the next failure is the first again. */
const GOOD_RUN_MS = 60_000

export class RetryPolicy {
  #hasStreamed = false
  /** When the stream began that has not failed yet. */
  #startedAt: number | null = null
  #failures = 0
  #fencedAt: number[] = []

  /** The stream has begun. */
  succeeded(nowMs: number): void {
    this.#hasStreamed = true
    this.#startedAt = nowMs
  }

  /** Milliseconds to wait before the next run; `null` if there shall be none. */
  failed(error: unknown, nowMs: number): number | null {
    if (!this.#hasStreamed && !hasCode(error, 'SLOT_IN_USE') && !hasCode(error, 'FENCED'))
      return null
    if (recoveryOf(error) !== 'retry') return null
    if (hasCode(error, 'FENCED')) {
      this.#fencedAt = [...this.#fencedAt, nowMs].filter((at) => at > nowMs - FENCED_WINDOW_MS)
      if (this.#fencedAt.length >= FENCED_LIMIT) return null
    }
    if (this.#startedAt !== null && nowMs - this.#startedAt > GOOD_RUN_MS) this.#failures = 0
    this.#startedAt = null
    this.#failures++
    return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (this.#failures - 1))
  }
}
