/** Where a lake is: a folder, or a bucket and what its keys begin with. */

import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export type LakePlace = FolderPlace | BucketPlace

interface FolderPlace {
  readonly type: 'folder'
  /** Absolute. */
  readonly folder: string
}

interface BucketPlace {
  readonly type: 's3'
  readonly bucket: string
  /** Empty, or without a `/` at its begin and end. */
  readonly prefix: string
  readonly region: string | null
  readonly endpoint: string | null
  readonly pathStyle: boolean | null
  readonly kmsKey: string | null
  readonly storageClass: string | null
  readonly tags: Readonly<Record<string, string>>
  readonly requesterPays: boolean
  readonly ownerAccount: string | null
  readonly unfenced: boolean
}

/** What a URL of a lake names; a folder may still be relative. */
export type LakeUrl =
  | { readonly folder: string }
  | { readonly bucket: string; readonly prefix: string }
  | { readonly problem: string }

const EXPECTED = 'expected a folder such as ./lake, or a bucket such as s3://bucket/prefix'
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/
const DIRECTORY_BUCKET = /--x-s3$/

export function parseLakeUrl(url: string): LakeUrl {
  const [, scheme] = /^([a-z][a-z0-9+.-]+):\/\//i.exec(url) ?? []
  if (scheme === undefined) return { folder: url }
  if (scheme === 's3') return parseBucket(url.slice('s3://'.length))
  if (scheme === 'file' && URL.canParse(url)) {
    const { host } = new URL(url)
    if (host === '' || host === 'localhost') return { folder: fileURLToPath(url) }
  }
  return { problem: EXPECTED }
}

export function isBucketUrl(url: string): boolean {
  return 'bucket' in parseLakeUrl(url)
}

/** For people. */
export function lakeUrlOf(place: LakePlace): string {
  if (place.type === 'folder') return place.folder
  return [`s3://${place.bucket}`, place.prefix].filter((part) => part !== '').join('/')
}

export function folderPlace(base: string, folder: string): FolderPlace {
  return { type: 'folder', folder: resolve(base, folder) }
}

function parseBucket(rest: string): LakeUrl {
  const [bucket = '', ...folders] = rest.split('/')
  if (!BUCKET.test(bucket)) return { problem: `"${bucket}" cannot be the name of a bucket` }
  if (DIRECTORY_BUCKET.test(bucket)) {
    // A restart asks for what comes after a key, and these list in no order.
    return {
      problem: 'a directory bucket (S3 Express) lists its keys in no order, which a lake needs',
    }
  }
  if (folders.at(-1) === '') folders.pop()
  const isPrefix = folders.every((part) => part !== '' && part !== '.' && part !== '..')
  if (!isPrefix) return { problem: 'a prefix has no //, no . and no .. in it' }
  return { bucket, prefix: folders.join('/') }
}
