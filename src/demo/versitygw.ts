/**
 * Where versitygw is: the S3 server that the demo and the tests of buckets run on.
 *
 * It is a program in Go, which npm does not carry, so it is built once and kept among what can be made
 * again. Nobody needs it who has a bucket.
 */

import { join } from 'node:path'

import { cacheFolder } from './cache-folder.ts'

export const VERSITYGW = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0'

export interface VersitygwPlace {
  /** It appears whole. */
  readonly folder: string
  readonly program: string
}

export async function versitygwPlace(): Promise<VersitygwPlace> {
  const [, version = ''] = VERSITYGW.split('@v')
  const name = `versitygw-${version}-${process.platform}-${process.arch}`
  const folder = join(await cacheFolder(null), name)
  return { folder, program: join(folder, 'versitygw') }
}
