/**
 * The changes of one table, in order, as bytes.
 *
 * Capture fills change logs from the socket, the spool keeps them on disk, codecs turn them into
 * files and back, and the fold reads them. The bytes stand in blocks drawn from one pool, so that
 * five thousand idle tables cost nothing; a record never crosses the border of a block. Records:
 *
 *   42 │ commit LSN (8) │ commit time (8)             'B': the changes that follow belong to this transaction
 *   op │ ordinal (6) │ length (4) │ tuple (length)    op is 'I', 'U', 'D' or 'T'
 *
 * The tuple of a 'D' is its key (or the whole old row under REPLICA IDENTITY FULL); 'T', a truncate,
 * has no columns. Commit times are microseconds since 2000-01-01 UTC, as the server sends them.
 */

import { lsn, ZERO_LSN, type Lsn } from './lsn.ts'

export const OP = { insert: 0x49, update: 0x55, delete: 0x44, truncate: 0x54 } as const
export type Op = (typeof OP)[keyof typeof OP]

const BEGIN = 0x42
const BEGIN_BYTES = 17
const HEADER_BYTES = 11
export const BLOCK_BYTES = 16 * 1024

/** Blocks of one size, used again and again. */
export class BlockPool {
  readonly #free: Buffer[] = []
  readonly #keep: number
  #inUse = 0

  /** `keepBytes`: how much is kept for the next use; the rest goes back to the runtime. */
  constructor(keepBytes = 64 * 1024 * 1024) {
    this.#keep = Math.ceil(keepBytes / BLOCK_BYTES)
  }

  get bytesInUse(): number {
    return this.#inUse
  }

  /** A block of at least `bytes`. Its content is whatever it was. */
  take(bytes: number): Buffer {
    const block =
      bytes > BLOCK_BYTES ? Buffer.allocUnsafeSlow(bytes) : (this.#free.pop() ?? slab(this.#free))
    this.#inUse += block.length
    return block
  }

  give(block: Buffer): void {
    this.#inUse -= block.length
    if (block.length === BLOCK_BYTES && this.#free.length < this.#keep) this.#free.push(block)
  }
}

const BLOCKS_PER_SLAB = 64

/** Makes 1 MiB of blocks at once, since many small allocations outside the heap are slow. */
function slab(free: Buffer[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(BLOCKS_PER_SLAB * BLOCK_BYTES)
  for (let i = 1; i < BLOCKS_PER_SLAB; i++) {
    free.push(bytes.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES))
  }
  return bytes.subarray(0, BLOCK_BYTES)
}

interface Block {
  readonly bytes: Buffer
  used: number
}

export class ChangeLog {
  readonly #pool: BlockPool
  readonly #blocks: Block[] = []
  #last: Block | null = null
  #lsn: Lsn = ZERO_LSN
  #committedAt = 0n
  #isBegun = false
  #rows = 0
  #bytes = 0

  constructor(pool: BlockPool) {
    this.#pool = pool
  }

  /** Records, not counting those that begin transactions. */
  get rows(): number {
    return this.#rows
  }

  /** Bytes of the records. */
  get bytes(): number {
    return this.#bytes
  }

  /** The changes appended from now on belong to this transaction. Costs nothing if none follow. */
  begin(commitLsn: Lsn, committedAt: bigint): void {
    if (this.#isBegun && commitLsn === this.#lsn && committedAt === this.#committedAt) return
    this.#lsn = commitLsn
    this.#committedAt = committedAt
    this.#isBegun = false
  }

  /** Copies the tuple `source[start, end)` as one change. */
  append(op: Op, ordinal: number, source: Buffer, start: number, end: number): void {
    if (!this.#isBegun) this.#writeBegin()
    const length = end - start
    const block = this.#room(HEADER_BYTES + length)
    const { bytes, used: at } = block
    block.used += HEADER_BYTES + length
    bytes[at] = op
    bytes.writeUIntBE(ordinal, at + 1, 6)
    bytes.writeUInt32BE(length, at + 7)
    source.copy(bytes, at + HEADER_BYTES, start, end)
    this.#rows++
  }

  /** The filled part of each block, in order. */
  *blocks(): Generator<Buffer> {
    for (const { bytes, used } of this.#blocks) yield bytes.subarray(0, used)
  }

  /**
   * Empties the log: yields its blocks and gives each back to the pool once the next one is asked
   * for. Whoever leaves early gives the rest back unread.
   */
  *drain(): Generator<Buffer> {
    const blocks = this.#blocks.splice(0)
    this.#reset()
    let given = 0
    try {
      for (const { bytes, used } of blocks) {
        yield bytes.subarray(0, used)
        this.#pool.give(bytes)
        given++
      }
    } finally {
      for (const { bytes } of blocks.slice(given)) this.#pool.give(bytes)
    }
  }

  /** Gives all blocks back. The log is empty afterwards and may be used again. */
  release(): void {
    for (const { bytes } of this.#blocks) this.#pool.give(bytes)
    this.#blocks.length = 0
    this.#reset()
  }

  #reset(): void {
    this.#last = null
    this.#isBegun = false
    this.#rows = 0
    this.#bytes = 0
  }

  #writeBegin(): void {
    const block = this.#room(BEGIN_BYTES)
    const { bytes, used: at } = block
    block.used += BEGIN_BYTES
    bytes[at] = BEGIN
    bytes.writeBigUInt64BE(this.#lsn, at + 1)
    bytes.writeBigInt64BE(this.#committedAt, at + 9)
    this.#isBegun = true
  }

  /** The block in which the next `count` bytes have their place. */
  #room(count: number): Block {
    let block = this.#last
    if (block === null || block.used + count > block.bytes.length) {
      block = { bytes: this.#pool.take(count), used: 0 }
      this.#blocks.push(block)
      this.#last = block
    }
    this.#bytes += count
    return block
  }
}

/** Walks the records of a block. One cursor serves all blocks of a log, in order. */
export class ChangeCursor {
  bytes: Buffer = Buffer.alloc(0)
  #at = 0
  op: Op = OP.insert
  ordinal = 0
  /** How many transactions were met so far: it tells a new one from the last without comparing LSNs. */
  transactions = 0
  commitLsn: Lsn = ZERO_LSN
  committedAt = 0n
  /** The tuple of the change is `bytes[start, end)`. */
  start = 0
  end = 0

  open(block: Buffer): this {
    this.bytes = block
    this.#at = 0
    return this
  }

  /** Reads the next change; false at the end of the block. */
  next(): boolean {
    const { bytes } = this
    if (this.#at < bytes.length && bytes[this.#at] === BEGIN) {
      this.commitLsn = lsn(bytes.readBigUInt64BE(this.#at + 1))
      this.committedAt = bytes.readBigInt64BE(this.#at + 9)
      this.#at += BEGIN_BYTES
      this.transactions++
    }
    if (this.#at >= bytes.length) return false
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `append` writes here
    this.op = bytes[this.#at]! as Op
    this.ordinal = bytes.readUIntBE(this.#at + 1, 6)
    this.start = this.#at + HEADER_BYTES
    this.end = this.start + bytes.readUInt32BE(this.#at + 7)
    this.#at = this.end
    return true
  }
}
