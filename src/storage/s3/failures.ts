/**
 * What the errors of the AWS SDK mean: whether to try again, and which code they get in the end.
 *
 * S3 answers with a name (`SlowDown`) and an HTTP status; the network with Node's codes; the search
 * for credentials with names of its own. Servers other than AWS do not always know the names, so the
 * status counts where the name says nothing.
 */

import { CodedError, type ErrorCode } from '../../core/errors.ts'

export interface Failure {
  /** The name of the error; `Unknown` if there is none. */
  readonly name: string
  readonly status: number | null
  readonly kind: 'transient' | 'throttled' | 'final'
  readonly retryAfterMs: number | null
}

const THROTTLED = new Set([
  'SlowDown', 'SlowDownRead', 'SlowDownWrite', 'ServiceUnavailable', 'Throttling', 'ThrottlingException',
  'ThrottledException', 'TooManyRequests', 'TooManyRequestsException', 'RequestLimitExceeded',
  'BandwidthLimitExceeded', 'RequestThrottled', 'RequestThrottledException', 'PriorRequestNotComplete',
]) // prettier-ignore

const TRANSIENT = new Set([
  // Somebody else writes the same key at this moment; the next try finds out who was first.
  'ConditionalRequestConflict', 'OperationAborted',
  'InternalError', 'RequestTimeout', 'IncompleteBody', 'BadDigest', 'XAmzContentChecksumMismatch',
  'TimeoutError',
  // A server that keeps objects as files (versitygw) removed a folder that had become empty, just
  // when we wanted to put something in it. It calls every failure to make a folder so.
  'ExistingObjectIsDirectory',
  // The SDK has set its clock by the answer, so the next try has the right time.
  'RequestTimeTooSkewed',
]) // prettier-ignore

const NETWORK = new Set([
  'ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH',
  'ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN', 'EPROTO', 'ERR_STREAM_PREMATURE_CLOSE',
]) // prettier-ignore

const MEANING: Readonly<Record<string, ErrorCode>> = {
  PreconditionFailed: 'OBJECT_EXISTS',
  NoSuchBucket: 'BUCKET_MISSING',
  PermanentRedirect: 'BUCKET_ELSEWHERE',
  AuthorizationHeaderMalformed: 'BUCKET_ELSEWHERE',
  IllegalLocationConstraintException: 'BUCKET_ELSEWHERE',
  ExpiredToken: 'CREDENTIALS_EXPIRED',
  ExpiredTokenException: 'CREDENTIALS_EXPIRED',
  TokenRefreshRequired: 'CREDENTIALS_EXPIRED',
  CredentialsProviderError: 'CREDENTIALS_MISSING',
  TokenProviderError: 'CREDENTIALS_EXPIRED',
  InvalidAccessKeyId: 'CREDENTIALS_REFUSED',
  SignatureDoesNotMatch: 'CREDENTIALS_REFUSED',
  InvalidToken: 'CREDENTIALS_REFUSED',
  RequestTimeTooSkewed: 'CLOCK_WRONG',
  QuotaExceeded: 'DISK_FULL',
  // Of all that we ask for, conditional writes are what a server may lack.
  NotImplemented: 'LAKE_UNFENCED',
}

export function failureOf(error: unknown): Failure {
  const name = error instanceof Error ? error.name : 'Unknown'
  const status = numberOr(field(field(error, '$metadata'), 'httpStatusCode'), null)
  const seconds = numberOr(headerOf(error, 'retry-after'), null)
  return {
    name,
    status,
    kind: kindOf(name, status, error),
    retryAfterMs: seconds === null ? null : seconds * 1000,
  }
}

/** What was tried: `s3:PutObject` on a key, for writing or not. */
export interface Attempted {
  readonly action: string
  readonly what: string
  readonly isWrite: boolean
}

/** The error with its code; an error that neither S3 nor the network made stays what it is. */
export function fromS3(error: unknown, attempted: Attempted): unknown {
  if (error instanceof CodedError || !(error instanceof Error)) return error
  const { action, what, isWrite } = attempted
  const failure = failureOf(error)
  const { name, status, kind } = failure
  const code = MEANING[name] ?? codeByKind(failure, isWrite)
  if (code === null) return error
  if (code === 'OBJECT_EXISTS')
    return new CodedError(code, `already written: ${what}`, { cause: error })
  const said = error.message === '' || error.message === name ? name : `${name}: ${error.message}`
  const hint = hintFor(code, { action, error })
  return new CodedError(code, `${action} of ${what} failed: ${said}`, {
    cause: error,
    details: {
      action,
      ...(status === null ? {} : { status }),
      ...(kind === 'final' ? {} : { kind }),
    },
    ...(hint === null ? {} : { hint }),
  })
}

function kindOf(name: string, status: number | null, error: unknown): Failure['kind'] {
  if (THROTTLED.has(name) || status === 503 || status === 429) return 'throttled'
  if (status === 501) return 'final'
  if (TRANSIENT.has(name) || (status !== null && status >= 500)) return 'transient'
  const code = field(error, 'code')
  return typeof code === 'string' && NETWORK.has(code) ? 'transient' : 'final'
}

function codeByKind({ kind, status }: Failure, isWrite: boolean): ErrorCode | null {
  if (kind !== 'final') return 'LAKE_UNREACHABLE'
  if (status === 301) return 'BUCKET_ELSEWHERE'
  if (status === 412) return 'OBJECT_EXISTS'
  if (status === null) return null
  return isWrite ? 'LAKE_UNWRITABLE' : 'LAKE_UNREADABLE'
}

function hintFor(
  code: ErrorCode,
  { action, error }: { readonly action: string; readonly error: Error },
): string | null {
  if (code === 'BUCKET_ELSEWHERE') {
    const region = headerOf(error, 'x-amz-bucket-region') ?? field(error, 'Region')
    return typeof region === 'string' ? `set lake.s3.region: ${region}` : null
  }
  if (code !== 'LAKE_UNWRITABLE' && code !== 'LAKE_UNREADABLE') return null
  const { name, status } = failureOf(error)
  if (status !== 403 && !name.startsWith('KMS')) {
    return 'the server said so; check lake.s3 and the settings of the bucket'
  }
  if (action === 's3:GetObject') {
    return 'allow s3:GetObject on the prefix, and s3:ListBucket on the bucket: without it S3 says "denied" of what is not there'
  }
  const place = action === 's3:ListBucket' ? 'the bucket' : 'the prefix'
  return `allow ${action} on ${place} in the policies of the role, the bucket and its KMS key`
}

function headerOf(error: unknown, header: string): unknown {
  return field(field(field(error, '$response'), 'headers'), header)
}

function field(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- any object may be asked for any key
  return (value as Readonly<Record<string, unknown>>)[key]
}

function numberOr<T>(value: unknown, otherwise: T): number | T {
  const number = typeof value === 'string' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : otherwise
}
