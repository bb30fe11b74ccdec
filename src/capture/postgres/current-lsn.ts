/** Where the source is now, in terms of its WAL. */

import { lsn, parseLsn, type Lsn } from '../../core/lsn.ts'
import { withConnection, type Server } from '../../postgres/connect.ts'

/** PostgreSQL's default, and a divisor of every other. */
const PAGE_BYTES = 8192n
const LONGEST_PAGE_HEADER = 40n

/**
 * Where the source is now: whatever is committed there has a commit LSN below. What was committed with
 * `synchronous_commit = off` is visible before it is flushed, so the flush LSN would not do. Between
 * two pages the insert LSN lies behind the header of the next one, where no record ends.
 */
export async function currentLsn(server: Server, task: string): Promise<Lsn> {
  const connection = { ...server, applicationName: `millrace ${task}: run` }
  return withConnection(connection, async (client) => {
    const sql = `select case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
                             else pg_current_wal_insert_lsn() end as lsn`
    const { rows } = await client.query<{ lsn: string }>(sql)
    const at = parseLsn(rows[0]!.lsn)
    const inPage = at % PAGE_BYTES
    return inPage <= LONGEST_PAGE_HEADER ? lsn(at - inPage) : at
  })
}
