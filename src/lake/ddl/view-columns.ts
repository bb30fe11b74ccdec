/** The columns that the views of a table have. */

import type { LogicalType } from '../../core/type.ts'
import type { ColumnFacts } from './table-facts.ts'

/** By which changes are ordered. */
export const POSITION = '_epoch, _lsn, _seq'

/** A column that the table has now. */
export interface ViewColumn {
  /** Quoted. */
  readonly name: string
  /** As it is listed among unchanged columns. */
  readonly original: string
  readonly type: LogicalType
  readonly isKey: boolean
  /** Its place in the files, behind the lake's own columns. */
  readonly place: number
  readonly facts: ColumnFacts
}
