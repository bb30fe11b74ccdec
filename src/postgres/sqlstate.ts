/**
 * What the error codes of servers and sockets mean for us.
 *
 * Translated here and nowhere else. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */

import { CodedError, type ErrorCode } from '../core/errors.ts'

const MEANING: Readonly<Record<string, ErrorCode>> = {
  '28P01': 'LOGIN_FAILED', // invalid_password
  '28000': 'LOGIN_FAILED', // invalid_authorization_specification
  '3D000': 'LOGIN_FAILED', // invalid_catalog_name: no such database
  '42501': 'PERMISSION_DENIED', // insufficient_privilege
  '53100': 'DISK_FULL', // disk_full, on the server
  '53300': 'NO_FREE_SENDER', // too_many_connections
  '53400': 'NO_FREE_SLOT', // configuration_limit_exceeded
  '55000': 'SERVER_REFUSED', // object_not_in_prerequisite_state
  '55006': 'SLOT_IN_USE', // object_in_use
  '25P03': 'CONNECTION_LOST', // idle_in_transaction_session_timeout
  '25P04': 'CONNECTION_LOST', // transaction_timeout
  '57P01': 'CONNECTION_LOST', // admin_shutdown
  '57P02': 'CONNECTION_LOST', // crash_shutdown
  '57P03': 'CONNECTION_LOST', // cannot_connect_now
  '57P05': 'CONNECTION_LOST', // idle_session_timeout

  ECONNREFUSED: 'CONNECTION_LOST',
  ECONNRESET: 'CONNECTION_LOST',
  EHOSTUNREACH: 'CONNECTION_LOST',
  ENETUNREACH: 'CONNECTION_LOST',
  ENOTFOUND: 'CONNECTION_LOST',
  EAI_AGAIN: 'CONNECTION_LOST',
  EPIPE: 'CONNECTION_LOST',
  ETIMEDOUT: 'CONNECTION_LOST',

  CERT_HAS_EXPIRED: 'TLS_FAILED',
  CERT_NOT_YET_VALID: 'TLS_FAILED',
  CERT_REVOKED: 'TLS_FAILED',
  CERT_SIGNATURE_FAILURE: 'TLS_FAILED',
  CERT_UNTRUSTED: 'TLS_FAILED',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS_FAILED',
  INVALID_CA: 'TLS_FAILED',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS_FAILED',
  UNABLE_TO_GET_ISSUER_CERT: 'TLS_FAILED',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'TLS_FAILED',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'TLS_FAILED',
}

/** What the TLS library says by itself: of host names, of files it cannot read, of alerts it got. */
const TLS_ERROR = /^ERR_(TLS|SSL|OSSL)_/

/** The server says that the certificate which we have shown is not good. */
const TLS_ALERT = /^ERR_SSL_.*_ALERT_/

const HINTS: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID:
    'connect by a name that the certificate has, or use sslmode=verify-ca with sslrootcert=<file>, which does not look at names',
  CERT_HAS_EXPIRED: 'renew the certificate of the server',
}

const ALERT_HINT =
  'check sslcert and sslkey: an authority that the server trusts must have signed them'

/** Class 08 is every kind of broken connection. */
const CONNECTION_CLASS = '08'

/** The driver has no code for these: they are its own words, not a server's. */
const DRIVER_MEANING: Readonly<Record<string, ErrorCode>> = {
  'Connection terminated unexpectedly': 'CONNECTION_LOST',
  'Connection terminated': 'CONNECTION_LOST',
  'timeout expired': 'CONNECTION_LOST',
  'Query read timeout': 'CONNECTION_LOST',
  'The server does not support SSL connections': 'TLS_FAILED',
}

/** The same error with a code of ours, or the error itself if it means nothing to us. */
export function fromPostgres(error: unknown): unknown {
  if (error instanceof CodedError || !(error instanceof Error)) return error
  const foreign = foreignCode(error)
  const code = meaningOf(error, foreign ?? '')
  if (code === undefined) return error
  const hint = TLS_ALERT.test(foreign ?? '') ? ALERT_HINT : HINTS[foreign ?? '']
  return new CodedError(code, messageOf(error), {
    cause: error,
    ...(foreign && { details: { sqlstate: foreign } }),
    ...(hint !== undefined && { hint }),
  })
}

function meaningOf(error: Error, foreign: string): ErrorCode | undefined {
  if (foreign.startsWith(CONNECTION_CLASS)) return 'CONNECTION_LOST'
  if (TLS_ERROR.test(foreign)) return 'TLS_FAILED'
  // Whatever the reason is: that a socket of the file system is not there is ENOENT.
  if ('syscall' in error && error.syscall === 'connect') return 'CONNECTION_LOST'
  return MEANING[foreign] ?? DRIVER_MEANING[error.message]
}

/** SQLSTATE or errno of an error, if it has one. */
export function foreignCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  if (error instanceof CodedError) return foreignCode(error.cause)
  if ('code' in error && typeof error.code === 'string') return error.code
  if (error instanceof AggregateError) return foreignCode(error.errors[0])
  return undefined
}

/**
 * `connect` to a name with several addresses fails with an AggregateError that says nothing itself, and
 * the TLS library says more about its own source than about what is wrong.
 */
function messageOf(error: Error): string {
  if ('library' in error && 'reason' in error) return `TLS failed: ${String(error.reason)}`
  if (error.message === '' && error instanceof AggregateError) {
    const [first]: unknown[] = error.errors
    if (first instanceof Error) return first.message
  }
  return error.message
}
