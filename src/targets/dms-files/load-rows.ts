/** The rows of a load from one place on, and where each of them stands. */

import type { LoadPlace, TimedPart } from '../../core/ordered.ts'

export class LoadRows {
  readonly #parts: readonly TimedPart[]
  #part: number
  #row = 0
  /** Rows of the part that were taken before. */
  #skip: number
  #blocks: AsyncIterator<{ bytes: Buffer; starts: readonly number[] }> | null = null
  #starts: readonly number[] = [0]
  #inBlock = 0
  bytes: Buffer = Buffer.alloc(0)

  constructor(parts: readonly TimedPart[], { part, row }: LoadPlace) {
    this.#parts = parts
    this.#part = part
    this.#skip = row
  }

  /** Where the tuple of the current row begins; `null` if `ready` must be asked. */
  get start(): number | null {
    return this.#inBlock < this.#starts.length - 1 ? this.#starts[this.#inBlock]! : null
  }

  /** The place of the current row. */
  get place(): LoadPlace {
    return { part: this.#part, row: this.#row }
  }

  /** When the part became part of the log. */
  get closedAtMs(): number {
    return this.#parts[this.#part]!.closedAtMs
  }

  step(): void {
    this.#inBlock++
    this.#row++
  }

  /** False if there is no row more. */
  async ready(): Promise<boolean> {
    while (this.start === null) {
      const part = this.#parts[this.#part]
      if (part === undefined) return false
      this.#blocks ??= part.part.read()[Symbol.asyncIterator]()
      const { value: block, done } = await this.#blocks.next()
      if (done) {
        this.#part++
        this.#row = 0
        this.#skip = 0
        this.#blocks = null
        continue
      }
      this.#take(block)
    }
    return true
  }

  async close(): Promise<void> {
    await this.#blocks?.return?.()
  }

  #take({ bytes, starts }: { bytes: Buffer; starts: readonly number[] }): void {
    this.bytes = bytes
    this.#starts = starts
    const skipped = Math.min(this.#skip - this.#row, starts.length - 1)
    this.#inBlock = Math.max(0, skipped)
    this.#row += this.#inBlock
  }
}
