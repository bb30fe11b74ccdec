/**
 * Reads CSV files of the lake back into bytes.
 *
 * What comes out are tuples aligned with the columns of the shape, whatever their order was on the
 * wire: dropped columns are NULL, and unchanged ones are marked as the server marked them. The files
 * are read in pieces cut anywhere; decompressing them is the caller's work.
 */

import type { ChangeCounts } from '../../core/batch.ts'
import { OP, type ChangeLog } from '../../core/change-log.ts'
import type { Shape } from '../../core/table.ts'
import type { TupleBlock } from '../../core/target.ts'
import { CsvRows } from './csv-rows.ts'

export interface DecodedCounts extends ChangeCounts {
  /** Truncates, which are rows too. */
  t: number
}

/** Appends all changes of a file to `into`, each with the position and time of its transaction. */
export async function decodeChanges(
  source: AsyncIterable<Uint8Array>,
  shape: Shape,
  into: ChangeLog,
): Promise<DecodedCounts> {
  const counts: DecodedCounts = { i: 0, u: 0, d: 0, t: 0, unchanged: 0 }
  const rows = new CsvRows(shape)
  let scratch = Buffer.allocUnsafe(FIRST_SCRATCH_BYTES)
  for await (const chunk of source) {
    rows.push(chunk)
    while (rows.next()) {
      count(counts, rows)
      const bytes = rows.op === OP.truncate ? 0 : rows.tupleBytes()
      if (bytes > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * bytes)
      if (bytes > 0) rows.writeTuple(scratch, 0)
      into.begin(rows.commitLsn, rows.committedAt)
      into.append(rows.op, rows.ordinal, scratch, 0, bytes)
    }
  }
  rows.finish()
  return counts
}

const FIRST_SCRATCH_BYTES = 16 * 1024
const BLOCK_BYTES = 256 * 1024

/** The rows of a part of a load, many at a time. A block is valid until the next one is asked for. */
export async function* decodeLoadPart(
  source: AsyncIterable<Uint8Array>,
  shape: Shape,
): AsyncGenerator<TupleBlock> {
  const rows = new CsvRows(shape)
  let bytes = Buffer.allocUnsafeSlow(BLOCK_BYTES)
  const starts = [0]
  let used = 0
  for await (const chunk of source) {
    rows.push(chunk)
    while (rows.next()) {
      if (rows.op !== OP.insert) rows.damaged('a row of a load that is not an insert')
      const needed = rows.tupleBytes()
      if (used + needed > bytes.length && used > 0) {
        yield { bytes: bytes.subarray(0, used), starts }
        starts.length = 1
        used = 0
      }
      if (needed > bytes.length) bytes = Buffer.allocUnsafeSlow(2 * needed)
      used = rows.writeTuple(bytes, used)
      starts.push(used)
    }
  }
  rows.finish()
  if (used > 0) yield { bytes: bytes.subarray(0, used), starts }
}

function count(counts: DecodedCounts, { op, unchanged }: CsvRows): void {
  if (op === OP.insert) counts.i++
  else if (op === OP.update) counts.u++
  else if (op === OP.delete) counts.d++
  else counts.t++
  if (unchanged > 0) counts.unchanged++
}
