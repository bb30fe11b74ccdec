/**
 * Takes the messages of the stream into the pending batch.
 *
 * Here ordinals are counted, what the lake holds already is left out, key changes become a delete
 * and an insert, and changes of shape and truncates become barriers. Rows are copied once, as bytes.
 *
 * A Relation message needs a look into the catalogs, which takes time, and so does word of a drop. It
 * is put aside, `isBlocked` turns true, and the caller resolves it before it hands over the next
 * message.
 */

import type { LogPosition } from '../../core/batch.ts'
import { OP, type Op } from '../../core/change-log.ts'
import { fail } from '../../core/errors.ts'
import { ZERO_LSN, type Lsn } from '../../core/lsn.ts'
import type { Position } from '../../core/position.ts'
import type { TableId } from '../../core/table.ts'
import type {
  Begin,
  Commit,
  LogicalMessage,
  MessageHandler,
  Relation,
  RowMessage,
  StreamAbort,
  StreamCommit,
  Truncate,
  TwoPhase,
} from '../../pgoutput/messages.ts'
import { Announced } from '../tables/announced.ts'
import type { TrackedTable, TrackedTables } from '../tables/tracked-tables.ts'
import { completedTuple, hasUnchanged, keyChanged } from './old-tuple.ts'
import type { OpenChunk, Pending } from './pending.ts'

const EMPTY_TUPLE = Buffer.alloc(2)

export class Intake implements MessageHandler {
  readonly #pending: Pending
  readonly #tables: TrackedTables
  readonly #announced: Announced
  /** The last position that the lake held when this run began. */
  readonly #resume: LogPosition
  #lsn: Lsn = ZERO_LSN
  #committedAt = 0n
  #isInTransaction = false
  #messages = 0
  /** Ordinals up to this one are in the lake already; `Infinity` if the whole transaction is. */
  #done = 0
  #lastOrdinal = 0
  #idleLsn: Lsn = ZERO_LSN
  #unresolved: Relation[] = []
  #streamEnd: StreamCommit | StreamAbort | null = null

  constructor(pending: Pending, tables: TrackedTables, resume: LogPosition) {
    this.#pending = pending
    this.#tables = tables
    this.#announced = new Announced(tables)
    this.#resume = resume
  }

  /** Something waits for `resolve`. */
  get isBlocked(): boolean {
    return this.#unresolved.length > 0 || this.#announced.isUnverified
  }

  get isInTransaction(): boolean {
    return this.#isInTransaction
  }

  /** End of the last transaction that held nothing for us: as good as a keepalive at that place. */
  get idleLsn(): Lsn {
    return this.#idleLsn
  }

  async resolve(): Promise<void> {
    const relations = this.#unresolved
    this.#unresolved = []
    for (const relation of relations) await this.#tables.resolve(relation)
    await this.#announced.verify()
  }

  begin({ commitLsn, committedAt }: Begin): void {
    this.#lsn = commitLsn
    this.#committedAt = committedAt
    this.#isInTransaction = true
    this.#messages = 0
    this.#lastOrdinal = 0
    const { lsn, ordinal, end } = this.#resume
    if (commitLsn > lsn) this.#done = 0
    else if (commitLsn < lsn) this.#done = Infinity
    else this.#done = end && ordinal > 0 ? Infinity : ordinal
  }

  commit({ endLsn }: Commit): void {
    this.#isInTransaction = false
    const marks = this.#announced.takeMarks()
    if (marks.length > 0) return this.#pending.marked(marks, endLsn)
    const rest = this.#lastOrdinal > 0
    // The lake may hold all rows of the transaction, but not yet that it ended.
    const wasCut = this.#done > 0 && this.#done !== Infinity
    if (rest || wasCut) {
      const ordinal = rest ? this.#lastOrdinal : this.#done
      this.#pending.completed({ lsn: this.#lsn, ordinal }, endLsn)
    } else if (this.#done === 0) {
      this.#idleLsn = endLsn
    }
  }

  relation(relation: Relation): void {
    // One that is word for word as before may be of a column that was dropped and added again.
    this.#unresolved.push(relation)
  }

  insert(row: RowMessage): void {
    const chunk = this.#next(row.oid)
    if (chunk !== null) this.#append(chunk, OP.insert, row.bytes, row.newStart, row.newEnd)
  }

  update(row: RowMessage): void {
    const chunk = this.#next(row.oid)
    if (chunk === null) return
    if (row.old === 'none') {
      if (hasUnchanged(row.bytes, row.newStart)) chunk.counts.unchanged++
      this.#append(chunk, OP.update, row.bytes, row.newStart, row.newEnd)
      return
    }
    const { keyPlaces } = this.#tables.get(row.oid)!
    const tuple = completedTuple(row, keyPlaces)
    if (hasUnchanged(tuple, 0)) chunk.counts.unchanged++
    // Without a key the whole row is its own name, so every update gives it another.
    if (keyPlaces.size > 0 && !keyChanged(row, keyPlaces)) {
      this.#append(chunk, OP.update, tuple, 0, tuple.length)
      return
    }
    this.#append(chunk, OP.delete, row.bytes, row.oldStart, row.oldEnd)
    this.#lastOrdinal++
    this.#append(chunk, OP.insert, tuple, 0, tuple.length)
  }

