/** The slot, looked at over a connection of its own, which is kept from one look to the next. */

import type { Client } from 'pg'

import type { Clock } from '../../core/clock.ts'
import { fail } from '../../core/errors.ts'
import { parseLsn } from '../../core/lsn.ts'
import { connect, withConnection, type ConnectOptions } from '../../postgres/connect.ts'
import { quoteLiteral } from '../../postgres/quote.ts'
import { foreignCode, fromPostgres } from '../../postgres/sqlstate.ts'
import type { SlotReading } from '../slot/guard-rules.ts'
import type { SlotWatch } from '../slot/slot-guard.ts'
import { endOwner, type Backend } from '../slot/slot-owner.ts'
import { readSlot } from '../slot/slot.ts'

export interface SlotWatchParts {
  readonly connection: ConnectOptions
  readonly slot: string
  readonly clock: Clock
  /** The connection of this process that streamed from the slot last. */
  readonly owner: () => Backend | null
}

const SERVER = `
  select case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end as lsn,
         (select nullif(setting, '-1')::float8 * 1024 * 1024 from pg_settings
           where name = 'max_slot_wal_keep_size') as keep_bytes,
         coalesce((select setting::float8 * case unit when 's' then 1000 else 60000 end
                     from pg_settings where name = 'idle_replication_slot_timeout'), 0) as idle_ms`

interface ServerRow {
  readonly lsn: string
  readonly keep_bytes: number | null
  readonly idle_ms: number
}

/** What it asks is answered at once, from memory. */
const ANSWER_MS = 30_000
const DROP_ATTEMPTS = 50
const DROP_AGAIN_MS = 100
const OBJECT_IN_USE = '55006'

export class PostgresSlotWatch implements SlotWatch {
  readonly #parts: SlotWatchParts
  /** A promise, so that a connection which is still being made can be closed too. */
  #client: Promise<Client> | null = null

  constructor(parts: SlotWatchParts) {
    this.#parts = parts
  }

  async read(): Promise<SlotReading> {
    const { connection, slot, clock } = this.#parts
    try {
      this.#client ??= connect({ ...connection, answerWithinMs: ANSWER_MS })
      const client = await this.#client
      const found = await readSlot(client, slot)
      const { rows } = await client.query<ServerRow>(SERVER)
      const { lsn, keep_bytes: keepBytes, idle_ms: idleTimeoutMs } = rows[0]!
      return { atMs: clock.now(), lsn: parseLsn(lsn), slot: found, keepBytes, idleTimeoutMs }
    } catch (error) {
      this.close()
      throw fromPostgres(error)
    }
  }

  /** A stream of ours is ended first, as often as it begins again; one of somebody else is left alone. */
  async drop(): Promise<void> {
    const { connection, slot, clock, owner } = this.#parts
    await withConnection(connection, async (client) => {
      for (let i = 0; i < DROP_ATTEMPTS; i++) {
        const own = owner()
        if (own !== null) await endOwner(client, slot, own)
        if (await isDropped(client, slot)) return
        await clock.sleep(DROP_AGAIN_MS)
      }
      fail('SLOT_IN_USE', `another process reads the slot ${slot}`)
    })
  }

  close(): void {
    void this.#client?.then((client) => client.end()).catch(() => {})
    this.#client = null
  }
}

async function isDropped(client: Client, slot: string): Promise<boolean> {
  try {
    await client.query(
      `select pg_drop_replication_slot(slot_name)
         from pg_replication_slots where slot_name = ${quoteLiteral(slot)}`,
    )
    return true
  } catch (error) {
    if (foreignCode(error) === OBJECT_IN_USE) return false
    throw error
  }
}
