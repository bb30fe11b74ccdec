/** Our replication slot, as the server describes it. */

import type { Client } from 'pg'

import { parseLsn, type Lsn } from '../../core/lsn.ts'
import { quoteLiteral } from '../../postgres/quote.ts'
import { error, refuse, type Finding } from '../preflight/finding.ts'

export interface SlotInfo {
  readonly name: string
  readonly plugin: string
  readonly database: string
  readonly isOfThisDatabase: boolean
  readonly isTwoPhase: boolean
  /** `lost` once the server removed WAL that the slot needed; absent before 13. */
  readonly walStatus: string | null
  readonly confirmed: Lsn | null
  /** The server keeps all WAL from here on for the slot. */
  readonly restart: Lsn | null
  /** WAL that may still be written before the slot can be lost; `null` if there is no limit. */
  readonly safeBytes: number | null
  /** The process of the server that streams from it. */
  readonly activePid: number | null
  /** Standbys keep a copy of it; 17 and later. */
  readonly isFailover: boolean
  /** It is the copy, on a standby. Once that is promoted it is a slot like any other. */
  readonly isSynced: boolean
  /** Why the server gave it up; told by 16 and later. */
  readonly invalidation: string | null
  /** For how long nobody has used it; `null` while somebody does, and before 17. */
  readonly unusedMs: number | null
}

/**
 * `null` if there is no such slot. Columns that not all versions have are read as JSON.
 * https://www.postgresql.org/docs/current/view-pg-replication-slots.html
 */
export async function readSlot(client: Client, name: string): Promise<SlotInfo | null> {
  const { rows } = await client.query<SlotRow>(
    `select to_jsonb(s) as slot, current_database() as here, pg_is_in_recovery() as on_standby,
            1000 * extract(epoch from now() - (to_jsonb(s) ->> 'inactive_since')::timestamptz)::float8
              as unused_ms
       from pg_replication_slots s where slot_name = ${quoteLiteral(name)}`,
  )
  const [row] = rows
  if (row === undefined) return null
  const { slot, here, on_standby: onStandby, unused_ms: unusedMs } = row
  const confirmed = slot['confirmed_flush_lsn']
  const restart = slot['restart_lsn']
  return {
    name,
    plugin: String(slot['plugin']),
    database: String(slot['database']),
    isOfThisDatabase: slot['database'] === here,
    isTwoPhase: slot['two_phase'] === true,
    walStatus: textOf(slot['wal_status']),
    confirmed: typeof confirmed === 'string' ? parseLsn(confirmed) : null,
    restart: typeof restart === 'string' ? parseLsn(restart) : null,
    safeBytes: numberOf(slot['safe_wal_size']),
    activePid: numberOf(slot['active_pid']),
    isFailover: slot['failover'] === true,
    isSynced: slot['synced'] === true && onStandby,
    // 16 calls every reason a conflict, though a primary has none but removed WAL.
    invalidation:
      textOf(slot['invalidation_reason']) ??
      (slot['conflicting'] === true && onStandby ? 'conflict' : null),
    unusedMs,
  }
}

interface SlotRow {
  readonly slot: Readonly<Record<string, unknown>>
  readonly here: string
  readonly on_standby: boolean
  readonly unused_ms: number | null
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

/** Refuses a slot that would give us wrong data, or none. */
export function checkSlot(slot: SlotInfo): void {
  refuse(slotFindings(slot))
}

/** The server has given it up. */
export function isLost({ walStatus, invalidation }: SlotInfo): boolean {
  return walStatus === 'lost' || invalidation !== null
}

/** What is wrong with a slot that exists. */
export function slotFindings(slot: SlotInfo): Finding[] {
  const { name, plugin, database } = slot
  const findings: Finding[] = []
  if (plugin !== 'pgoutput') {
    findings.push(unfit(slot, `uses the plugin ${plugin}; pgoutput is needed`))
  }
  if (!slot.isOfThisDatabase) findings.push(unfit(slot, `belongs to the database ${database}`))
  if (slot.isTwoPhase) {
    const why = 'was made with two_phase: rows of a prepared transaction would be lost'
    findings.push(unfit(slot, why))
  }
  if (isLost(slot)) findings.push(lost(slot))
  if (slot.isSynced) {
    const message = `the slot ${name} is a copy that this standby keeps of the slot of its primary`
    findings.push(error('SOURCE_IS_STANDBY', message))
  }
  return findings
}

/** https://www.postgresql.org/docs/current/view-pg-replication-slots.html, invalidation_reason */
const REASONS: Readonly<Record<string, string>> = {
  wal_removed: 'it removed WAL that the slot needed (max_slot_wal_keep_size)',
  rows_removed: 'rows of the catalog were removed that the slot needed',
  conflict: 'rows of the catalog were removed that the slot needed',
  wal_level_insufficient: 'wal_level of the primary was not "logical" for a while',
  idle_timeout: 'it was not used for longer than idle_replication_slot_timeout',
}

function lost({ name, invalidation }: SlotInfo): Finding {
  const why = REASONS[invalidation ?? 'wal_removed'] ?? invalidation
  return error(
    'SLOT_LOST',
    `the server gave up the replication slot ${name}: ${why}`,
    'run: millrace resync --all; it drops this slot, makes a new one, and all tables are loaded again',
  )
}

function unfit({ name }: SlotInfo, why: string): Finding {
  const cure = 'set source.slot to another name: a slot that does not exist is made'
  return error('SLOT_UNFIT', `the replication slot ${name} ${why}`, cure)
}
