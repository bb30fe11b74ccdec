/**
 * The end of the log, as far as lag needs it: which manifests hold something, and how old it is.
 *
 * Heartbeats and `open` manifests hold nothing, and no consumer takes them for their own sake, so
 * they are left out: a target that has taken everything but the last heartbeats lacks nothing.
 */

/** More than a day of flushes every ten seconds. */
const CAPACITY = 10_000

interface TailEntry {
  readonly n: number
  /** When the oldest change in it was committed, in ms since 1970. */
  readonly oldestMs: number
}

export class LogTail {
  readonly #entries: TailEntry[] = []
  #head = 0
  /** What stands at or before this manifest is not known. */
  #floor = 0

  get head(): number {
    return this.#head
  }

  /** Where the log ended before we watched. */
  startAt(head: number): void {
    this.#head = head
    this.#floor = head
  }

  add(n: number, oldestMs: number | null): void {
    if (this.#head === 0) this.#floor = n - 1
    this.#head = n
    if (oldestMs === null) return
    this.#entries.push({ n, oldestMs })
    if (this.#entries.length > CAPACITY) this.#floor = this.#entries.shift()!.n
  }

  /** How many manifests after `n` hold something. */
  countAfter(n: number): number {
    const unknown = Math.max(0, this.#floor - n)
    return unknown + this.#entries.length - this.#indexAfter(n)
  }

  /** When the oldest change after manifest `n` was committed; `unknown` if it is too long ago. */
  oldestAfter(n: number): number | 'none' | 'unknown' {
    if (n < this.#floor) return 'unknown'
    return this.#entries[this.#indexAfter(n)]?.oldestMs ?? 'none'
  }

  #indexAfter(n: number): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#entries[middle]!.n <= n) low = middle + 1
      else high = middle
    }
    return low
  }
}
