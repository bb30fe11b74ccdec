/** What an ordered drain is put together from. */

import type { BlockPool } from '../../core/change-log.ts'
import type { Clock } from '../../core/clock.ts'
import type { Emit } from '../../core/events.ts'
import type { OrderedTaker } from '../../core/ordered.ts'
import type { Log, LoadRequests, ShapeReader } from '../log.ts'
import type { Registry } from '../registration.ts'
import type { Selection } from '../selected-log.ts'
import type { OrderedLedger } from './ledger-chain.ts'
import type { WindowLimits } from './window.ts'

export interface OrderedDrainOptions {
  /** `task/target`: our name in requests and in the `for` of loads. */
  readonly consumer: string
  readonly taker: OrderedTaker
  readonly ledger: OrderedLedger
  readonly log: Log
  readonly shapes: ShapeReader
  readonly requests: LoadRequests
  readonly registry: Registry
  /** The tables that are taken; all if left out. */
  readonly isSelected?: Selection
  readonly clock: Clock
  readonly pool: BlockPool
  readonly limits: WindowLimits
  readonly emit: Emit
  /** How often the log is looked at when no doorbell rings. */
  readonly lookEveryMs: number
}
