/**
 * Turns the changes of one table into a CSV file of the lake.
 *
 * One line a change, in the order of the log; the columns are those of `row-columns.ts` and then
 * the shape's, where a dropped one stays empty. Of a deleted row only its key is there (all of it
 * under REPLICA IDENTITY FULL), and a truncate has none. Every row of the stream passes here, so
 * bytes are copied once, from the block to the chunk, and what a transaction has in common is made
 * once per transaction.
 */

import { ChangeCursor, OP, type ChangeLog, type Op } from '../../core/change-log.ts'
import { CsvWriter } from '../../core/csv.ts'
import type { Lsn } from '../../core/lsn.ts'
import type { Column, Shape } from '../../core/table.ts'
import { KIND, TupleFields } from '../../core/tuple.ts'
import { isBare } from '../../core/type.ts'
import { CommitTimeText, formatCommitTime } from './commit-time.ts'
import { listedName, ROW_COLUMNS } from './row-columns.ts'

/** Row `i` gets the order `order + i`. Empties the log, whose tuples are aligned with the wire. */
export function* encodeChanges(
  chunk: { readonly shape: Shape; readonly changes: ChangeLog },
  order: number,
): Generator<Buffer> {
  const writer = new CsvWriter()
  writer.raw(encodeHeader(chunk.shape))
  const encoder = new RowEncoder(chunk.shape, writer)
  const cursor = new ChangeCursor()
  let next = order
  for (const block of chunk.changes.drain()) {
    cursor.open(block)
    while (cursor.next()) encoder.write(cursor, next++)
    yield* writer.takeFull()
  }
  yield* writer.takeAll()
}

/** The first line of every file of this shape. */
export function encodeHeader(shape: Shape): Buffer {
  const writer = new CsvWriter()
  writer.raw(Buffer.from(ROW_COLUMNS.join(',')))
  for (const { name } of shape.columns) {
    const bytes = Buffer.from(name)
    writer.comma()
    writer.field(bytes, 0, bytes.length)
  }
  writer.rowEnd()
  return Buffer.concat([...writer.takeAll()])
}

/** What stands before each line of PostgreSQL's own `COPY … (FORMAT csv)` to make it a row of a load. */
export function loadPrefix(load: {
  readonly order: number
  readonly lsn: Lsn
  /** Microseconds since 2000-01-01 UTC. */
  readonly committedAt: bigint
}): Buffer {
  return Buffer.from(`I,${load.order},${load.lsn},0,${formatCommitTime(load.committedAt)},,`)
}

const OP_TEXT: Record<Op, Buffer> = {
  [OP.insert]: Buffer.from('I,'),
  [OP.update]: Buffer.from('U,'),
  [OP.delete]: Buffer.from('D,'),
  [OP.truncate]: Buffer.from('T,'),
}

const DROPPED = -1
const QUOTE = Buffer.from('"')

class RowEncoder {
  readonly #writer: CsvWriter
  readonly #fields: TupleFields
  /** For each column of the shape its place in the tuple, and whether its text needs no look. */
  readonly #wire: Int32Array
  readonly #bare: Uint8Array
  readonly #listed: readonly Buffer[]
  /** Whether a name of this table needs quotes even where it stands alone. */
  readonly #needsQuotes: boolean
  #transactions = 0
  #lsnText = Buffer.alloc(0)
  readonly #time = new CommitTimeText()

  constructor({ columns }: Shape, writer: CsvWriter) {
    this.#writer = writer
    this.#fields = new TupleFields(columns.filter(({ wire }) => wire !== null).length)
    this.#wire = Int32Array.from(columns, ({ wire }) => wire ?? DROPPED)
    this.#bare = Uint8Array.from(columns, ({ type }) => (isBare(type) ? 1 : 0))
    this.#listed = columns.map(listed)
    this.#needsQuotes = columns.some(({ name }) => /["\r\n]/.test(name))
  }

  write(change: ChangeCursor, order: number): void {
    if (change.transactions !== this.#transactions) this.#begin(change)
    const writer = this.#writer
    writer.raw(OP_TEXT[change.op])
    writer.integer(order)
    writer.raw(this.#lsnText)
    writer.integer(change.ordinal)
    writer.raw(this.#time.bytes)
    if (change.op === OP.truncate) {
      for (let i = 0; i < this.#wire.length; i++) writer.comma()
    } else {
      this.#fields.read(change.bytes, change.start)
      if (this.#fields.unchanged > 0) this.#writeUnchanged()
      this.#writeColumns(change.bytes)
    }
    writer.rowEnd()
  }

  #begin(change: ChangeCursor): void {
    this.#transactions = change.transactions
    this.#lsnText = Buffer.from(`,${change.commitLsn},`)
    this.#time.set(change.committedAt)
  }

  #writeColumns(bytes: Buffer): void {
    const writer = this.#writer
    const { kinds, starts, ends } = this.#fields
    const wire = this.#wire
    const bare = this.#bare
    for (let i = 0; i < wire.length; i++) {
      writer.comma()
      const place = wire[i]!
      if (place === DROPPED || kinds[place] !== KIND.text) continue
      writer.field(bytes, starts[place]!, ends[place]!, bare[i] === 1)
    }
  }

  /** The names of the unchanged columns as one field, in quotes if need be. */
  #writeUnchanged(): void {
    const writer = this.#writer
    const { kinds, unchanged } = this.#fields
    const isQuoted = unchanged > 1 || this.#needsQuotes
    if (isQuoted) writer.raw(QUOTE)
    let left = unchanged
    for (let i = 0; left > 0; i++) {
      const place = this.#wire[i]!
      if (place === DROPPED || kinds[place] !== KIND.unchanged) continue
      writer.raw(this.#listed[i]!)
      if (--left > 0) writer.comma()
    }
    if (isQuoted) writer.raw(QUOTE)
  }
}

function listed({ name }: Column): Buffer {
  return Buffer.from(listedName(name).replaceAll('"', '""'))
}
