/** How a loop rests: until its bell rings, or so long that a bell must have been lost. */

import type { Bell } from '../core/bell.ts'
import type { Clock } from '../core/clock.ts'

export async function rest(bell: Bell, clock: Clock, longestMs: number): Promise<void> {
  const timer = new AbortController()
  const sweep = async () => {
    await clock.sleep(longestMs, timer.signal)
    if (!timer.signal.aborted) bell.ring()
  }
  const sweeping = sweep()
  await bell.heard()
  timer.abort()
  await sweeping
}
