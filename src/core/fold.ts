/**
 * A batch's last word on each key.
 *
 * (signature only here; see below)
 */

import type { Shape } from './table.ts'

/** What a batch comes to for one table. */
export interface FoldedRows extends Iterable<FoldedRow> {
  readonly upserts: number
  readonly deletes: number
  /** How many upserts need a value from the target, because the batch does not know it. */
  readonly fills: number
}

/** One key. The same object is reused for each row of an iteration. */
export interface FoldedRow {
  readonly op: 'upsert' | 'delete'
  /** The tuple `bytes[start, end)`, aligned with the columns of the shape; of a delete, its key at least. */
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /**
   * For an upsert with unchanged values: a tuple whose key columns name the row of the target that has
   * them, as it was before the batch. It differs from the row's own key after a change of key.
   */
  readonly source: { readonly bytes: Buffer; readonly start: number; readonly end: number } | null
}
export type { Shape }
