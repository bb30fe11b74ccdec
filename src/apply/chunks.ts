/**
 * The rows of a piece, folded in chunks.
 *
 * Memory holds one chunk: it ends at the limits, and what follows is the next chunk of the same
 * transaction. A file is taken whole, so that the two halves of a changed key stay together. Where
 * deleted rows are kept, a chunk also ends at a truncate: the rows before it are in the target then,
 * and are marked with the others.
 */

import type { BlockPool, ChangeCursor, ChangeLog } from '../core/change-log.ts'
import { Fold } from '../core/fold.ts'
import { keptChanges, type KeptFile } from '../core/kept-rows.ts'
import { DELETED_AT, shapeOfRows, type Mode } from '../core/mode.ts'
import type { Shape } from '../core/table.ts'
import type { Step, TargetTable } from '../core/target.ts'
import { isFull, type Limits, type Size } from './log.ts'
import type { FilePiece } from './pieces.ts'

/** What was done, for the events: rows that were folded, and rows of the log they stand for. */
export interface Tally {
  rows: number
  changes: number
}

export interface ChunkOptions {
  readonly table: TargetTable
  /** Of the table at the source. */
  readonly shape: Shape
  readonly mode: Mode
  readonly pool: BlockPool
  readonly limits: Limits
  readonly tally: Tally
}

export class Chunks {
  readonly #options: ChunkOptions
  /** Of the rows, with what the mode adds. */
  readonly #shape: Shape
  #fold: Fold
  #size: Size = { rows: 0, bytes: 0 }

  constructor(options: ChunkOptions) {
    this.#options = options
    this.#shape = shapeOfRows(options.shape, options.mode)
    this.#fold = new Fold(this.#shape, options.mode)
  }

  /** Takes the changes of a file; yields the steps of what is full. */
  *take({ entry, from }: FilePiece, changes: ChangeLog): Generator<Step> {
    const { mode, tally, limits } = this.#options
    this.#size.rows += changes.rows
    this.#size.bytes += changes.bytes
    const { i, u, d } = entry.rows
    tally.changes += i + u + d
    if (mode !== 'mirror')
      yield* this.#keep({ mode, from, shape: this.#options.shape, order: entry.order }, changes)
    else if (from === null) this.#fold.add(changes)
    else this.#fold.add(changes, (change: ChangeCursor) => change.commitLsn >= from)
    if (isFull(this.#size, limits)) yield* this.rest()
  }

  /** The steps of what was taken and not yielded yet. */
  *rest(): Generator<Step> {
    const { table, mode, tally } = this.#options
    const rows = this.#fold.finish()
    const count = rows.upserts + rows.deletes
    if (this.#fold.isTruncated) yield { type: 'truncate', table }
    if (count > 0) {
      const appends = mode === 'history'
      yield { type: 'fold', table, shape: this.#shape, rows, ...(appends && { appends }) }
    }
    tally.rows += count
    this.#fold.release()
    this.#fold = new Fold(this.#shape, mode)
    this.#size = { rows: 0, bytes: 0 }
  }

  *#keep(file: KeptFile, changes: ChangeLog): Generator<Step> {
    const { table, pool } = this.#options
    for (const kept of keptChanges(changes, file, pool)) {
      this.#fold.add(kept.changes)
      if (kept.emptiedAt === null) continue
      yield* this.rest()
      const value = kept.emptiedAt
      yield { type: 'mark', table, shape: this.#shape, column: DELETED_AT, value }
    }
  }

  /** Gives the memory back. */
  release(): void {
    this.#fold.release()
  }
}
