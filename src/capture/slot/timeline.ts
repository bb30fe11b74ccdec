/**
 * Whether a server still goes on from where the lake is.
 *
 *   timeline 1  ────────────┬──────►            the old primary, and the lake with it
 *   timeline 2              └─────────►         a standby, promoted at the switch
 *
 * A standby that is promoted begins a new timeline, and its history says where it left the old one.
 * What the lake holds must lie before the switch: then it is true on the new timeline as well, and
 * the log goes on in the same epoch. If the lake had more, the source has lost what we have, and
 * LSNs mean something else now. Pure, but for the question.
 *
 * https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-TIMELINES
 */

import { fail } from '../../core/errors.ts'
import { formatLsn, maxLsn, parseLsn, type Lsn } from '../../core/lsn.ts'
import type { LogState } from '../../lake/log/log-state.ts'

/** Where a timeline was left for the next one. */
export interface TimelineSwitch {
  readonly timeline: number
  /** What ends at or before this is part of both. */
  readonly at: Lsn
}

export type Continuation = 'same' | 'continues' | 'diverged'

type Place = Pick<LogState, 'timeline' | 'to' | 'confirm'>

/** `history`: of the server's timeline. */
export function continuationOf(
  { timeline, to, confirm }: Place,
  now: { readonly timeline: number; readonly history: readonly TimelineSwitch[] },
): Continuation {
  if (to === null || confirm === null || now.timeline === timeline) return 'same'
  const left = now.history.find((one) => one.timeline === timeline)
  if (left === undefined || now.timeline < timeline) return 'diverged'
  // Records are whole on one side of a switch: of a transaction that is half written we know where
  // its commit begins, and that must lie below.
  const holds = left.at >= maxLsn(confirm, to.lsn) && (to.end || left.at > to.lsn)
  return holds ? 'continues' : 'diverged'
}

/**
 * The lines of a history file: `1<tab>0/3000148<tab>no recovery target specified`. Comments and empty
 * lines may stand between.
 */
export function parseHistory(text: string): TimelineSwitch[] {
  return text.split('\n').flatMap((line) => {
    const [, timeline, at] = /^\s*(\d+)\s+([0-9A-F]+\/[0-9A-F]+)/i.exec(line) ?? []
    return timeline === undefined || at === undefined
      ? []
      : [{ timeline: Number(timeline), at: parseLsn(at) }]
  })
}

/** Fails with TIMELINE_DIVERGED. The history is asked for only if the timeline is another. */
export async function guardTimeline(
  head: Place,
  timeline: number,
  readHistory: (timeline: number) => Promise<readonly TimelineSwitch[]>,
): Promise<void> {
  if (head.to === null || head.timeline === timeline) return
  const history = await readHistory(timeline)
  if (continuationOf(head, { timeline, history }) !== 'diverged') return
  const left = history.find((one) => one.timeline === head.timeline)
  const place = formatLsn(maxLsn(head.confirm ?? head.to.lsn, head.to.lsn))
  const where = left === undefined ? 'is not its ancestor' : `was left at ${formatLsn(left.at)}`
  fail(
    'TIMELINE_DIVERGED',
    `the server is on timeline ${timeline}; the lake holds timeline ${head.timeline} up to ${place}, which ${where}`,
    { details: { was: head.timeline, is: timeline } },
  )
}
