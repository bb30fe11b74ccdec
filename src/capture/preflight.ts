/** Whether a server can be replicated from, said with the exact setting or statement that is missing. */

import type { Client } from 'pg'

import { fail } from '../core/errors.ts'
import { quoteIdentifier } from '../postgres/quote.ts'

/** Server versions that we support: https://www.postgresql.org/support/versioning/ */
const OLDEST = 130_000

interface ServerRow {
  readonly version: number
  readonly wal_level: string
  readonly database: string
  readonly user: string
  readonly may_replicate: boolean
  readonly is_rds: boolean
}

const SERVER = `
  select current_setting('server_version_num')::int as version,
         current_setting('wal_level') as wal_level,
         current_database() as database,
         current_user as user,
         (select rolreplication or rolsuper from pg_roles where rolname = current_user)
           or exists (select from pg_roles r where r.rolname = 'rds_replication'
                        and pg_has_role(current_user, r.oid, 'member')) as may_replicate,
         exists (select from pg_roles where rolname = 'rds_replication') as is_rds`

export async function checkServer(client: Client): Promise<{ version: number; database: string }> {
  const { rows } = await client.query<ServerRow>(SERVER)
  const server = rows[0]!
  if (server.version < OLDEST) {
    fail('SOURCE_CHANGED', `the server is older than PostgreSQL 13 (${server.version})`, {
      hint: 'upgrade the server: publications of partitioned tables need 13',
    })
  }
  if (server.wal_level !== 'logical') {
    fail('WAL_LEVEL', `wal_level of the source is "${server.wal_level}"; "logical" is needed`)
  }
  if (!server.may_replicate) {
    const user = quoteIdentifier(server.user)
    fail('NO_REPLICATION_RIGHT', `the user ${server.user} may not use replication slots`, {
      hint: server.is_rds
        ? `run: GRANT rds_replication TO ${user}`
        : `run: ALTER ROLE ${user} REPLICATION`,
    })
  }
  return { version: server.version, database: server.database }
}
