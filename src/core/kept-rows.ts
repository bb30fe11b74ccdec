/**
 * Changes as a mode keeps them: with the values of the columns that it adds.
 *
 * Under `soft-delete` the delete of a row is turned into an update of one column: it names the row by
 * its key and leaves all other values unchanged, so the fold finds them as it does for any update. It
 * stays a D, since the second half of a changed key goes on with the row that its D names. Under
 * `history` every change gets its place and time, a truncate too, which is a version without values.
 */

import { ChangeCursor, ChangeLog, OP, type BlockPool } from './change-log.ts'
import type { Lsn } from './lsn.ts'
import type { Mode } from './mode.ts'
import type { Shape } from './table.ts'
import { KIND, TupleCursor } from './tuple.ts'

/** Changes between two truncates. */
export interface KeptSegment {
  readonly changes: ChangeLog
  /** When the table was emptied behind them, as text; `null` if it was not. */
  readonly emptiedAt: string | null
}

export interface KeptFile {
  readonly mode: Exclude<Mode, 'mirror'>
  /** Of the table at the source. */
  readonly shape: Shape
  /** `_order` of its first row. */
  readonly order: number
  /** Transactions that commit below this are left out; `null` if none are. */
  readonly from: Lsn | null
}

/** The changes of a file, which are given back to where they came from. */
export function keptChanges(changes: ChangeLog, file: KeptFile, pool: BlockPool): KeptSegment[] {
  const segments: KeptSegment[] = []
  const writer = new TupleWriter(file.shape)
  const cursor = new ChangeCursor()
  let kept = new ChangeLog(pool)
  let { order } = file
  for (const block of changes.drain()) {
    cursor.open(block)
    for (; cursor.next(); order++) {
      if (file.from !== null && cursor.commitLsn < file.from) continue
      if (file.mode === 'soft-delete' && cursor.op === OP.truncate) {
        segments.push({ changes: kept, emptiedAt: timeText(cursor.committedAt) })
        kept = new ChangeLog(pool)
        continue
      }
      if (file.mode === 'history') writer.version(cursor, order)
      else writer.current(cursor)
      kept.begin(cursor.commitLsn, cursor.committedAt)
      kept.append(cursor.op, cursor.ordinal, writer.bytes, 0, writer.end)
    }
  }
  return [...segments, { changes: kept, emptiedAt: null }]
}

const [MILLION, EPOCH_2000_SECONDS] = [1_000_000n, 946_684_800n]

/** As PostgreSQL writes a `timestamptz` in UTC. `at`: microseconds since 2000-01-01 UTC. */
export function timeText(at: bigint): string {
  const micros = ((at % MILLION) + MILLION) % MILLION
  const seconds = (at - micros) / MILLION + EPOCH_2000_SECONDS
  const text = new Date(Number(seconds) * 1000).toISOString()
  return `${text.slice(0, 10)} ${text.slice(11, 19)}.${String(micros).padStart(6, '0')}+00`
}

/** Columns as they stand in tuples. */
export function fieldsOf(values: readonly (string | null)[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      if (value === null) return Buffer.of(KIND.null)
      const head = Buffer.of(KIND.text, 0, 0, 0, 0)
      head.writeUInt32BE(Buffer.byteLength(value), 1)
      return Buffer.concat([head, Buffer.from(value)])
    }),
  )
}

const NULL_FIELD = fieldsOf([null])

/** Writes one tuple after the other into the same memory. */
class TupleWriter {
  bytes = Buffer.allocUnsafe(4096)
  end = 0
  readonly #columns: number
  readonly #isKey: readonly boolean[]
  readonly #cursor = new TupleCursor()
  #time = { at: 0n, text: timeText(0n) }

  constructor({ columns, key }: Shape) {
    this.#columns = columns.length
    this.#isKey = columns.map((_, i) => key.includes(i))
  }

  version(
    { op, ordinal, commitLsn, committedAt, bytes, start, end }: ChangeCursor,
    order: number,
  ): void {
    const place = [String(order), String(commitLsn), String(ordinal), this.#text(committedAt)]
    const values = [String.fromCharCode(op), ...place]
    this.#begin(values.length)
    if (op === OP.truncate) for (let i = 0; i < this.#columns; i++) this.#add(NULL_FIELD)
    else this.#add(bytes, start + 2, end)
    this.#add(fieldsOf(values))
  }

  current({ op, committedAt, bytes, start, end }: ChangeCursor): void {
    this.#begin(1)
    if (op !== OP.delete) {
      this.#add(bytes, start + 2, end)
      return this.#add(NULL_FIELD)
    }
    const cursor = this.#cursor.open(bytes, start)
    for (let i = 0, at = cursor.at; cursor.next(); i++, at = cursor.at) {
      if (this.#isKey[i] === true) this.#add(bytes, at, cursor.at)
      else this.#add(UNCHANGED_FIELD)
    }
    this.#add(fieldsOf([this.#text(committedAt)]))
  }

  /** The rows of a transaction share it. */
  #text(at: bigint): string {
    if (this.#time.at !== at) this.#time = { at, text: timeText(at) }
    return this.#time.text
  }

  #begin(added: number): void {
    this.bytes.writeUInt16BE(this.#columns + added, 0)
    this.end = 2
  }

  #add(source: Buffer, start = 0, end = source.length): void {
    const needed = this.end + end - start
    if (needed > this.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(2 * needed)
      this.bytes.copy(larger, 0, 0, this.end)
      this.bytes = larger
    }
    source.copy(this.bytes, this.end, start, end)
    this.end = needed
  }
}

const UNCHANGED_FIELD = Buffer.of(KIND.unchanged)
