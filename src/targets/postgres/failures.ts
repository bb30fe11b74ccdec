/**
 * What a failure of the target's server means for us: the border to its error codes.
 *
 * Messages about values quote them, and those must not get into a log, so of these only the column
 * goes on. What is merely busy is tried again; all other statements that are refused concern the
 * table that they name.
 *
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */

import { CodedError, type ErrorDetails } from '../../core/errors.ts'
import { tableId } from '../../core/table.ts'
import { atServer, BUSY_STATES, type ServerError } from '../sql/server-error.ts'

const DEPENDENT_OBJECTS = '2BP01'
const NOT_SUPPORTED = '0A000'

const RESYNC = 'load the table again with millrace resync'

const HINTS: Readonly<Record<string, string>> = {
  [DEPENDENT_OBJECTS]: `drop what depends on it, ${RESYNC}, and make it anew`,
  [NOT_SUPPORTED]: `drop the view or rule that uses it, ${RESYNC}, and make it anew`,
  '23503': `drop the foreign key of the target or make it DEFERRABLE, and ${RESYNC}`,
}

const CONSTRAINT_HINT = `drop the constraint that the table has in the target, and ${RESYNC}`

/** The same error with a code of ours. What is not from the server or the connection is left alone. */
export function atTarget(error: unknown): unknown {
  return atServer(error, meaningOf)
}

function meaningOf(error: ServerError): CodedError {
  const { code: sqlstate, message } = error
  if (BUSY_STATES.has(sqlstate))
    return new CodedError('TARGET_BUSY', message, { details: { sqlstate } })
  if (sqlstate.startsWith('22')) return unfit(error)
  const details = { ...tableOf(error), sqlstate }
  if (sqlstate.startsWith('23')) {
    const hint = HINTS[sqlstate] ?? CONSTRAINT_HINT
    const where = error.column === undefined ? '' : `, column ${error.column}`
    // The message names the constraint; it is the detail that quotes values.
    return new CodedError('TARGET_FAILED', `${message}${where}`, { details, hint })
  }
  const hint = HINTS[sqlstate]
  // The detail names the objects that depend, and no values.
  const isNamed = sqlstate === DEPENDENT_OBJECTS || sqlstate === NOT_SUPPORTED
  const detail = isNamed && error.detail ? ` (${error.detail.split('\n').join('; ')})` : ''
  return new CodedError('TARGET_FAILED', `${message}${detail}`, {
    details,
    ...(hint !== undefined && { hint }),
  })
}

/** `COPY millrace_fold, line 5, column v3: "…"`, in any language. */
const COPIED_COLUMN = /^COPY \S+, \S+ \d+, \S+ ([^:"]+):/

/** The column is that of the COPY, which whoever staged the rows can translate. */
function unfit({ code: sqlstate, where }: ServerError): CodedError {
  const column = COPIED_COLUMN.exec(where ?? '')?.[1]
  return new CodedError('VALUE_UNFIT', `PostgreSQL cannot hold a value (SQLSTATE ${sqlstate})`, {
    details: { sqlstate, ...(column !== undefined && { column }) },
  })
}

function tableOf({ schema, table }: ServerError): ErrorDetails {
  if (schema === undefined || table === undefined || schema.startsWith('pg_temp')) return {}
  return { table: tableId({ namespace: schema, name: table }) }
}
