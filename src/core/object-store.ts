/**
 * Named, immutable blobs: the whole of what the lake needs from a disk or a bucket.
 *
 * An object appears whole or not at all, and is never seen half-written. When `put` resolves the
 * object is durable: it survives the loss of this process and of power (folder) or of this machine
 * (S3). Keys are relative, `/`-separated, and never begin with `/`.
 */

/** Bytes, or the pieces of them in order; a store may begin to write before the last piece exists. */
export type Body = Uint8Array | AsyncIterable<Uint8Array>

export interface PutOptions {
  /** Reject with OBJECT_EXISTS, and change nothing, if there is such an object already. */
  readonly ifAbsent?: boolean
}

export interface ObjectStore {
  /** For people: `s3://bucket/prefix`, `/var/lake`. */
  readonly url: string

  /** How many puts at the same time serve it well; 4 if it does not say. */
  readonly parallel?: number

  put(key: string, body: Body, options?: PutOptions): Promise<void>

  /** Resolves to `null` when there is no such object. */
  get(key: string): Promise<Buffer | null>

  /** The content in pieces, for files that are better not held whole. Rejects with OBJECT_MISSING. */
  read(key: string): AsyncIterable<Buffer>

  /** Keys that start with `prefix`, in byte order, from the first one greater than `after`. */
  list(prefix: string, after?: string): AsyncIterable<string>

  /** Removing what is not there is not an error. */
  delete(key: string): Promise<void>

  /** Removes what writers that were killed have left unfinished in a folder; left out where nothing can be. */
  readonly tidy?: (folder: string) => Promise<void>

  /** The path by which other programs of this machine can read the object; `null` if there is none. */
  localPath(key: string): string | null
}
