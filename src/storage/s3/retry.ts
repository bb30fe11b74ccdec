/**
 * Tries a request again, later each time, by a random part of what is allowed ("full jitter").
 *
 * When S3 asks to slow down, it means everybody: one such answer makes all requests of the store wait.
 * What cannot get better by waiting is thrown at once; what does not get better, in the end.
 */

import type { Clock } from '../../core/clock.ts'
import { failureOf, type Failure } from './failures.ts'

export interface RetryParts {
  readonly clock: Clock
  /** From 0 up to, but not, 1. */
  readonly random: () => number
}

const ATTEMPTS = 8
const FIRST_MS = 100
/** A prefix of a bucket takes minutes to split, so we begin slower then. */
const FIRST_WHEN_THROTTLED_MS = 500
const LONGEST_MS = 20_000

export class Retries {
  readonly #parts: RetryParts
  #quietUntil = 0

  constructor(parts: RetryParts) {
    this.#parts = parts
  }

  /** `request` may run several times, even after one that did its work but whose answer got lost. */
  async run<T>(request: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      await this.#waitUntilQuiet()
      try {
        return await request()
      } catch (error) {
        const failure = failureOf(error)
        if (failure.kind === 'final' || attempt === ATTEMPTS) throw error
        await this.#backOff(attempt, failure)
      }
    }
  }

  async #backOff(attempt: number, { kind, retryAfterMs }: Failure): Promise<void> {
    const { clock, random } = this.#parts
    const first = kind === 'throttled' ? FIRST_WHEN_THROTTLED_MS : FIRST_MS
    const upTo = Math.min(first * 2 ** (attempt - 1), LONGEST_MS)
    const asked = Math.min(retryAfterMs ?? 0, LONGEST_MS)
    const delay = asked + random() * upTo
    if (kind === 'throttled') this.#quietUntil = Math.max(this.#quietUntil, clock.now() + delay)
    else await clock.sleep(delay)
  }

  /** Those who waited do not all begin at the same moment. */
  async #waitUntilQuiet(): Promise<void> {
    const { clock, random } = this.#parts
    const left = this.#quietUntil - clock.now()
    if (left > 0) await clock.sleep(left + random() * FIRST_MS)
  }
}