  delete(row: RowMessage): void {
    const chunk = this.#next(row.oid)
    if (chunk !== null) this.#append(chunk, OP.delete, row.bytes, row.oldStart, row.oldEnd)
  }

  truncate({ oids }: Truncate): void {
    const ordinal = this.#count()
    for (const oid of oids) {
      const table = this.#table(oid)
      if (!table.isSelected || ordinal <= this.#done) continue
      const chunk = this.#chunk(table, ordinal)
      this.#append(chunk, OP.truncate, EMPTY_TUPLE, 0, EMPTY_TUPLE.length)
      const position = { lsn: this.#lsn, ordinal }
      const { shape, id } = table
      this.#pending.barrier(id, { type: 'truncate', shape, position })
    }
  }

  origin(): void {}
  type(): void {}

  message(message: LogicalMessage): void {
    // What the lake has of this transaction may lack its end, but then nothing of this is in it.
    if (this.#isInTransaction && this.#done !== Infinity) this.#announced.take(message)
  }

  // Which transactions are streamed is the reader's business; here they arrive whole.
  streamStart(): void {}
  streamStop(): void {}

  streamCommit(end: StreamCommit): void {
    this.#streamEnd = end
  }

  streamAbort(end: StreamAbort): void {
    this.#streamEnd = end
  }

  /** The end of a streamed transaction that the last message told, for the reader to act upon. */
  takeStreamEnd(): StreamCommit | StreamAbort | null {
    const end = this.#streamEnd
    this.#streamEnd = null
    return end
  }

  twoPhase({ kind }: TwoPhase): void {
    fail('SLOT_UNFIT', `the slot decodes two-phase transactions (${kind} came)`, {
      hint: 'use a slot without two_phase: rows of a prepared transaction would never come again',
    })
  }

  /** Counts a message and finds where it belongs; `null` if it is not for us or is in the lake. */
  #next(oid: number): OpenChunk | null {
    const ordinal = this.#count()
    if (ordinal <= this.#done) return null
    const table = this.#table(oid)
    return table.isSelected ? this.#chunk(table, ordinal) : null
  }

  #table(oid: number): TrackedTable {
    const table = this.#tables.get(oid)
    if (table !== undefined) return table
    return fail('PROTOCOL_VIOLATION', `a row of table ${oid} came before its Relation message`)
  }

  #count(): number {
    if (!this.#isInTransaction) fail('PROTOCOL_VIOLATION', 'a row came outside of a transaction')
    this.#messages++
    return this.#messages * 2
  }

  #chunk(table: TrackedTable, ordinal: number): OpenChunk {
    const transaction = { lsn: this.#lsn, committedAt: this.#committedAt }
    this.#lastOrdinal = ordinal
    if (table.barrier !== null) this.#barrier(table, ordinal)
    return this.#pending.chunk(table.id, table.shape, transaction)
  }

  /** The table looks different from now on. The barrier and the row that showed it stay together. */
  #barrier(table: TrackedTable, ordinal: number): void {
    const position = { lsn: this.#lsn, ordinal }
    const { from, evicts } = table.barrier!
    if (evicts) this.#pending.barrier(table.id, { type: 'drop', position })
    if (from !== null) this.#change(table, from, position)
    this.#tables.passed(table)
  }

  #change(table: TrackedTable, from: TableId, position: Position): void {
    const { id, shape } = table
    const { defaults, ambiguities } = table.barrier!
    if (ambiguities.length > 0) this.#announced.shown(shape.oid)
    // A rename cannot carry defaults, so a table that also got columns is altered first.
    const isAmbiguous = this.#tables.mustReload(table)
    if (from === id || isAmbiguous || Object.keys(defaults).length > 0) {
      const item = { type: 'shape' as const, shape, position, defaults }
      this.#pending.barrier(from, isAmbiguous ? { ...item, isAmbiguous } : item)
    }
    if (from !== id) this.#pending.barrier(from, { type: 'rename', to: id, shape, position })
  }

  #append(chunk: OpenChunk, op: Op, bytes: Buffer, start: number, end: number): void {
    const ordinal = this.#lastOrdinal
    chunk.changes.append(op, ordinal, bytes, start, end)
    chunk.reached(this.#lsn, ordinal)
    this.#pending.reached(this.#lsn, ordinal, end - start)
    if (op === OP.insert) chunk.counts.i++
    else if (op === OP.update) chunk.counts.u++
    else if (op === OP.delete) chunk.counts.d++
  }
}
