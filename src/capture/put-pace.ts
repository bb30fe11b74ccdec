/**
 * Keeps the PUTs of flushes under a rate, by making the time between two flushes longer.
 *
 *   flush of 200 tables ──201 PUTs at 10 a second──► the next one begins 20.1 s after it began
 *
 * A flush is paid for by the time that follows it, since what the next one will hold is not known
 * before. Batches that cannot wait, since they are full or somebody is held up by them, are written
 * all the same; the time that is owed for earlier ones stays owed, but is never added up, or a busy
 * hour would be followed by a silent one.
 */

import type { Manifest } from '../core/manifest.ts'

export class PutPace {
  readonly #perSecond: number | null
  /** When the last flush is paid for; together with when it began, lest a clock that is set back stops us. */
  #paidAt = -Infinity
  #beganAt = -Infinity

  /** `null`: as fast as it goes. */
  constructor(perSecond: number | null) {
    this.#perSecond = perSecond
  }

  /** A flush that began then has ended with this manifest. */
  wrote(beganAt: number, manifest: Manifest): void {
    if (this.#perSecond === null) return
    const paidAt = beganAt + (putsOf(manifest) * 1000) / this.#perSecond
    // What is owed from before a clock was set back means nothing any more.
    this.#paidAt = beganAt < this.#beganAt ? paidAt : Math.max(this.#paidAt, paidAt)
    this.#beganAt = beganAt
  }

  /** Milliseconds until the next flush may begin. */
  pauseMs(now: number): number {
    if (now < this.#beganAt) return 0
    return Math.max(0, this.#paidAt - now)
  }
}

/** Its files and itself. Parts of loads are written by themselves, and are large. */
function putsOf({ entries }: Manifest): number {
  let puts = 1
  for (const { type } of entries) if (type === 'changes') puts++
  return puts
}
