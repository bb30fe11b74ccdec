/**
 * What a failure of Redshift means for us: the border to its error codes.
 *
 * Many of its own errors have one SQLSTATE, XX000, and are told apart by their texts. Who lost a
 * conflict with another transaction runs again from the begin.
 *
 * https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html
 * https://docs.aws.amazon.com/redshift/latest/dg/r_Load_Error_Reference.html
 */

import { CodedError } from '../../core/errors.ts'
import { atServer, BUSY_STATES, type ServerError } from '../sql/server-error.ts'

const BUSY_TEXTS = [
  /\b1023\b|serializable isolation violation/i,
  /conflict with concurrent transaction/i,
  /deadlock detected/i,
]

/** A table that was made after our snapshot. */
const STALE_TEXT = /\b1018\b|relation does not exist/i
const LOAD_TEXT = /load into table .* failed|(sys_load_error_detail|stl_load_errors)/i
const GONE_TEXT =
  /no such key|specified key does not exist|mandatory .*(missing|not found|not exist)/i
const DENIED_TEXT = /access ?denied|not authorized (to|by)|unauthorizedexception/i
const SHA256_TEXT = /Unknown authenticationOk message type 13/

const DEPENDENT_OBJECTS = '2BP01'
const RESYNC = 'load the table again with millrace resync'

/** The same error with a code of ours. What is not from the server or the connection is left alone. */
export function atRedshift(error: unknown): unknown {
  if (error instanceof Error && SHA256_TEXT.test(error.message)) {
    return new CodedError('LOGIN_FAILED', 'the password of the user is stored as SHA-256', {
      cause: error,
      hint: 'ALTER USER … PASSWORD with an md5 password, or log in with auth: iam',
    })
  }
  return atServer(error, meaningOf)
}

/** The failure may be of a snapshot that is older than the table; once more is worth trying. */
export function isStale(error: unknown): boolean {
  return error instanceof CodedError && error.details['isStale'] === true
}

/** A COPY did not like a value; `sys_load_error_detail` knows which. */
export function isLoadError(error: unknown): boolean {
  return error instanceof CodedError && error.details['isLoad'] === true
}

function meaningOf(error: ServerError): CodedError {
  const { code: sqlstate, message } = error
  if (BUSY_STATES.has(sqlstate) || BUSY_TEXTS.some((text) => text.test(message))) {
    return new CodedError('TARGET_BUSY', message, {
      details: { sqlstate },
      hint: 'if it lasts, look for who else writes our tables: SELECT * FROM svv_transactions',
    })
  }
  if (LOAD_TEXT.test(message)) {
    return new CodedError('VALUE_UNFIT', 'Redshift cannot hold a value', {
      details: { sqlstate, isLoad: true },
    })
  }
  // Another worker may have swept the files; they are written anew.
  if (GONE_TEXT.test(message)) return new CodedError('TARGET_BUSY', message)
  if (DENIED_TEXT.test(message)) {
    return new CodedError('PERMISSION_DENIED', message, {
      hint: 'the role of iamRole needs s3:GetObject and s3:ListBucket on the stage, and the cluster must have the role',
    })
  }
  if (sqlstate.startsWith('22')) {
    return new CodedError('VALUE_UNFIT', `Redshift cannot hold a value (SQLSTATE ${sqlstate})`, {
      details: { sqlstate },
    })
  }
  const isStaleTable = STALE_TEXT.test(message)
  return new CodedError('TARGET_FAILED', message, {
    details: { sqlstate, ...(isStaleTable && { isStale: true }) },
    ...(sqlstate === DEPENDENT_OBJECTS && {
      hint: `drop the view that depends on it, ${RESYNC}, and make it anew WITH NO SCHEMA BINDING`,
    }),
  })
}
