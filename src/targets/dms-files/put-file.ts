/**
 * Writes a file once, however often it is asked for.
 *
 * A file is created only if its name is free. If it is taken by the same content, it was us, in a life
 * before or in another worker; then nothing is written, so nobody who watches the bucket hears of the
 * file twice. Anything else is the file of somebody else, and we stop.
 */

import { createHash } from 'node:crypto'
import { pipeline, Readable } from 'node:stream'
import { createGunzip, createGzip } from 'node:zlib'

import { fail, hasCode } from '../../core/errors.ts'
import type { ObjectStore } from '../../core/object-store.ts'

export interface PutFile {
  readonly key: string
  readonly isGzip: boolean
}

/** All of `body` is read in any case. */
export async function putFile(
  store: ObjectStore,
  { key, isGzip }: PutFile,
  body: AsyncIterable<Buffer>,
): Promise<void> {
  const hash = createHash('sha256')
  async function* hashed(): AsyncGenerator<Buffer> {
    for await (const piece of body) {
      hash.update(piece)
      yield piece
    }
  }
  const plain = hashed()
  // A store may turn away before the end, and we want to go on reading.
  const lent: AsyncIterable<Buffer> = {
    [Symbol.asyncIterator]: () => ({ next: () => plain.next() }),
  }
  try {
    await store.put(key, isGzip ? throughZlib(lent, createGzip()) : lent, { ifAbsent: true })
  } catch (error) {
    if (!hasCode(error, 'OBJECT_EXISTS')) throw error
    // oxlint-disable-next-line no-unused-vars -- reading is what matters
    for await (const _ of plain);
    const there = isGzip ? throughZlib(store.read(key), createGunzip()) : store.read(key)
    if ((await sha256(there)) === hash.digest('hex')) return
    fail('TARGET_FILE_TAKEN', `${store.url}/${key} is there already, with another content`)
  }
}

async function sha256(pieces: AsyncIterable<Uint8Array>): Promise<string | null> {
  const hash = createHash('sha256')
  try {
    for await (const piece of pieces) hash.update(piece)
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))
      return null
    throw error
  }
  return hash.digest('hex')
}

function throughZlib(
  pieces: AsyncIterable<Uint8Array>,
  zlib: ReturnType<typeof createGzip> | ReturnType<typeof createGunzip>,
): AsyncIterable<Buffer> {
  const source = Readable.from(pieces, { objectMode: true, highWaterMark: 1 })
  // A failure of the source destroys the compressor with that error, which ends the iteration.
  return pipeline(source, zlib, () => {})
}
