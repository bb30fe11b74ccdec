/**
 * Turns pieces of work into the steps of a target, one by one.
 *
 * A step is made when the target asks for it, so memory holds one folded chunk, however long the work
 * is: a chunk ends at the limits, and what follows is the next chunk of the same transaction. A
 * failure here is marked with the table it belongs to, so that this table alone can be suspended.
 */

import type { BlockPool, ChangeCursor } from '../core/change-log.ts'
import { Fold } from '../core/fold.ts'
import { tableName, type Shape } from '../core/table.ts'
import type { Step, TargetTable } from '../core/target.ts'
import { ofTable } from './faults.ts'
import { isFull, type Limits, type Log, type ShapeReader, type Size } from './log.ts'
import { requireKey } from './mirrored.ts'
import type { FilePiece, Piece, RowsPiece } from './pieces.ts'

export interface StepParts {
  readonly log: Pick<Log, 'readChanges'>
  readonly shapes: ShapeReader
  readonly pool: BlockPool
  readonly limits: Limits
}

/** What was done, for the events: rows that were folded, and rows of the log they stand for. */
export interface Tally {
  rows: number
  changes: number
}

export interface StepOptions {
  /** The pieces are of a load's shadow table. */
  readonly isShadow: boolean
  readonly tally: Tally
}

export async function* stepsOf(
  pieces: readonly Piece[],
  parts: StepParts,
  options: StepOptions,
): AsyncGenerator<Step> {
  for (const piece of pieces) {
    try {
      yield* stepsOfPiece(piece, parts, options)
    } catch (error) {
      throw ofTable(error, piece.table)
    }
  }
}

async function* stepsOfPiece(
  piece: Piece,
  parts: StepParts,
  options: StepOptions,
): AsyncGenerator<Step> {
  const table: TargetTable = { name: tableName(piece.table), isShadow: options.isShadow }
  const { shapes } = parts
  switch (piece.type) {
    case 'create': {
      const shape = await shapes.read(piece.shape)
      requireKey(shape)
      yield { type: 'create', table, shape }
      return
    }
    case 'rows':
      if (piece.isTruncated) yield { type: 'truncate', table }
      yield* foldsOf(piece, parts, { table, tally: options.tally })
      return
    case 'alter': {
      const [from, to] = [await shapes.read(piece.from), await shapes.read(piece.to)]
      requireKey(to)
      yield { type: 'alter', table, from, to, defaults: piece.defaults }
      return
    }
    case 'rename':
      yield { type: 'rename', from: table.name, to: tableName(piece.to) }
      return
    case 'drop':
      yield { type: 'drop', table: { name: table.name, isShadow: piece.isShadow } }
  }
}

async function* foldsOf(
  piece: RowsPiece,
  parts: StepParts,
  { table, tally }: { readonly table: TargetTable; readonly tally: Tally },
): AsyncGenerator<Step> {
  if (piece.files.length === 0) return
  const shape = await parts.shapes.read(piece.shape)
  let fold = new Fold(shape)
  let size = { rows: 0, bytes: 0 }
  try {
    for (const file of piece.files) {
      await addFile(fold, file, { ...parts, size })
      const { i, u, d } = file.entry.rows
      tally.changes += i + u + d
      if (!isFull(size, parts.limits)) continue
      yield* stepsOfFold(fold, { table, shape, tally })
      fold.release()
      fold = new Fold(shape)
      size = { rows: 0, bytes: 0 }
    }
    yield* stepsOfFold(fold, { table, shape, tally })
  } finally {
    fold.release()
  }
}

function* stepsOfFold(
  fold: Fold,
  chunk: { readonly table: TargetTable; readonly shape: Shape; readonly tally: Tally },
): Generator<Step> {
  const { table, shape, tally } = chunk
  const rows = fold.finish()
  const count = rows.upserts + rows.deletes
  if (fold.isTruncated) yield { type: 'truncate', table }
  if (count > 0) yield { type: 'fold', table, shape, rows }
  tally.rows += count
}

/** A file is taken whole, so that the two halves of a changed key stay together. */
async function addFile(
  fold: Fold,
  { entry, from }: FilePiece,
  { log, pool, size }: Pick<StepParts, 'log' | 'pool'> & { readonly size: Size },
): Promise<void> {
  const changes = await log.readChanges(entry, pool)
  size.rows += changes.rows
  size.bytes += changes.bytes
  if (from === null) fold.add(changes)
  else fold.add(changes, (change: ChangeCursor) => change.commitLsn >= from)
}
