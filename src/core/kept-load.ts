/** Rows of a load as a mode keeps them: with the values of the columns that it adds, which are the same for all. */

import { fieldsOf } from './kept-rows.ts'
import type { Lsn } from './lsn.ts'
import { addedBy, type Mode } from './mode.ts'
import type { Shape } from './table.ts'
import type { LoadPart, TupleBlock } from './target.ts'

/** The place of a load in the order of the table, and when it began, as text. */
export interface LoadStamp {
  readonly order: number
  readonly lsn: Lsn
  readonly at: string
}

export function keptPart(part: LoadPart, mode: Mode, stamp: LoadStamp): LoadPart {
  const added = addedBy(mode)
  if (added === 0) return part
  const suffix = fieldsOf(mode === 'history' ? ['I', ...placeOf(stamp)] : [null])
  async function* read(): AsyncGenerator<TupleBlock> {
    for await (const block of part.read()) yield extended(block, suffix, added)
  }
  return { ...part, localPath: null, read }
}

/** The version that says: what was before is void, here a load begins. */
export function emptiedRow({ columns }: Shape, stamp: LoadStamp): Buffer {
  const values = Array.from<null>({ length: columns.length }).fill(null)
  const own = ['T', ...placeOf(stamp)]
  const count = Buffer.alloc(2)
  count.writeUInt16BE(columns.length + own.length)
  return Buffer.concat([count, fieldsOf([...values, ...own])])
}

function placeOf({ order, lsn, at }: LoadStamp): string[] {
  return [String(order), String(lsn), '0', at]
}

function extended({ bytes, starts }: TupleBlock, suffix: Buffer, added: number): TupleBlock {
  const rows = starts.length - 1
  const result = Buffer.allocUnsafe(bytes.length + rows * suffix.length)
  const ends = [0]
  let at = 0
  for (let i = 0; i < rows; i++) {
    const [start, end] = [starts[i]!, starts[i + 1]!]
    result.writeUInt16BE(bytes.readUInt16BE(start) + added, at)
    bytes.copy(result, at + 2, start + 2, end)
    at += end - start
    suffix.copy(result, at)
    at += suffix.length
    ends.push(at)
  }
  return { bytes: result.subarray(0, at), starts: ends }
}
