/** The machine's own time, for everything that is not a test. */

import { setTimeout as wait } from 'node:timers/promises'

import type { Clock } from './core/clock.ts'

export const systemClock: Clock = {
  now: () => Date.now(),

  async sleep(ms, signal) {
    // A timer of Node holds at most 2^31 - 1 ms, and an aborted one rejects.
    await wait(Math.min(ms, 2 ** 31 - 1), undefined, signal ? { signal } : {}).catch(() => {})
  },
}
