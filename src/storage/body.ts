/** The pieces of a body, one after the other, whichever form it has. */

import type { Body } from '../core/object-store.ts'

export async function* piecesOf(body: Body): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) yield body
  else yield* body
}
