/**
 * The requests to one bucket: each with the options of the configuration, tried again where that may
 * help, and with the code of its failure.
 *
 * A client whose credentials have expired is given up, so that the next request asks for new ones.
 */

import type { PutObjectCommandInput } from '@aws-sdk/client-s3'

import { hasCode } from '../../core/errors.ts'
import { crc, md5 } from './checksum.ts'
import { openS3, type S3, type S3Options } from './client.ts'
import { fromS3, type Attempted } from './failures.ts'
import { Retries, type RetryParts } from './retry.ts'

export interface Request<T> {
  /** As IAM calls it: `s3:PutObject`. */
  readonly action: string
  readonly key: string
  readonly isWrite?: boolean
  readonly send: (s3: S3) => Promise<T>
}

type Common = Pick<PutObjectCommandInput, 'Bucket' | 'RequestPayer' | 'ExpectedBucketOwner'>
type ForNew = Pick<
  PutObjectCommandInput,
  'ServerSideEncryption' | 'SSEKMSKeyId' | 'BucketKeyEnabled' | 'StorageClass' | 'Tagging'
>

/** What the lake keeps for itself, and no lifecycle should move. */
const OWN_PREFIX = '_millrace/'

export class Requests {
  readonly url: string
  readonly #options: S3Options
  readonly #retries: Retries
  #s3: Promise<S3> | null = null

  constructor(options: S3Options, parts: RetryParts) {
    const { bucket, prefix } = options
    this.url = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`
    this.#options = options
    this.#retries = new Retries(parts)
  }

  async run<T>({ action, key, isWrite = false, send }: Request<T>): Promise<T> {
    const what = key === '' ? this.url : `${this.url}/${key}`
    return this.translated({ action, what, isWrite }, () =>
      this.#retries.run(async () => send(await this.#open())),
    )
  }

  async translated<T>(attempted: Attempted, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const coded = fromS3(error, attempted)
      if (hasCode(coded, 'CREDENTIALS_EXPIRED')) this.#s3 = null
      throw coded
    }
  }

  /** The key as the bucket has it. */
  full(key: string): string {
    const { prefix } = this.#options
    return prefix === '' ? key : `${prefix}/${key}`
  }

  /** What every request says. */
  get common(): Common {
    const { bucket, requesterPays, ownerAccount } = this.#options
    return {
      Bucket: bucket,
      ...(requesterPays ? { RequestPayer: 'requester' } : {}),
      ...(ownerAccount === null ? {} : { ExpectedBucketOwner: ownerAccount }),
    }
  }

  /** What a request says that makes an object. */
  forNew(key: string): ForNew {
    const { kmsKey, storageClass, tags } = this.#options
    const tagging = new URLSearchParams(tags).toString()
    return {
      ...(kmsKey === null
        ? {}
        : { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKey, BucketKeyEnabled: true }),
      ...(storageClass === null || key.startsWith(OWN_PREFIX)
        ? {}
        : // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- S3 knows which there are
          { StorageClass: storageClass as NonNullable<PutObjectCommandInput['StorageClass']> }),
      ...(tagging === '' ? {} : { Tagging: tagging }),
    }
  }

  checksum(bytes: Uint8Array): Pick<PutObjectCommandInput, 'ChecksumCRC32' | 'ContentMD5'> {
    return this.#options.endpoint === null
      ? { ChecksumCRC32: crc(bytes) }
      : { ContentMD5: md5(bytes) }
  }

  #open(): Promise<S3> {
    if (this.#s3 !== null) return this.#s3
    const opening = openS3(this.#options)
    this.#s3 = opening
    opening.catch(() => (this.#s3 = null))
    return opening
  }
}
