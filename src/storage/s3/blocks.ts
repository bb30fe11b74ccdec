/** Cuts the pieces of a body into blocks of one size, the last of which may be shorter. */

import type { Body } from '../../core/object-store.ts'
import { piecesOf } from '../body.ts'

/**
 * A body in one piece is not copied if it is one block. Pieces are, because their writer may use the
 * same memory for the next one. An empty body has no block.
 */
export async function* blocksOf(body: Body, blockBytes: number): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array && body.length <= blockBytes) {
    if (body.length > 0) yield body
    return
  }
  let gathered: Uint8Array[] = []
  let bytes = 0
  for await (const piece of piecesOf(body)) {
    for (let at = 0; at < piece.length;) {
      const end = Math.min(piece.length, at + blockBytes - bytes)
      gathered.push(Uint8Array.prototype.slice.call(piece, at, end))
      bytes += end - at
      at = end
      if (bytes < blockBytes) continue
      yield Buffer.concat(gathered)
      gathered = []
      bytes = 0
    }
  }
  if (bytes > 0) yield Buffer.concat(gathered)
}
