/**
 * An object store in a bucket of S3, or of a server that speaks its language.
 *
 *   body ──gather──► at most 64 MiB ──one PUT with a checksum──► object
 *                    more           ──parts────complete────────► object
 *
 * S3 makes an object visible as a whole, and durable, before it answers. `If-None-Match: *` refuses a
 * key that is taken, which is the fence of the lake: without it two writers would both believe that
 * they own the log. A request whose answer got lost is sent again, so the second answer of a creator
 * may be OBJECT_EXISTS for an object of his own: he reads it to find out.
 */

import type { GetObjectCommandOutput } from '@aws-sdk/client-s3'

import { fail } from '../core/errors.ts'
import type { Body, ObjectStore, PutOptions } from '../core/object-store.ts'
import { checkKey } from './keys.ts'
import { blocksOf } from './s3/blocks.ts'
import type { S3, S3Options } from './s3/client.ts'
import { failureOf, fromS3 } from './s3/failures.ts'
import { putInParts } from './s3/multipart.ts'
import { Requests } from './s3/requests.ts'
import type { RetryParts } from './s3/retry.ts'

/** More than this goes in parts of this size. */
const BLOCK_BYTES = 64 * 1024 * 1024
/** Of one object, without a byte in between. */
const BREAKS = 5

type Content = NonNullable<GetObjectCommandOutput['Body']>

export class S3Store implements ObjectStore {
  readonly url: string
  readonly parallel = 32
  readonly #requests: Requests
  readonly #isUnfenced: boolean

  readonly #blockBytes: number

  constructor(options: S3Options, parts: RetryParts & { readonly blockBytes?: number }) {
    this.#blockBytes = parts.blockBytes ?? BLOCK_BYTES
    this.#requests = new Requests(options, parts)
    this.#isUnfenced = options.unfenced
    this.url = this.#requests.url
  }

  async put(key: string, body: Body, { ifAbsent = false }: PutOptions = {}): Promise<void> {
    checkKey(key)
    const isNew = ifAbsent && !this.#isUnfenced
    const blocks = blocksOf(body, this.#blockBytes)
    const first = await blocks.next()
    const second = await blocks.next()
    if (ifAbsent && this.#isUnfenced) await this.#refuseTaken(key)
    if (!first.done && !second.done) {
      const all = following([first.value, second.value], blocks)
      return putInParts(this.#requests, { key, isNew }, all)
    }
    await this.#putWhole(key, first.done ? new Uint8Array() : first.value, isNew)
  }

  async get(key: string): Promise<Buffer | null> {
    checkKey(key)
    const content = await this.#requests.run({
      action: 's3:GetObject',
      key,
      send: async (s3) => {
        const body = await this.#get(s3, key, 0)
        return body && body.transformToByteArray()
      },
    })
    return content && Buffer.from(content.buffer, content.byteOffset, content.byteLength)
  }

  /** A connection that breaks in the middle is made again, from the first byte that is missing. */
  async *read(key: string): AsyncGenerator<Buffer> {
    checkKey(key)
    let at = 0
    for (let breaks = 0; ;) {
      const from = at
      const body = await this.#requests.run({
        action: 's3:GetObject',
        key,
        send: (s3) => this.#get(s3, key, from),
      })
      if (body === null) fail('OBJECT_MISSING', `not in the lake: ${this.url}/${key}`)
      try {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- in Node it is a Readable
        for await (const piece of body as unknown as AsyncIterable<Buffer>) {
          at += piece.length
          yield piece
        }
        return
      } catch (error) {
        breaks = at === from ? breaks + 1 : 0
        if (breaks === BREAKS || failureOf(error).kind === 'final') throw this.#broken(error, key)
      }
    }
  }

  async *list(prefix: string, after = ''): AsyncGenerator<string> {
    const { common } = this.#requests
    const skip = this.#requests.full('').length
    for (let last = after; ;) {
      const from = last
      const page = await this.#requests.run({
        action: 's3:ListBucket',
        key: '',
        send: ({ sdk, client }) =>
          client.send(
            new sdk.ListObjectsV2Command({
              ...common,
              Prefix: this.#requests.full(prefix),
              ...(from === '' ? {} : { StartAfter: this.#requests.full(from) }),
            }),
          ),
      })
      const keys = (page.Contents ?? []).map(({ Key = '' }) => Key.slice(skip))
      for (const key of keys) yield key
      last = keys.at(-1) ?? last
      if (!page.IsTruncated || keys.length === 0) return
    }
  }

  async delete(key: string): Promise<void> {
    checkKey(key)
    const input = { ...this.#requests.common, Key: this.#requests.full(key) }
    await this.#requests.run({
      action: 's3:DeleteObject',
      key,
      isWrite: true,
      send: ({ sdk, client }) => client.send(new sdk.DeleteObjectCommand(input)),
    })
  }

  localPath(): null {
    return null
  }

  async #putWhole(key: string, bytes: Uint8Array, isNew: boolean): Promise<void> {
    const input = {
      ...this.#requests.common,
      ...this.#requests.forNew(key),
      ...this.#requests.checksum(bytes),
      ...(isNew ? { IfNoneMatch: '*' } : {}),
      Key: this.#requests.full(key),
      Body: bytes,
      ContentLength: bytes.length,
    }
    await this.#requests.run({
      action: 's3:PutObject',
      key,
      isWrite: true,
      send: ({ sdk, client }) => client.send(new sdk.PutObjectCommand(input)),
    })
  }

  /** The content from a byte on; `null` if there is no such object. */
  async #get({ sdk, client }: S3, key: string, from: number): Promise<Content | null> {
    const range = from === 0 ? {} : { Range: `bytes=${from}-` }
    const input = { ...this.#requests.common, ...range, Key: this.#requests.full(key) }
    try {
      const { Body: content } = await client.send(new sdk.GetObjectCommand(input))
      return content ?? null
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  /** All that can be done where the server has no conditional writes; two may pass at the same time. */
  async #refuseTaken(key: string): Promise<void> {
    const input = { ...this.#requests.common, Key: this.#requests.full(key) }
    const isTaken = await this.#requests.run({
      action: 's3:GetObject',
      key,
      send: async ({ sdk, client }) => {
        try {
          await client.send(new sdk.HeadObjectCommand(input))
          return true
        } catch (error) {
          if (isMissing(error)) return false
          throw error
        }
      },
    })
    if (isTaken) fail('OBJECT_EXISTS', `already written: ${this.url}/${key}`)
  }

  #broken(error: unknown, key: string): unknown {
    return fromS3(error, { action: 's3:GetObject', what: `${this.url}/${key}`, isWrite: false })
  }
}

async function* following(
  first: Uint8Array[],
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  while (first.length > 0) yield first.shift()! // which lets its memory go
  yield* rest
}

function isMissing(error: unknown): boolean {
  const { name } = failureOf(error)
  return name === 'NoSuchKey' || name === 'NotFound'
}
