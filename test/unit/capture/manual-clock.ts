/** Time that stands still until the test moves it. */

import type { Clock } from '../../../src/core/clock.ts'

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

export class ManualClock implements Clock {
  #now: number
  readonly #sleepers = new Set<Sleeper>()

  constructor(now = 0) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  get sleepers(): number {
    return this.#sleepers.size
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise<void>((resolve) => {
      if (signal?.aborted) return resolve()
      const wake = (): void => {
        this.#sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper = { at: this.#now + ms, wake }
      this.#sleepers.add(sleeper)
      return signal?.addEventListener('abort', wake, { once: true })
    })
  }

  /** Moves the time when nothing else can run, and lets everything run that this wakes. */
  async pass(ms: number): Promise<void> {
    await settled()
    this.#now += ms
    for (const { at, wake } of this.#sleepers) if (at <= this.#now) wake()
    await settled()
  }
}

/** After all that can run without outside help has run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}
