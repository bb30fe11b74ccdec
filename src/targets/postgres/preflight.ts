/** What a database must allow to be a target; for `doctor`. */

import { CodedError } from '../../core/errors.ts'
import type { Server } from '../../postgres/connect.ts'
import { Session } from './session.ts'

const OLDEST = 13

interface Wish {
  readonly code: 'SERVER_UNSUPPORTED' | 'SOURCE_IS_STANDBY' | 'PERMISSION_DENIED'
  readonly message: string
  readonly hint: string
}

/** Rejects if the database cannot be reached. Resolves to what is missing; nothing, if all is well. */
export async function examinePostgres(server: Server): Promise<CodedError[]> {
  const session = await Session.open({ ...server, applicationName: 'millrace: doctor' })
  try {
    const [row] = await session.rows(`
      SELECT pg_catalog.pg_is_in_recovery() AS is_standby,
             pg_catalog.quote_ident(current_user) AS "user",
             pg_catalog.quote_ident(pg_catalog.current_database()) AS database,
             pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') AS may_create,
             pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY') AS may_stage`)
    const grant = (right: string): string =>
      `run: GRANT ${right} ON DATABASE ${String(row!['database'])} TO ${String(row!['user'])}`
    const wishes: (Wish | false)[] = [
      session.version < OLDEST && {
        code: 'SERVER_UNSUPPORTED',
        message: `the server has version ${session.version}`,
        hint: `a target needs PostgreSQL ${OLDEST} or newer`,
      },
      row!['is_standby'] === true && {
        code: 'SOURCE_IS_STANDBY',
        message: 'the server is a standby, which nobody can write to',
        hint: 'name the primary in the url of the target',
      },
      row!['may_create'] !== true && {
        code: 'PERMISSION_DENIED',
        message: 'the user may not make schemas',
        hint: grant('CREATE'),
      },
      row!['may_stage'] !== true && {
        code: 'PERMISSION_DENIED',
        message: 'the user may not make temporary tables',
        hint: grant('TEMPORARY'),
      },
    ]
    return wishes
      .filter((wish) => wish !== false)
      .map(({ code, message, hint }) => new CodedError(code, message, { hint }))
  } finally {
    await session.close()
  }
}
