/**
 * Ranges of a table's pages, so that several connections can copy it at once.
 *
 * Pure. A row stays on its page for as long as a snapshot sees it, so ranges that follow each other
 * without a gap hold every row once. The last one has no end: the table may grow meanwhile.
 *
 * https://www.postgresql.org/docs/current/ddl-system-columns.html (ctid)
 */

export interface PageRange {
  readonly from: number
  /** The first page after it; `null`: all that follow. */
  readonly to: number | null
}

/** PostgreSQL's default. Where it was built with another, ranges are larger or smaller than wished. */
const PAGE_BYTES = 8192

/** Ranges of about `rangeBytes`; `null` if the table is better copied whole. */
export function rangesOf(
  pages: number,
  { parallel, rangeBytes }: { readonly parallel: number; readonly rangeBytes: number },
): readonly PageRange[] | null {
  const count = Math.min(Math.ceil((pages * PAGE_BYTES) / rangeBytes), pages)
  if (parallel < 2 || count < 2) return null
  const edge = (i: number): number => Math.round((pages * i) / count)
  return Array.from({ length: count }, (_, i) => {
    return { from: edge(i), to: i + 1 < count ? edge(i + 1) : null }
  })
}

/** The condition in SQL. */
export function ctidIn({ from, to }: PageRange): string {
  const begin = `ctid >= '(${from},0)'`
  return to === null ? begin : `${begin} AND ctid < '(${to},0)'`
}
