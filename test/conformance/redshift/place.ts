/**
 * Where the conformance suite runs: on the Redshift-shaped server, and on a real cluster if one is given.
 *
 *   REDSHIFT_TEST_URL=postgres://user:password@wg.acct.eu-west-1.redshift-serverless.amazonaws.com:5439/dev
 *   REDSHIFT_TEST_S3_URI=s3://bucket/prefix/       must be readable for the role, and writable for us
 *   REDSHIFT_TEST_IAM_ROLE=arn:aws:iam::…          or `default`
 */

import { randomBytes } from 'node:crypto'

import pg from 'pg'

import type { ObjectStore } from '../../../src/core/object-store.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { S3Store } from '../../../src/storage/s3-store.ts'
import { systemClock } from '../../../src/system-clock.ts'
import { plainS3 } from '../../support/plain-s3.ts'
import { startRedshift, type RedshiftOptions } from '../../support/redshift/server.ts'

export interface Place extends AsyncDisposable {
  readonly isReal: boolean
  readonly url: string
  /** Cases leave transactions open, and are followed by a ROLLBACK. */
  readonly client: pg.Client
  /** Ends with a slash, and has the store's keys behind it. */
  readonly bucket: string
  readonly store: ObjectStore
  /** As it stands behind IAM_ROLE. */
  readonly role: string
  /** Of the suite alone. */
  readonly schema: string
}

export async function testServerPlace(
  options: Pick<RedshiftOptions, 'isolation'> = {},
): Promise<Place> {
  const store = new MemoryStore()
  const server = await startRedshift({ ...options, store })
  const { url, bucket } = server
  const close = async (): Promise<void> => {
    await server[Symbol.asyncDispose]()
  }
  return inSchema({ isReal: false, url, bucket, store, role: 'default' }, close)
}

/** `null`: none is given. */
export async function realPlace(env: NodeJS.ProcessEnv): Promise<Place | null> {
  const url = env['REDSHIFT_TEST_URL']
  const s3 = env['REDSHIFT_TEST_S3_URI']
  const role = env['REDSHIFT_TEST_IAM_ROLE']
  if (!url || !s3 || !role) return null
  const { hostname, pathname } = new URL(s3)
  const prefix = pathname.replaceAll(/^\/|\/$/g, '')
  const store = new S3Store(plainS3(hostname, { prefix, region: env['AWS_REGION'] ?? null }), {
    clock: systemClock,
    random: Math.random,
  })
  const bucket = `s3://${hostname}/${prefix === '' ? '' : `${prefix}/`}`
  const named = role === 'default' ? role : `'${role}'`
  return inSchema({ isReal: true, url, bucket, store, role: named }, () => Promise.resolve())
}

async function inSchema(
  parts: Omit<Place, 'client' | 'schema' | typeof Symbol.asyncDispose>,
  close: () => Promise<void>,
): Promise<Place> {
  const schema = `cdc_conf_${randomBytes(4).toString('hex')}`
  const client = await connect(parts.url)
  await client.query(`CREATE SCHEMA "${schema}"`)
  return {
    ...parts,
    client,
    schema,
    async [Symbol.asyncDispose]() {
      await client.query(`DROP SCHEMA "${schema}" CASCADE`)
      await client.end()
      await close()
    },
  }
}

async function connect(url: string): Promise<pg.Client> {
  const isLocal = new URL(url).hostname === '127.0.0.1'
  const client = new pg.Client({
    connectionString: url,
    ssl: isLocal ? false : { rejectUnauthorized: true },
  })
  client.on('error', () => {})
  await client.connect()
  return client
}
