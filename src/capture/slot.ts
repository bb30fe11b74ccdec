/** Our replication slot, as the server describes it. */

import type { Client } from 'pg'

import { fail } from '../core/errors.ts'
import { parseLsn, type Lsn } from '../core/lsn.ts'

export interface SlotInfo {
  readonly name: string
  readonly plugin: string
  readonly database: string
  readonly isOfThisDatabase: boolean
  readonly isTwoPhase: boolean
  /** `lost` once the server removed WAL that the slot needed; absent before 13. */
  readonly walStatus: string | null
  readonly confirmed: Lsn | null
}

/**
 * `null` if there is no such slot. `two_phase` exists from 14 on, so the row is read as JSON.
 * https://www.postgresql.org/docs/current/view-pg-replication-slots.html
 */
export async function readSlot(client: Client, name: string): Promise<SlotInfo | null> {
  const literal = `'${name.replaceAll("'", "''")}'`
  const { rows } = await client.query<{ slot: Record<string, unknown>; here: string }>(
    `select to_json(s) as slot, current_database() as here
       from pg_replication_slots s where slot_name = ${literal}`,
  )
  const [row] = rows
  if (row === undefined) return null
  const { slot, here } = row
  const confirmed = slot['confirmed_flush_lsn']
  const walStatus = slot['wal_status']
  return {
    name,
    plugin: String(slot['plugin']),
    database: String(slot['database']),
    isOfThisDatabase: slot['database'] === here,
    isTwoPhase: slot['two_phase'] === true,
    walStatus: typeof walStatus === 'string' ? walStatus : null,
    confirmed: typeof confirmed === 'string' ? parseLsn(confirmed) : null,
  }
}

/** Refuses a slot that would give us wrong data, or none. */
export function checkSlot(slot: SlotInfo): void {
  if (slot.plugin !== 'pgoutput') {
    unfit(slot, `uses the plugin ${slot.plugin}; pgoutput is needed`)
  }
  if (!slot.isOfThisDatabase) unfit(slot, `belongs to the database ${slot.database}`)
  if (slot.isTwoPhase) {
    unfit(slot, 'was made with two_phase: rows of a prepared transaction would be lost')
  }
  if (slot.walStatus === 'lost') {
    fail('SLOT_LOST', `the server removed WAL that the slot ${slot.name} needed`)
  }
}

function unfit({ name }: SlotInfo, why: string): never {
  fail('SLOT_UNFIT', `the replication slot ${name} ${why}`, {
    hint: 'set source.slot to another name: a slot that does not exist is made',
  })
}
