/**
 * How long changes are gathered before they are applied together, where every batch costs money or a
 * place in a queue, however little is in it.
 *
 * The first batch after a rest does not wait. A batch that was full does not let the next one wait
 * either: who is behind goes on at once.
 */

import type { Clock } from '../core/clock.ts'

export class Pace {
  readonly #clock: Clock
  readonly #gatherMs: number
  readonly #hurry = new AbortController()
  /** Before it, no batch begins. */
  #nextMs = 0

  constructor(clock: Clock, gatherMs: number) {
    this.#clock = clock
    this.#gatherMs = gatherMs
  }

  /** A batch was applied that began at `beganMs`. */
  note(beganMs: number, { isFull }: { readonly isFull: boolean }): void {
    this.#nextMs = isFull ? 0 : beganMs + this.#gatherMs
  }

  /** From now on nothing waits. */
  hurry(): void {
    this.#hurry.abort()
  }

  async wait(signal: AbortSignal): Promise<void> {
    const leftMs = this.#nextMs - this.#clock.now()
    if (leftMs <= 0 || this.#hurry.signal.aborted) return
    await this.#clock.sleep(leftMs, AbortSignal.any([signal, this.#hurry.signal]))
  }
}
