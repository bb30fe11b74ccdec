/** What a server that speaks PostgreSQL's protocol says when it refuses a statement. */

import { CodedError, type ErrorCode } from '../../core/errors.ts'
import { fromPostgres } from '../../postgres/sqlstate.ts'

/** Codes of connections that mean the same for a target as for the source. */
const SHARED: ReadonlySet<ErrorCode> = new Set([
  'CONNECTION_LOST', 'LOGIN_FAILED', 'TLS_FAILED', 'PERMISSION_DENIED', 'DISK_FULL',
  'CONFIG_INVALID',
]) // prettier-ignore

/** Of statements that are refused because somebody else is at work: worth trying again. */
export const BUSY_STATES: ReadonlySet<string> = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '53200', // out_of_memory
  '53300', // too_many_connections
  '55P03', // lock_not_available
  '57014', // query_canceled, also by a rule of Redshift's workload management
])

export interface ServerError extends Error {
  readonly code: string
  readonly detail?: string
  readonly schema?: string
  readonly table?: string
  readonly column?: string
  readonly where?: string
}

/**
 * The same error with a code of ours. What is not from the server or the connection is left alone;
 * `meaningOf` says what a statement that was refused means.
 */
export function atServer(error: unknown, meaningOf: (error: ServerError) => CodedError): unknown {
  if (error instanceof CodedError && SHARED.has(error.code)) return error
  const known = fromPostgres(error)
  if (known instanceof CodedError && SHARED.has(known.code)) return known
  const server = serverError(error)
  return server === null ? known : meaningOf(server)
}

/** Whether the server refused a statement, rather than the connection being gone. */
export function stateOf(error: unknown): string | null {
  if (error instanceof CodedError) {
    const state = error.details['sqlstate']
    return typeof state === 'string' ? state : null
  }
  return serverError(error)?.code ?? null
}

const SQLSTATE = /^[0-9A-Z]{5}$/

function serverError(error: unknown): ServerError | null {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return null
  const { code } = error
  if (typeof code !== 'string' || !SQLSTATE.test(code)) return null
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the driver's DatabaseError
  return error as ServerError
}
