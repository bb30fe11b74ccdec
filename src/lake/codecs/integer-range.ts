/** The least and the greatest of the integers in pages, for the statistics of a row group. */

export class IntegerRange {
  readonly #isWide: boolean
  #min: bigint | null = null
  #max: bigint | null = null

  constructor(type: 'INT32' | 'INT64') {
    this.#isWide = type === 'INT64'
  }

  /** `values`: little-endian, at the beginning of its memory. */
  add(values: Buffer): void {
    if (values.length === 0) return
    const { buffer, byteOffset, length } = values
    const words = new Int32Array(buffer, byteOffset, length / 4)
    const [low, high] = this.#isWide ? wideRange(words) : narrowRange(words)
    if (this.#min === null || low < this.#min) this.#min = low
    if (this.#max === null || high > this.#max) this.#max = high
  }

  /** The range so far, and begins anew; `undefined` if there were no values. */
  take(): { readonly min: bigint; readonly max: bigint } | undefined {
    const [min, max] = [this.#min, this.#max]
    this.#min = null
    this.#max = null
    if (min === null || max === null) return undefined
    return { min, max }
  }
}

function narrowRange(words: Int32Array): [bigint, bigint] {
  let min = words[0]!
  let max = min
  for (let i = 1; i < words.length; i++) {
    const value = words[i]!
    if (value < min) min = value
    if (value > max) max = value
  }
  return [BigInt(min), BigInt(max)]
}

/** By halves, since a bigint for each value would take most of the time. */
function wideRange(words: Int32Array): [bigint, bigint] {
  let min = 0
  let max = 0
  for (let i = 2; i < words.length; i += 2) {
    if (isLess(words, i, min)) min = i
    if (isLess(words, max, i)) max = i
  }
  return [wide(words, min), wide(words, max)]
}

function isLess(words: Int32Array, a: number, b: number): boolean {
  const [highA, highB] = [words[a + 1]!, words[b + 1]!]
  return highA === highB ? words[a]! >>> 0 < words[b]! >>> 0 : highA < highB
}

function wide(words: Int32Array, at: number): bigint {
  return (BigInt(words[at + 1]!) << 32n) | BigInt(words[at]! >>> 0)
}
