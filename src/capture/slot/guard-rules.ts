/**
 * What threatens the slot while the task runs, from two looks at it.
 *
 * The server keeps WAL for a slot until its limit is reached, and then the slot is lost and every
 * table must be loaded again. So the limit is named before it is reached, with the time that is left
 * at the present rate. Pure: every case is a line in a table of the tests.
 */

import type { CaptureWarning } from '../../core/events.ts'
import type { Lsn } from '../../core/lsn.ts'
import { formatBytes, formatDuration } from '../../core/quantity.ts'
import { slotFindings, type SlotInfo } from './slot.ts'

export interface SlotReading {
  readonly atMs: number
  /** Where the WAL of the server ends. */
  readonly lsn: Lsn
  readonly slot: SlotInfo | null
  /** max_slot_wal_keep_size; `null` if there is no limit. */
  readonly keepBytes: number | null
  /** idle_replication_slot_timeout; 0 if there is none. */
  readonly idleTimeoutMs: number
}

/** source.walBudget. */
export interface WalBudget {
  readonly bytes: number
  readonly action: 'warn' | 'drop-slot'
}

export interface Verdict {
  readonly warnings: readonly CaptureWarning[]
  /** What the server keeps for us. */
  readonly keptBytes: number
  /** The budget is spent, and was to be kept at all costs. */
  readonly mustDrop: boolean
}

/** With less time than this, a limit that is not half reached is named, too. */
const SOON_MS = 3_600_000

export function judge(
  before: SlotReading | null,
  now: SlotReading,
  budget: WalBudget | null,
): Verdict {
  const { slot, keepBytes } = now
  // A slot that is not there is not made yet, or capture fails because of it.
  if (slot === null) return { warnings: [], keptBytes: 0, mustDrop: false }
  const keptBytes = keptFor(slot, now.lsn)
  const perMs = growthPerMs(before, now)
  const limits: Limit[] = []
  if (keepBytes !== null) {
    const leftBytes = slot.safeBytes ?? keepBytes - keptBytes
    limits.push({ kind: 'wal-limit', name: 'max_slot_wal_keep_size', bytes: keepBytes, leftBytes })
  }
  if (budget !== null) {
    const leftBytes = budget.bytes - keptBytes
    const name = 'source.walBudget'
    limits.push({ kind: 'wal-budget', name, bytes: budget.bytes, leftBytes })
  }
  const warnings = [
    ...lossOf(slot),
    ...limits.flatMap((limit) => limitWarning(limit, keptBytes, perMs)),
    ...idleWarning(now, slot),
  ]
  const mustDrop = budget?.action === 'drop-slot' && keptBytes > budget.bytes
  return { warnings, keptBytes, mustDrop }
}

interface Limit {
  readonly kind: CaptureWarning['kind']
  readonly name: string
  readonly bytes: number
  readonly leftBytes: number
}

function keptFor({ restart }: SlotInfo, lsn: Lsn): number {
  return restart === null ? 0 : Math.max(0, Number(lsn - restart))
}

function growthPerMs(before: SlotReading | null, now: SlotReading): number {
  if (before === null || before.slot === null || now.slot === null) return 0
  const ms = now.atMs - before.atMs
  if (ms <= 0) return 0
  return (keptFor(now.slot, now.lsn) - keptFor(before.slot, before.lsn)) / ms
}

function lossOf(slot: SlotInfo): CaptureWarning[] {
  const lost = slotFindings(slot).filter(
    (finding) => finding.severity === 'error' && finding.code === 'SLOT_LOST',
  )
  if (lost.length > 0) return lost.map(({ message }) => ({ kind: 'slot-lost', message }))
  if (slot.walStatus !== 'unreserved') return []
  const message = 'the server may remove WAL that our slot needs at its next checkpoint'
  return [{ kind: 'slot-unreserved', message }]
}

function limitWarning(
  { kind, name, bytes, leftBytes }: Limit,
  keptBytes: number,
  perMs: number,
): CaptureWarning[] {
  const leftMs = perMs > 0 ? Math.max(0, leftBytes) / perMs : Infinity
  const isSoon = leftMs < SOON_MS && leftBytes < bytes * 0.9
  if (leftBytes > bytes / 2 && !isSoon) return []
  const kept = `the server keeps ${formatBytes(keptBytes)} of WAL for our slot`
  const limit = `${name} (${formatBytes(bytes)})`
  if (leftBytes < 0) return [{ kind, message: `${kept}, more than ${limit} allows` }]
  if (leftMs === Infinity) return [{ kind, message: `${kept}; the limit is ${limit}` }]
  const time = formatDuration(leftMs)
  return [{ kind, message: `${kept}; at the present rate ${limit} is reached in ${time}` }]
}

function idleWarning({ idleTimeoutMs }: SlotReading, { unusedMs }: SlotInfo): CaptureWarning[] {
  if (idleTimeoutMs === 0 || unusedMs === null || unusedMs < idleTimeoutMs / 2) return []
  const limit = `idle_replication_slot_timeout (${formatDuration(idleTimeoutMs)})`
  const left = formatDuration(Math.max(0, idleTimeoutMs - unusedMs))
  const message = `our slot has not been used for ${formatDuration(unusedMs)}; ${limit} is reached in ${left}, and then it is lost`
  return [{ kind: 'slot-idle', message }]
}
