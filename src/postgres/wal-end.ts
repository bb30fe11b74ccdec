/** Where the WAL of a server ends. */

import type { Client } from 'pg'

import { parseLsn, type Lsn } from '../core/lsn.ts'

/**
 * What was visible to an earlier query stands below this, also if its commit did not wait for the
 * disk. A standby shows what it has replayed.
 */
export async function walEnd(client: Client): Promise<Lsn> {
  const { rows } = await client.query<{ lsn: string }>(
    `select case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
                 else pg_current_wal_insert_lsn() end as lsn`,
  )
  return parseLsn(rows[0]!.lsn)
}
