/**
 * Reads a data file, unpacked, and proves on the way that it is the one that the manifest names.
 *
 * The proof is complete only at the end, so a reader must not let anything take effect before it has
 * seen the last piece. Messages do not name the file: `inFile` does, for those who decode it too.
 */

import { createHash } from 'node:crypto'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'

import { CodedError, fail, hasCode } from '../core/errors.ts'
import type { ObjectStore } from '../core/object-store.ts'
import { formatOf } from './layout.ts'

/** What an entry says of its file. */
export interface NamedFile {
  readonly path: string
  readonly bytes: number
  readonly sha256: string
}

const CHUNK_BYTES = 64 * 1024

/** Rejects with OBJECT_MISSING, or with LAKE_DAMAGED if it is another file, at the end at the latest. */
export async function* readVerified(store: ObjectStore, file: NamedFile): AsyncGenerator<Buffer> {
  const proof = new Proof(file)
  const packed = proof.watch(store.read(file.path))
  if (formatOf(file.path) === 'csv.gz') yield* unzipped(packed)
  else yield* packed
  proof.check()
}

/** Adds the name of the file to what was found in it. */
export function inFile(path: string, error: unknown): unknown {
  if (!hasCode(error, 'LAKE_DAMAGED')) return error
  return new CodedError('LAKE_DAMAGED', `${path}: ${error.message}`, { cause: error })
}

class Proof {
  readonly #file: NamedFile
  #isWhole = false

  constructor(file: NamedFile) {
    this.#file = file
  }

  async *watch(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const { bytes, sha256 } = this.#file
    const hash = createHash('sha256')
    let seen = 0
    for await (const piece of pieces) {
      seen += piece.length
      if (seen > bytes) break
      hash.update(piece)
      yield piece
    }
    if (seen !== bytes) fail('LAKE_DAMAGED', `it no longer has the ${bytes} bytes it had`)
    if (hash.digest('hex') !== sha256) fail('LAKE_DAMAGED', 'it has other bytes than it had')
    this.#isWhole = true
  }

  /** The compressed content may end before the file does; then the end was never looked at. */
  check(): void {
    if (!this.#isWhole) fail('LAKE_DAMAGED', 'it goes on after its end')
  }
}

async function* unzipped(packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  // A failure of the source destroys the decompressor with that error, which ends the iteration.
  const gunzip = pipeline(packed, createGunzip({ chunkSize: CHUNK_BYTES }), () => {})
  try {
    yield* gunzip
  } catch (error) {
    if (error instanceof CodedError) throw error
    throw isOfZlib(error)
      ? new CodedError('LAKE_DAMAGED', 'it is not a whole gzip file', { cause: error })
      : error
  }
}

function isOfZlib(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
}
