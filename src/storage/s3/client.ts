/**
 * The one place that knows `@aws-sdk/client-s3`: loads it, and makes a client of it.
 *
 * The package is an optional peer, since a lake in a folder needs none of it. Credentials come from
 * where every AWS program takes them: the environment, shared files, SSO, a web identity, the
 * container or the machine. The client itself never retries, because `retry.ts` does.
 */

import type * as Package from '@aws-sdk/client-s3'

import { CodedError, fail } from '../../core/errors.ts'

export interface S3Options {
  readonly bucket: string
  /** What every key begins with: empty, or without a `/` at its begin and end. */
  readonly prefix: string
  readonly region: string | null
  /** Of a server that is not AWS, as a URL. */
  readonly endpoint: string | null
  /** The bucket in the path of the URL, not in its host; `null` for what the server most likely wants. */
  readonly pathStyle: boolean | null
  readonly kmsKey: string | null
  /** Of data files; what stands under `_millrace/` is small and read often. */
  readonly storageClass: string | null
  readonly tags: Readonly<Record<string, string>>
  readonly requesterPays: boolean
  /** The AWS account that must own the bucket. */
  readonly ownerAccount: string | null
  /** The server has no conditional writes, and the operator swears that there is one writer. */
  readonly unfenced: boolean
}

export interface S3 {
  readonly sdk: typeof Package
  readonly client: Package.S3Client
}

/** Requests at the same time: the files of a flush, loads, and those who read beside them. */
const MAX_SOCKETS = 64
const CONNECT_MS = 5000
/** Without a byte in either direction. */
const IDLE_MS = 30_000

const SILENT = { debug() {}, info() {}, warn() {}, error() {} }

export async function openS3(options: S3Options): Promise<S3> {
  const sdk = await loadPackage()
  const { endpoint, region, pathStyle } = options
  const sockets = { keepAlive: true, maxSockets: MAX_SOCKETS }
  const where = endpoint === null ? {} : { endpoint, region: region ?? 'us-east-1' }
  const client = new sdk.S3Client({
    ...(region === null ? {} : { region }),
    ...where,
    forcePathStyle: pathStyle ?? endpoint !== null,
    maxAttempts: 1,
    // We send a checksum with every object ourselves, in a header that all servers understand.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // It would cost a new connection for every body of more than 2 MiB.
    expectContinueHeader: false,
    logger: SILENT,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: IDLE_MS,
      httpAgent: sockets,
      httpsAgent: sockets,
      logger: SILENT,
    },
  })
  await requireRegion(client)
  return { sdk, client }
}

async function requireRegion(client: Package.S3Client): Promise<void> {
  try {
    await client.config.region()
  } catch (cause) {
    fail('CONFIG_INVALID', 'nothing says in which region the bucket is', {
      cause,
      hint: 'set lake.s3.region, or AWS_REGION in the environment',
    })
  }
}

async function loadPackage(): Promise<typeof Package> {
  // The package warns on Node 20 of what its later versions want; ours is the one that is installed.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true'
  try {
    return await import('@aws-sdk/client-s3')
  } catch (cause) {
    throw new CodedError(
      'PACKAGE_MISSING',
      'a lake in a bucket needs the package @aws-sdk/client-s3',
      {
        cause,
        hint: 'run: npm install @aws-sdk/client-s3',
      },
    )
  }
}
