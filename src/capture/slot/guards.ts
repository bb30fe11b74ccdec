/**
 * Whether the log goes on from where the source is, or something was lost in between.
 *
 * What is refused here cannot be mended: the rows of the gap are nowhere. The way out is a new epoch
 * (`new-epoch.ts`), which an operator asks for with `millrace resync --all` if it is still the same
 * server, and with `millrace move` if it is another one.
 */

import { CodedError, fail, type ErrorCode } from '../../core/errors.ts'
import { formatLsn, ZERO_LSN, type Lsn } from '../../core/lsn.ts'
import type { RunInfo } from '../../core/manifest.ts'
import type { LogState } from '../../lake/log/log-state.ts'
import type { Source } from '../source.ts'
import { isLost, type SlotInfo } from './slot.ts'
import { guardTimeline } from './timeline.ts'

/** Where the source is, as far as the log can be compared with it. */
export interface SourcePlace {
  readonly timeline: number
  /** confirmed_flush_lsn of our slot. */
  readonly confirmed: Lsn
  /** Where its WAL ends, if that is known. */
  readonly walEnd?: Lsn
}

/** Fails with SOURCE_CHANGED if the log was filled from another server or database. */
export function guardIdentity(
  { run }: Pick<LogState, 'run'>,
  now: Pick<RunInfo, 'systemId' | 'database'>,
): void {
  if (run === null || (run.systemId === now.systemId && run.database === now.database)) return
  const [was, is] = [run, now].map(({ systemId, database }) => `${database} of ${systemId}`)
  fail('SOURCE_CHANGED', `the source is database ${is}, and this lake was filled from ${was}`, {
    details: { was: run.systemId, is: now.systemId },
  })
}

/** Settings that change the stream may not change while a transaction is half written. */
export function guardOptions({ run, to }: Pick<LogState, 'run' | 'to'>, now: RunInfo): void {
  if (run === null || to === null || to.end) return
  if (JSON.stringify(run.options) === JSON.stringify(now.options)) return
  fail('CONFIG_MID_TRANSACTION', 'the publication changed while a transaction was half written')
}

/** Fails with TIMELINE_DIVERGED or SLOT_MOVED. */
export async function guardPlace(
  head: Pick<LogState, 'timeline' | 'to' | 'confirm'>,
  { timeline, confirmed, walEnd }: SourcePlace,
  source: Pick<Source, 'timelineHistory'>,
): Promise<void> {
  await guardTimeline(head, timeline, async (now) => (await source.timelineHistory?.(now)) ?? [])
  const { confirm } = head
  if (confirm === null) return
  if (walEnd !== undefined && walEnd < confirm) {
    const [is, was] = [walEnd, confirm].map(formatLsn)
    fail(
      'TIMELINE_DIVERGED',
      `the WAL of the server ends at ${is}, and the lake holds up to ${was}`,
    )
  }
  if (confirmed > confirm) {
    fail('SLOT_MOVED', 'the slot was confirmed beyond what the lake holds', {
      details: { slot: formatLsn(confirmed), lake: formatLsn(confirm) },
    })
  }
}

/** What a look at the source finds, without taking the slot. */
export interface SeenSource extends Pick<RunInfo, 'systemId' | 'database'> {
  readonly timeline: number
  readonly slot: SlotInfo | null
}

/** The codes after which only a new epoch helps. */
const LOSSES: ReadonlySet<ErrorCode> = new Set([
  'SOURCE_CHANGED',
  'TIMELINE_DIVERGED',
  'SLOT_LOST',
  'SLOT_MOVED',
])

/** Why the log cannot go on, as far as one can see from outside; `null` if nothing is lost. */
export async function lossIn(
  head: LogState,
  seen: SeenSource,
  source: Pick<Source, 'timelineHistory'>,
): Promise<CodedError | null> {
  if (head.n === 0) return null
  const { timeline, slot } = seen
  return lossOf(async () => {
    guardIdentity(head, seen)
    const confirmed = slot === null || isLost(slot) ? null : (slot.confirmed ?? ZERO_LSN)
    await guardPlace(head, { timeline, confirmed: confirmed ?? ZERO_LSN }, source)
    if (confirmed === null)
      fail('SLOT_LOST', 'the replication slot is gone, and the lake goes on from it')
  })
}

/** The loss that the guards find; whatever else fails is thrown on. */
export async function lossOf(guard: () => Promise<void>): Promise<CodedError | null> {
  try {
    await guard()
    return null
  } catch (error) {
    if (error instanceof CodedError && LOSSES.has(error.code)) return error
    throw error
  }
}
