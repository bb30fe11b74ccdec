/**
 * Keeps loads from reading more rows in a second than the source shall bear, all copies together.
 *
 * Rows are paid for after they came: whoever took some waits until the time is there at which they
 * would have come at the rate that is allowed. Time in which nothing was read is not saved up.
 */

import type { Clock } from '../../core/clock.ts'
import { FrameCursor } from '../../postgres/copy-stream.ts'

export class Throttle {
  readonly #rate: number | null
  readonly #clock: Clock
  #paidUntil = 0

  constructor(limits: { readonly maxRowsPerSecond: number | null }, clock: Clock) {
    this.#rate = limits.maxRowsPerSecond
    this.#clock = clock
  }

  /** The same blocks, each of CopyData messages with a row in each, as fast as they may come. */
  pace(blocks: AsyncIterable<Buffer>, signal: AbortSignal): AsyncIterable<Buffer> {
    return this.#rate === null ? blocks : this.#paced(blocks, this.#rate, signal)
  }

  async *#paced(
    blocks: AsyncIterable<Buffer>,
    rate: number,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    const frames = new FrameCursor()
    for await (const block of blocks) {
      const rows = countRows(frames, block)
      yield block
      await this.#pay(rows, rate, signal)
    }
  }

  async #pay(rows: number, rate: number, signal: AbortSignal): Promise<void> {
    const now = this.#clock.now()
    this.#paidUntil = paidUntil({ before: this.#paidUntil, now, rows, rate })
    if (this.#paidUntil > now) await this.#clock.sleep(this.#paidUntil - now, signal)
  }
}

/** When rows that came now are paid for, in milliseconds, if those before are paid for at `before`. */
export function paidUntil(facts: {
  readonly before: number
  readonly now: number
  readonly rows: number
  readonly rate: number
}): number {
  const { before, now, rows, rate } = facts
  return Math.max(before, now) + (rows * 1000) / rate
}

function countRows(frames: FrameCursor, block: Buffer): number {
  let rows = 0
  frames.open(block)
  while (frames.next()) rows++
  return rows
}
