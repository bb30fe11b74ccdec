/**
 * Turns pieces of work into the steps of a target, one by one.
 *
 * A step is made when the target asks for it, so memory holds one folded chunk, however long the work
 * is (`chunks.ts`). A failure here is marked with the table it belongs to, so that this table alone can
 * be suspended. Small files are read a few ahead (`files-ahead.ts`).
 */

import type { BlockPool } from '../core/change-log.ts'
import type { ChangesEntry } from '../core/manifest.ts'
import { tableName } from '../core/table.ts'
import type { Step, TargetTable } from '../core/target.ts'
import { Chunks, type Tally } from './chunks.ts'
import { ofTable } from './faults.ts'
import { FilesAhead } from './files-ahead.ts'
import { modeOf, sourceKey } from './forms.ts'
import type { Limits, Log, ShapeReader } from './log.ts'
import { requireKey } from './mirrored.ts'
import type { OnDrop } from './parts.ts'
import type { Piece, RowsPiece } from './pieces.ts'

export interface StepParts {
  readonly log: Pick<Log, 'readChanges'>
  readonly shapes: ShapeReader
  readonly pool: BlockPool
  readonly limits: Limits
  readonly onDrop?: OnDrop
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
  const { log, pool, limits } = parts
  await using files = new FilesAhead(pieces.flatMap(entriesOf), {
    read: (entry) => log.readChanges(entry, pool),
    limits,
  })
  for (const piece of pieces) {
    try {
      yield* stepsOfPiece(piece, { ...parts, files }, options)
    } catch (error) {
      throw ofTable(error, piece.table)
    }
  }
}

function entriesOf(piece: Piece): ChangesEntry[] {
  return piece.type === 'rows' ? piece.files.map(({ entry }) => entry) : []
}

interface PieceParts extends StepParts {
  readonly files: FilesAhead
}

async function* stepsOfPiece(
  piece: Piece,
  parts: PieceParts,
  options: StepOptions,
): AsyncGenerator<Step> {
  const table: TargetTable = { name: tableName(piece.table), isShadow: options.isShadow }
  const { shapes } = parts
  switch (piece.type) {
    case 'create': {
      const shape = await shapes.read(piece.shape)
      requireKey(shape, modeOf(piece.shape))
      yield { type: 'create', table, shape }
      return
    }
    case 'rows':
      if (piece.isTruncated) yield { type: 'truncate', table }
      yield* foldsOf(piece, parts, { table, tally: options.tally })
      return
    case 'alter': {
      const [from, to] = [await shapes.read(piece.from), await shapes.read(piece.to)]
      requireKey(to, modeOf(piece.to))
      const { defaults } = piece
      const dropsColumns = parts.onDrop?.column === 'drop'
      yield { type: 'alter', table, from, to, defaults, ...(dropsColumns && { dropsColumns }) }
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
  { files, shapes, pool, limits }: PieceParts,
  { table, tally }: { readonly table: TargetTable; readonly tally: Tally },
): AsyncGenerator<Step> {
  if (piece.files.length === 0) return
  const shape = await shapes.read(sourceKey(piece.shape))
  const mode = modeOf(piece.shape)
  const chunks = new Chunks({ table, shape, mode, pool, limits, tally })
  try {
    for (const file of piece.files) yield* chunks.take(file, await files.take())
    yield* chunks.rest()
  } finally {
    chunks.release()
  }
}
