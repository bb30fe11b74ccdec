/**
 * Rows of a file of the lake, as changes and as tuples, whatever the format.
 *
 * A reader takes the file in pieces cut anywhere and gives its rows one at a time, some as soon as
 * they are there, others only when the file is complete.
 */

import type { ChangeCounts } from '../../core/batch.ts'
import { OP, type ChangeLog, type Op } from '../../core/change-log.ts'
import type { Lsn } from '../../core/lsn.ts'
import type { TupleBlock } from '../../core/target.ts'

export interface RowReader {
  /** Of the current row. */
  readonly op: Op
  readonly commitLsn: Lsn
  readonly ordinal: number
  readonly committedAt: bigint
  /** How many of its columns are unchanged. */
  readonly unchanged: number
  /** Hands over the next piece of the file, after `next` has returned false. */
  push(chunk: Uint8Array): void
  /** Must be called behind the last piece; there may be more rows then. */
  finish(): void
  next(): boolean
  /** How many bytes `writeTuple` needs. */
  tupleBytes(): number
  /** Writes the row as a tuple, aligned with the columns of the shape; returns its end. */
  writeTuple(target: Buffer, start: number): number
  damaged(what: string): never
}

export interface DecodedCounts extends ChangeCounts {
  /** Truncates, which are rows too. */
  t: number
}

const FIRST_SCRATCH_BYTES = 16 * 1024
const BLOCK_BYTES = 256 * 1024

/** Appends all changes of a file to `into`, each with the position and time of its transaction. */
export async function readChanges(
  source: AsyncIterable<Uint8Array>,
  rows: RowReader,
  into: ChangeLog,
): Promise<DecodedCounts> {
  const counts: DecodedCounts = { i: 0, u: 0, d: 0, t: 0, unchanged: 0 }
  let scratch = Buffer.allocUnsafe(FIRST_SCRATCH_BYTES)
  const take = (): void => {
    while (rows.next()) {
      count(counts, rows)
      const bytes = rows.op === OP.truncate ? 0 : rows.tupleBytes()
      if (bytes > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * bytes)
      if (bytes > 0) rows.writeTuple(scratch, 0)
      into.begin(rows.commitLsn, rows.committedAt)
      into.append(rows.op, rows.ordinal, scratch, 0, bytes)
    }
  }
  for await (const chunk of source) {
    rows.push(chunk)
    take()
  }
  rows.finish()
  take()
  return counts
}

/** The rows of a part of a load, many at a time. A block is valid until the next one is asked for. */
export async function* readLoad(
  source: AsyncIterable<Uint8Array>,
  rows: RowReader,
): AsyncGenerator<TupleBlock> {
  const blocks = new TupleBlocks()
  for await (const chunk of source) {
    rows.push(chunk)
    yield* blocks.take(rows)
  }
  rows.finish()
  yield* blocks.take(rows)
  yield* blocks.rest()
}

class TupleBlocks {
  #bytes = Buffer.allocUnsafeSlow(BLOCK_BYTES)
  readonly #starts = [0]
  #used = 0;

  *take(rows: RowReader): Generator<TupleBlock> {
    while (rows.next()) {
      if (rows.op !== OP.insert) rows.damaged('a row of a load that is not an insert')
      const needed = rows.tupleBytes()
      if (this.#used + needed > this.#bytes.length) yield* this.rest()
      if (needed > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(2 * needed)
      this.#used = rows.writeTuple(this.#bytes, this.#used)
      this.#starts.push(this.#used)
    }
  }

  *rest(): Generator<TupleBlock> {
    if (this.#used === 0) return
    yield { bytes: this.#bytes.subarray(0, this.#used), starts: this.#starts }
    this.#starts.length = 1
    this.#used = 0
  }
}

function count(counts: DecodedCounts, { op, unchanged }: RowReader): void {
  if (op === OP.insert) counts.i++
  else if (op === OP.update) counts.u++
  else if (op === OP.delete) counts.d++
  else counts.t++
  if (unchanged > 0) counts.unchanged++
}
