/** A bucket with nothing set that can be left out. */

import type { S3Options } from '../../src/storage/s3/client.ts'

export function plainS3(bucket: string, options: Partial<S3Options> = {}): S3Options {
  return {
    bucket,
    prefix: '',
    endpoint: null,
    region: null,
    pathStyle: null,
    kmsKey: null,
    storageClass: null,
    tags: {},
    requesterPays: false,
    ownerAccount: null,
    unfenced: false,
    ...options,
  }
}
