/**
 * Small memories of the last seconds: a mean rate, and a peak.
 *
 * Both look ten seconds back. Manifests come in beats (`flush.every`), so a shorter window would draw
 * a saw instead of a throughput, and a lag that is zero between two beats.
 */

export const WINDOW_MS = 10_000

interface Sample {
  readonly at: number
  readonly total: number
}

/** Turns a growing total into a rate per second, sampled once a second. */
export class MeanRate {
  readonly #samples: Sample[]
  #total = 0
  #perSecond = 0

  constructor(now: number) {
    this.#samples = [{ at: now, total: 0 }]
  }

  add(count: number): void {
    this.#total += count
  }

  tick(now: number): void {
    const samples = this.#samples
    samples.push({ at: now, total: this.#total })
    while (samples.length > 2 && samples[1]!.at <= now - WINDOW_MS) samples.shift()
    const oldest = samples[0]!
    const seconds = (now - oldest.at) / 1000
    if (seconds > 0) this.#perSecond = (this.#total - oldest.total) / seconds
  }

  get perSecond(): number {
    return this.#perSecond
  }
}

/** The highest value of the last ten seconds. */
export class RecentPeak {
  /** Falling values: whatever is smaller than a later one can never be the peak again. */
  readonly #candidates: { readonly at: number; readonly value: number }[] = []

  add(now: number, value: number): void {
    const candidates = this.#candidates
    while (candidates.length > 0 && candidates.at(-1)!.value <= value) candidates.pop()
    candidates.push({ at: now, value })
  }

  /** 0 if nothing happened in the window. */
  peak(now: number): number {
    const candidates = this.#candidates
    while (candidates.length > 0 && candidates[0]!.at < now - WINDOW_MS) candidates.shift()
    return candidates[0]?.value ?? 0
  }
}
