/**
 * Cuts the rows of a table into the parts of a load.
 *
 * A row comes as one CopyData message, a finished line of CSV; the columns of the lake go before it
 * as the same bytes for every row. A part ends with a whole row once it is large enough.
 */

import { FrameCursor } from '../../postgres/copy-stream.ts'

export interface PartLimits {
  /** Bytes of CSV, before compression, after which a part ends. */
  readonly partBytes: number
}

const PIECE_BYTES = 256 * 1024

export class LoadParts {
  readonly #blocks: AsyncIterator<Buffer>
  readonly #header: Buffer
  readonly #prefix: Buffer
  readonly #limits: PartLimits
  readonly #frames = new FrameCursor()
  #hasFrame = false
  #piece = Buffer.alloc(0)
  #used = 0
  #bytes = 0
  #rows = 0

  constructor(
    blocks: AsyncIterable<Buffer>,
    lines: { readonly header: Buffer; readonly prefix: Buffer },
    limits: PartLimits,
  ) {
    this.#blocks = blocks[Symbol.asyncIterator]()
    this.#header = lines.header
    this.#prefix = lines.prefix
    this.#limits = limits
  }

  /** Rows of all parts so far. */
  get rows(): number {
    return this.#rows
  }

  /** Whether there is a row for another part. */
  async hasMore(): Promise<boolean> {
    while (!this.#hasFrame) {
      this.#hasFrame = this.#frames.next()
      if (this.#hasFrame) break
      const block = await this.#blocks.next()
      if (block.done) return false
      this.#frames.open(block.value)
    }
    return true
  }

  /** The bytes of the next part: header and rows. */
  async *next(): AsyncGenerator<Buffer> {
    this.#bytes = 0
    this.#newPiece(this.#header.length)
    this.#add(this.#header, 0, this.#header.length)
    while (this.#bytes < this.#limits.partBytes && (await this.hasMore())) {
      const { bytes, start, end } = this.#frames
      const length = this.#prefix.length + end - start
      if (this.#used + length > this.#piece.length) {
        yield this.#takePiece()
        this.#newPiece(length)
      }
      this.#add(this.#prefix, 0, this.#prefix.length)
      this.#add(bytes, start, end)
      this.#rows++
      this.#hasFrame = false
    }
    yield this.#takePiece()
  }

  /** Ends the copy early; what was read is forgotten. */
  async cancel(): Promise<void> {
    await this.#blocks.return?.()
  }

  #add(source: Buffer, start: number, end: number): void {
    source.copy(this.#piece, this.#used, start, end)
    this.#used += end - start
    this.#bytes += end - start
  }

  #newPiece(atLeast: number): void {
    this.#piece = Buffer.allocUnsafeSlow(Math.max(PIECE_BYTES, atLeast))
    this.#used = 0
  }

  #takePiece(): Buffer {
    return this.#piece.subarray(0, this.#used)
  }
}
