/** A column that `source.columns` has excluded once, and the names by which it did. */

import type { TableName } from './table.ts'

export interface Exclusion {
  readonly oid: number
  /** A column keeps its number when it is renamed, and no other column of the table ever gets it. */
  readonly attnum: number
  readonly table: TableName
  readonly column: string
}

/** Where they are remembered from one run to the next. */
export interface ExclusionStore {
  read(): Promise<readonly Exclusion[]>
  write(exclusions: readonly Exclusion[]): Promise<void>
}
