/** What the manifest says that begins an epoch after something was lost. */

import type { Lsn } from '../../core/lsn.ts'
import type { EpochManifest, RunInfo } from '../../core/manifest.ts'
import type { TableId } from '../../core/table.ts'
import type { LogState } from './log-state.ts'
import type { OrderClock } from './order-clock.ts'

export interface EpochBegin {
  /** What is read from now on: it may be another server. */
  readonly run: RunInfo
  /** Where the slot stands, on the server's timeline. */
  readonly lsn: Lsn
  readonly timeline: number
  /** Tables of the log that nothing will follow of: the source has them no more, or they are not wanted. */
  readonly without: readonly TableId[]
}

type Fields = 'kind' | 'epoch' | 'timeline' | 'to' | 'confirm' | 'continues' | 'run' | 'entries'

/** LSNs begin anew: a transaction that commits exactly where the slot stands comes after it. */
export function lostEpoch(
  { epoch }: Pick<LogState, 'epoch'>,
  { run, lsn, timeline, without }: EpochBegin,
  order: OrderClock,
): Pick<EpochManifest, Fields> {
  const position = { lsn, ordinal: 0 }
  return {
    kind: 'epoch',
    epoch: epoch + 1,
    timeline,
    to: { ...position, end: true },
    confirm: lsn,
    continues: false,
    run,
    entries: without.map((table) => ({ type: 'drop', table, position, order: order.barrier() })),
  }
}
