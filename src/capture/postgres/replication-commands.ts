/** Commands of the replication protocol, with their answers read. */

import type { Client } from 'pg'

import { CodedError } from '../../core/errors.ts'
import { parseLsn, type Lsn } from '../../core/lsn.ts'
import { quoteIdentifier } from '../../postgres/quote.ts'
import { foreignCode } from '../../postgres/sqlstate.ts'

export async function serverVersion(client: Client): Promise<number> {
  const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num')
  return Number(rows[0]!.server_version_num)
}

/** The timeline is an int8 from 16 on, and 8-byte integers come as text. */
interface SystemRow {
  readonly systemid: string
  readonly timeline: string | number
}

export interface SystemIdentity {
  readonly systemId: string
  readonly timeline: number
}

export async function identifySystem(client: Client): Promise<SystemIdentity> {
  const { rows } = await client.query<SystemRow>('IDENTIFY_SYSTEM')
  const { systemid, timeline } = rows[0]!
  return { systemId: systemid, timeline: Number(timeline) }
}

interface SlotRow {
  readonly consistent_point: string
  readonly snapshot_name: string
}

const DUPLICATE_OBJECT = '42710'

export async function createSlot(
  client: Client,
  name: string,
  kind: 'TEMPORARY' | 'FAILOVER' | '',
): Promise<{ lsn: Lsn; snapshot: string }> {
  const sql =
    kind === 'FAILOVER'
      ? `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)} LOGICAL pgoutput (SNAPSHOT 'export', FAILOVER)`
      : `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)} ${kind} LOGICAL pgoutput EXPORT_SNAPSHOT`
  const { rows } = await client.query<SlotRow>(sql).catch((error: unknown) => {
    if (foreignCode(error) !== DUPLICATE_OBJECT) throw error
    // It was not there when we looked: somebody else begins at the same time.
    const message = `another process has just made the replication slot ${name}`
    throw new CodedError('SLOT_IN_USE', message, { cause: error })
  })
  const { consistent_point: point, snapshot_name: snapshot } = rows[0]!
  return { lsn: parseLsn(point), snapshot }
}
