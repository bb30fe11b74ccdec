/**
 * Objects that are too large for one request: parts, which become an object at the end or never.
 *
 * The end is as fenced as a single PUT: it says `If-None-Match: *`, and S3 looks at that moment
 * whether the key is taken. Whatever fails, the parts are thrown away; a process that dies here
 * leaves them to the bucket's lifecycle rule (AbortIncompleteMultipartUpload).
 */

import type { CompletedPart } from '@aws-sdk/client-s3'

import { fail } from '../../core/errors.ts'
import { md5 } from './checksum.ts'
import type { Requests } from './requests.ts'

export interface Upload {
  readonly key: string
  readonly isNew: boolean
}

/** The highest number that a part may have. */
const MOST_PARTS = 10_000

export async function putInParts(
  requests: Requests,
  upload: Upload,
  blocks: AsyncIterable<Uint8Array>,
): Promise<void> {
  const { key } = upload
  const id = await begin(requests, key)
  try {
    const parts: CompletedPart[] = []
    for await (const block of blocks) {
      const number = parts.length + 1
      if (number > MOST_PARTS) fail('LAKE_UNWRITABLE', `${key} is too large for S3`)
      parts.push(await putPart(requests, { key, id, number }, block))
    }
    await complete(requests, { ...upload, id }, parts)
  } catch (error) {
    await abort(requests, key, id)
    throw error
  }
}

async function begin(requests: Requests, key: string): Promise<string> {
  const input = { ...requests.common, ...requests.forNew(key), Key: requests.full(key) }
  const { UploadId } = await requests.run({
    action: 's3:PutObject',
    key,
    isWrite: true,
    send: ({ sdk, client }) => client.send(new sdk.CreateMultipartUploadCommand(input)),
  })
  return UploadId ?? fail('LAKE_UNWRITABLE', `the server gave no upload id for ${key}`)
}

async function putPart(
  requests: Requests,
  { key, id, number }: { readonly key: string; readonly id: string; readonly number: number },
  block: Uint8Array,
): Promise<CompletedPart> {
  const input = {
    ...requests.common,
    ContentMD5: md5(block),
    Key: requests.full(key),
    UploadId: id,
    PartNumber: number,
    Body: block,
  }
  const { ETag } = await requests.run({
    action: 's3:PutObject',
    key,
    isWrite: true,
    send: ({ sdk, client }) => client.send(new sdk.UploadPartCommand(input)),
  })
  if (ETag === undefined) return fail('LAKE_UNWRITABLE', `the server gave no ETag for ${key}`)
  return { PartNumber: number, ETag }
}

async function complete(
  requests: Requests,
  { key, id, isNew }: Upload & { readonly id: string },
  parts: CompletedPart[],
): Promise<void> {
  const input = {
    ...requests.common,
    ...(isNew ? { IfNoneMatch: '*' } : {}),
    Key: requests.full(key),
    UploadId: id,
    MultipartUpload: { Parts: parts },
  }
  await requests.run({
    action: 's3:PutObject',
    key,
    isWrite: true,
    send: ({ sdk, client }) => client.send(new sdk.CompleteMultipartUploadCommand(input)),
  })
}

/** Best effort: what stays behind costs a little, but is no object. */
async function abort(requests: Requests, key: string, id: string): Promise<void> {
  const input = { ...requests.common, Key: requests.full(key), UploadId: id }
  await requests
    .run({
      action: 's3:AbortMultipartUpload',
      key,
      isWrite: true,
      send: ({ sdk, client }) => client.send(new sdk.AbortMultipartUploadCommand(input)),
    })
    .catch(() => {})
}
