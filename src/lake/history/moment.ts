/**
 * A place in the history of the source, as people name one: a time, or the LSN of a commit.
 *
 * The log is in the order of commits, and commit times follow it but for a few microseconds. So what
 * was true at a time is what stands before the first transaction that committed after it.
 */

import type { Lsn } from '../../core/lsn.ts'
import type { Manifest } from '../../core/manifest.ts'
import type { LogReader } from '../log/log-reader.ts'

export type Moment =
  /** Microseconds since 2000-01-01 UTC, as commit times are. */
  { readonly type: 'time'; readonly at: bigint } | { readonly type: 'lsn'; readonly lsn: Lsn }

export interface Committed {
  readonly commitLsn: Lsn
  readonly committedAt: bigint
}

const EPOCH_2000_MS = 946_684_800_000

export function momentOf(ms: number): Moment {
  return { type: 'time', at: BigInt(Math.trunc((ms - EPOCH_2000_MS) * 1000)) }
}

/** Milliseconds since 1970; of an LSN, `null`. */
export function timeOf(moment: Moment): number | null {
  return moment.type === 'time' ? Number(moment.at) / 1000 + EPOCH_2000_MS : null
}

/** Whether a transaction committed after the moment. */
export function isLater({ commitLsn, committedAt }: Committed, moment: Moment): boolean {
  return moment.type === 'time' ? committedAt > moment.at : commitLsn > moment.lsn
}

/** Whether a transaction committed before the moment. */
export function isEarlier({ commitLsn, committedAt }: Committed, moment: Moment): boolean {
  return moment.type === 'time' ? committedAt < moment.at : commitLsn < moment.lsn
}

/**
 * Whether everything behind the manifest committed later than the moment.
 *
 * `order` follows commit times, and falls behind only where it must not go back: a file whose `order`
 * is above the clock so far begins with the commit time of its first row, or a little less.
 */
export function endsAfter(manifest: Manifest, clockBefore: number, moment: Moment): boolean {
  if (moment.type === 'lsn') return manifest.to.lsn > moment.lsn
  const time = timeOf(moment)! * 1000
  let clock = clockBefore
  for (const entry of manifest.entries) {
    if (!('order' in entry)) continue
    if (entry.type === 'changes' && entry.order > clock && entry.order > time) return true
    clock = Math.max(clock, entry.order)
    if (entry.type === 'changes') clock += entry.rows.i + entry.rows.u + entry.rows.d
  }
  return false
}

/** The newest manifest in a stretch that was closed by then; `first - 1` if there is none. */
export async function lastClosedBy(
  reader: LogReader,
  { first, head }: { readonly first: number; readonly head: number },
  ms: number,
): Promise<number> {
  return lastWhere(reader, { first, head }, ({ closedAt }) => Date.parse(closedAt) <= ms)
}

/** By halves: `isBefore` must hold up to some manifest and then no more. */
export async function lastWhere(
  reader: LogReader,
  { first, head }: { readonly first: number; readonly head: number },
  isBefore: (manifest: Manifest) => boolean,
): Promise<number> {
  let [low, high] = [first - 1, head]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const manifest = await reader.manifest(middle)
    if (manifest !== null && isBefore(manifest)) low = middle
    else high = middle - 1
  }
  return low
}
