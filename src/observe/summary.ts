/** A sum of what happens many times a minute, so that it makes one line of the log every ten seconds. */

const EVERY_MS = 10_000

/** What happened since the last line. */
export class Summary {
  #since: number
  #count = 0
  #n = 0
  #rows = 0
  #bytes = 0

  constructor(now: number) {
    this.#since = now
  }

  add({ n, rows, bytes }: { n: number; rows: number; bytes: number }): void {
    this.#count += 1
    this.#n = n
    this.#rows += rows
    this.#bytes += bytes
  }

  isDue(now: number): boolean {
    return now - this.#since >= EVERY_MS
  }

  /** `null` if nothing happened. */
  take(
    now: number,
  ): { count: number; n: number; rows: number; bytes: number; seconds: number } | null {
    const seconds = (now - this.#since) / 1000
    this.#since = now
    if (this.#count === 0) return null
    const sum = { count: this.#count, n: this.#n, rows: this.#rows, bytes: this.#bytes, seconds }
    this.#count = 0
    this.#rows = 0
    this.#bytes = 0
    return sum
  }
}
