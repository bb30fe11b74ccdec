/**
 * What the requests to the lake come to in a day, and for a bucket of S3 in dollars.
 *
 * The rate is that of the last five minutes: flushes may lie a minute apart, and a bill is not made of
 * seconds. The prices are list prices, the same in most large regions; discounts, other regions and
 * servers that are not AWS have others, so every figure is "about".
 */

import type { RequestCounts } from '../core/request-counts.ts'
import type { RequestsView } from './view.ts'

/**
 * USD for one request to a bucket of the class STANDARD in us-east-1, as noted on 2026-11-24 from
 * https://aws.amazon.com/s3/pricing/, "Requests & data retrievals". DELETE is free. Data files of a
 * cheaper class cost more for each request, and GETs there cost by the byte too.
 */
const USD_PER_REQUEST = { putOrList: 0.005 / 1000, get: 0.0004 / 1000 }

const WINDOW_MS = 300_000
const SAMPLE_MS = 10_000
/** Before that, a start looks like a rate. */
const FIRST_MS = 30_000
const DAY_MS = 86_400_000

interface Sample {
  readonly at: number
  readonly counts: RequestCounts
}

export interface RequestCostsParts {
  /** All so far. */
  readonly counts: () => RequestCounts
  /** Whether each of them is charged by AWS. */
  readonly isCharged: boolean
}

export class RequestCosts {
  readonly #parts: RequestCostsParts
  readonly #samples: Sample[] = []

  constructor(parts: RequestCostsParts) {
    this.#parts = parts
  }

  /** Called once a second. */
  tick(now: number): void {
    const samples = this.#samples
    const last = samples.at(-1)
    if (last && now >= last.at && now - last.at < SAMPLE_MS) return
    samples.push({ at: now, counts: this.#parts.counts() })
    while (samples.length > 2 && samples[1]!.at <= now - WINDOW_MS) samples.shift()
  }

  /** `null` in the first half minute, when nothing can be said yet. */
  view(): RequestsView | null {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    if (!first || !last || last.at - first.at < FIRST_MS) return null
    const perDay = (kind: keyof RequestCounts): number =>
      Math.round(((last.counts[kind] - first.counts[kind]) * DAY_MS) / (last.at - first.at))
    const [puts, gets, lists] = [perDay('puts'), perDay('gets'), perDay('lists')]
    const usd = (puts + lists) * USD_PER_REQUEST.putOrList + gets * USD_PER_REQUEST.get
    return {
      putsPerDay: puts,
      getsPerDay: gets,
      listsPerDay: lists,
      usdPerDay: this.#parts.isCharged ? Number(usd.toFixed(4)) : null,
    }
  }
}
