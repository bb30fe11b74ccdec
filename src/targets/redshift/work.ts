/** What the steps of a piece of work have at hand, before the claim and behind it. */

import type { TableId } from '../../core/table.ts'
import type { Step } from '../../core/target.ts'
import type { CopyRole } from './copy.ts'
import type { Unfit } from './fit.ts'
import type { LayoutOf } from './layout.ts'
import type { Prepared } from './rows.ts'
import type { RedshiftSession } from './session.ts'
import type { Stage } from './stage.ts'

interface Common {
  readonly session: RedshiftSession
  readonly role: CopyRole
  readonly layoutOf: LayoutOf
}

/** Before the claim: rows are brought to the cluster. */
export interface Preparation extends Common {
  readonly stage: Stage
  readonly unfit: Unfit
  /** Begins the transaction of the staged rows, if that has not been done. */
  readonly begin: () => Promise<void>
  note(step: Step, prepared: Prepared | null): void
}

/** Behind the claim. */
export interface Transaction extends Common {
  /** Tables of the target, as the source calls them. */
  readonly tables: ReadonlySet<TableId>
  /** What was prepared of a step; `null` if there was nothing to prepare. */
  preparedOf(step: Step): Prepared | null
}
