/** What the source is made of. */

import type { Clock } from '../../core/clock.ts'
import type { LoadMode } from '../../core/manifest.ts'
import type { TableName } from '../../core/table.ts'
import type { Server } from '../../postgres/connect.ts'
import type { Publication } from '../publication/publication.ts'
import type { Exclusions } from '../stream/exclusions.ts'

export interface PostgresSourceOptions extends Server {
  readonly task: string
  readonly slot: string
  readonly publication: Publication
  readonly load: LoadMode
  readonly isSelected: (name: TableName) => boolean
  /** The patterns that it stands for, if it stands for some. */
  readonly patterns?: readonly string[]
  /** Left out if no column is excluded. */
  readonly columns?: Exclusions
  /** Standbys shall keep a copy of the slot. */
  readonly failover?: boolean
  readonly clock: Clock
  /** Random, for names of temporary slots. */
  readonly newId: () => string
}
