/**
 * Our own connection to the slot, after it has died on our side only.
 *
 * When the network swallows a connection, the server may take `wal_sender_timeout` to notice, and
 * gives the slot to nobody until then. A connection that this process has opened, and given up, may
 * be ended by it. It is known by its process and by when that began, so that nobody else's is ever
 * taken for it, however numbers are used again.
 */

import type { Client } from 'pg'

import { quoteLiteral } from '../../postgres/quote.ts'

/** A process of the server. */
export interface Backend {
  readonly pid: number
  /** As its server writes it; with UTC as the time zone, as every session of ours has. */
  readonly startedAt: string
}

/** The one at the other end of `client`. */
export async function backendOf(client: Client): Promise<Backend> {
  const { rows } = await client.query<{ pid: number; started_at: string }>(
    `select pid, backend_start::text as started_at
       from pg_stat_activity where pid = pg_backend_pid()`,
  )
  const { pid, started_at: startedAt } = rows[0]!
  return { pid, startedAt }
}

/** Ends the backend if it still has the slot. It takes the server a moment. */
export async function endOwner(client: Client, slot: string, backend: Backend): Promise<void> {
  await client.query(
    `select pg_terminate_backend(a.pid)
       from pg_replication_slots s join pg_stat_activity a on a.pid = s.active_pid
      where s.slot_name = ${quoteLiteral(slot)} and a.pid = ${backend.pid}
        and a.backend_start::text = ${quoteLiteral(backend.startedAt)}`,
  )
}
