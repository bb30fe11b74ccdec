/**
 * The batch that fills while the one before it is written.
 *
 * Changes are appended table by table; `take` hands the batch over and begins the next one. It may
 * end inside a transaction, which is what bounds memory, but only between messages, so an update
 * that changed a key is never cut in two.
 */

import type { BarrierItem, BatchItem, ChangeBatch, ChangeCounts, Chunk } from '../../core/batch.ts'
import { ChangeLog, type BlockPool } from '../../core/change-log.ts'
import { ZERO_LSN, type Lsn } from '../../core/lsn.ts'
import type { Position } from '../../core/position.ts'
import type { Shape, TableId } from '../../core/table.ts'
import type { Mark } from '../tables/marks.ts'

export interface Transaction {
  readonly lsn: Lsn
  readonly committedAt: bigint
}

/** A chunk that still grows. Its last position is kept as two fields: an object a row is too many. */
export class OpenChunk implements Chunk {
  readonly type = 'changes'
  readonly shape: Shape
  readonly changes: ChangeLog
  readonly counts: ChangeCounts = { i: 0, u: 0, d: 0, unchanged: 0 }
  readonly firstCommittedAt: bigint
  readonly #firstLsn: Lsn
  #firstOrdinal = 0
  #lastLsn: Lsn
  #lastOrdinal = 0

  constructor(shape: Shape, pool: BlockPool, { lsn, committedAt }: Transaction) {
    this.shape = shape
    this.changes = new ChangeLog(pool)
    this.firstCommittedAt = committedAt
    this.#firstLsn = lsn
    this.#lastLsn = lsn
  }

  get first(): Position {
    return { lsn: this.#firstLsn, ordinal: this.#firstOrdinal }
  }

  get last(): Position {
    return { lsn: this.#lastLsn, ordinal: this.#lastOrdinal }
  }

  reached(lsn: Lsn, ordinal: number): void {
    if (this.#firstOrdinal === 0) this.#firstOrdinal = ordinal
    this.#lastLsn = lsn
    this.#lastOrdinal = ordinal
  }
}

export class Pending {
  readonly #pool: BlockPool
  #tables = new Map<TableId, BatchItem[]>()
  #open = new Map<TableId, OpenChunk>()
  #isEmpty = true
  #lsn: Lsn = ZERO_LSN
  #ordinal = 0
  #end = false
  #confirm: Lsn | null = null
  #rows = 0
  #bytes = 0

  constructor(pool: BlockPool) {
    this.#pool = pool
  }

  get rows(): number {
    return this.#rows
  }

  /** Bytes of the tuples. */
  get bytes(): number {
    return this.#bytes
  }

  /** Nothing to write: no change, no barrier, no end of a transaction. */
  get isEmpty(): boolean {
    return this.#isEmpty
  }

  /** The chunk to which the table's next change, of this transaction, belongs. */
  chunk(table: TableId, shape: Shape, transaction: Transaction): OpenChunk {
    let chunk = this.#open.get(table)
    if (chunk === undefined || chunk.shape !== shape) {
      chunk = new OpenChunk(shape, this.#pool, transaction)
      this.#open.set(table, chunk)
      this.#items(table).push(chunk)
    }
    chunk.changes.begin(transaction.lsn, transaction.committedAt)
    return chunk
  }

  /** Ends the table's file before it. */
  barrier(table: TableId, item: BarrierItem): void {
    this.#open.delete(table)
    this.#items(table).push(item)
  }

  /** A message of `bytes` was taken whole; its transaction goes on. */
  reached(lsn: Lsn, ordinal: number, bytes: number): void {
    this.#isEmpty = false
    this.#lsn = lsn
    this.#ordinal = ordinal
    this.#end = false
    this.#rows++
    this.#bytes += bytes
  }

  /** The transaction that ends with `to` is complete, and ends in the WAL at `endLsn`. */
  completed(to: Position, endLsn: Lsn): void {
    this.#isEmpty = false
    this.#lsn = to.lsn
    this.#ordinal = to.ordinal
    this.#end = true
    this.#confirm = endLsn
  }

  /** The transaction is complete, and the log says more where it ends. */
  marked(marks: readonly Mark[], endLsn: Lsn): void {
    const position = { lsn: endLsn, ordinal: 0 }
    for (const { table, item } of marks) this.barrier(table, { ...item, position })
    this.completed(position, endLsn)
  }

  take(): ChangeBatch | null {
    if (this.#isEmpty) return null
    const to = { lsn: this.#lsn, ordinal: this.#ordinal, end: this.#end }
    const batch = { tables: this.#tables, to, confirm: this.#confirm }
    this.#tables = new Map()
    this.#open = new Map()
    this.#isEmpty = true
    this.#confirm = null
    this.#rows = 0
    this.#bytes = 0
    return batch
  }

  #items(table: TableId): BatchItem[] {
    let items = this.#tables.get(table)
    if (items === undefined) {
      items = []
      this.#tables.set(table, items)
    }
    return items
  }
}
