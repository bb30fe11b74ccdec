/**
 * When to write the next manifest.
 *
 * Pure arithmetic, away from timers and sockets. A batch is due when it is full, or when the oldest
 * thing in it has waited for `everyMs`, whether or not more arrives, but not before the PUTs of the
 * last one are paid for (`put-pace.ts`). An idle stream still moves the slot: by a heartbeat, at most every `heartbeatMs`, and only if everything received is in the lake.
 */

import type { Lsn } from '../core/lsn.ts'

export interface FlushLimits {
  readonly everyMs: number
  readonly rows: number
  readonly bytes: number
  readonly heartbeatMs: number
  /** How many PUTs a second flushes may take; any number if left out or `null`. */
  readonly putsPerSecond?: number | null
}

export interface BatchFacts {
  readonly rows: number
  readonly bytes: number
  /** Age of the oldest change, end of transaction or load entry that waits; `null` if nothing does. */
  readonly ageMs: number | null
  /** Until the PUTs of the last batch are paid for; left out if they are. */
  readonly pauseMs?: number
}

export function isFull({ rows, bytes }: BatchFacts, limits: FlushLimits): boolean {
  return rows >= limits.rows || bytes >= limits.bytes
}

/** Milliseconds until the batch is due: 0 if it is, `Infinity` if there is nothing to write. */
export function flushIn(batch: BatchFacts, limits: FlushLimits): number {
  if (batch.ageMs === null) return Infinity
  if (isFull(batch, limits)) return 0
  return Math.max(0, limits.everyMs - batch.ageMs, batch.pauseMs ?? 0)
}

export interface IdleFacts {
  /** Where the server says it is, or where a transaction without anything for us ended. */
  readonly heard: Lsn
  /** What the log has confirmed last. */
  readonly confirmed: Lsn
  /** The log ends with a whole transaction, none is being received, and nothing waits. */
  readonly isQuiet: boolean
  readonly sinceLastManifestMs: number
  /** Somebody waits for the log to reach this LSN; `null` if nobody does. */
  readonly wanted: Lsn | null
}

/** Milliseconds until a heartbeat is due. Within an epoch, what is confirmed never goes back. */
export function heartbeatIn(idle: IdleFacts, { heartbeatMs }: FlushLimits): number {
  if (!idle.isQuiet || idle.heard <= idle.confirmed) return Infinity
  const isWanted = idle.wanted !== null && idle.confirmed < idle.wanted
  if (isWanted && idle.heard >= idle.wanted) return 0
  return Math.max(0, heartbeatMs - idle.sinceLastManifestMs)
}
