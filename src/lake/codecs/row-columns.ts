/**
 * The columns that stand before a table's own in every row of the lake, and how the sixth of them,
 * the list of unchanged columns, is written.
 *
 *   Op, _order, _lsn, _seq, _committed_at, _unchanged, then the columns of the shape
 */

export const ROW_COLUMNS = ['Op', '_order', '_lsn', '_seq', '_committed_at', '_unchanged'] as const

/** Where each of them stands; the columns of the shape begin at `ROW.first`. */
export const ROW = {
  op: 0,
  order: 1,
  lsn: 2,
  seq: 3,
  committedAt: 4,
  unchanged: 5,
  first: ROW_COLUMNS.length,
} as const

/** A column's name as it stands in the list, which is separated by commas. */
export function listedName(name: string): string {
  return name.replaceAll('~', '~7E').replaceAll(',', '~2C')
}
