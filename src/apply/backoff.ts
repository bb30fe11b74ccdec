/** How long to wait before the next attempt: twice as long after each failure, half a minute at most. */

const FIRST_MS = 500
const LONGEST_MS = 30_000

export function backoffMs(failures: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 16))
}
