/**
 * What of a table the log does not have: columns that are excluded, and what a publication leaves out.
 *
 * It is part of a table's shape, so that whoever reads the lake can know it, and so that a change of
 * it is noticed, over restarts too. When it lets through more than before, rows that exist have
 * something that the log has never seen: only a new load brings that.
 */

export interface Narrowing {
  /** Columns that the configuration excludes, of those that the table has; sorted. */
  readonly omitted: readonly string[]
  /** The columns that the publication lists, sorted; `null` if it has all, those of later too. */
  readonly listed: readonly string[] | null
  /** The condition, in SQL, that the publication has for rows; `null` if it has all. */
  readonly rows: string | null
}

/** `undefined` if the log has everything of the table. */
export function narrowing(parts: Narrowing): Narrowing | undefined {
  const isWhole = parts.omitted.length === 0 && parts.listed === null && parts.rows === null
  if (isWhole) return undefined
  return {
    omitted: parts.omitted.toSorted(),
    listed: parts.listed && parts.listed.toSorted(),
    rows: parts.rows,
  }
}

export function isSameNarrowing(a: Narrowing | undefined, b: Narrowing | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  if (a.rows !== b.rows || (a.listed === null) !== (b.listed === null)) return false
  return isSameList(a.omitted, b.omitted) && isSameList(a.listed ?? [], b.listed ?? [])
}

/**
 * What the second lets through and the first did not, in phrases; none if nothing. `columns` are
 * those that the table is captured with now.
 */
export function widenings(
  from: Narrowing | undefined,
  to: Narrowing | undefined,
  columns: readonly { readonly name: string }[],
): string[] {
  if (from === undefined) return to && to.rows !== null ? ['rows are filtered now'] : []
  const found: string[] = []
  if ((to?.rows ?? null) !== from.rows)
    found.push('the row filter of the publication is another one')
  const { listed, omitted } = from
  // The catalogs, which know the list, may be ahead of the stream, which shows the columns.
  const names = new Set([...columns.map(({ name }) => name), ...(to?.listed ?? [])])
  const isFresh = (name: string) => listed?.includes(name) === false || omitted.includes(name)
  const fresh = [...names].filter(isFresh)
  for (const name of fresh) found.push(`column ${name} was left out before`)
  const isOpened = listed !== null && (to?.listed ?? null) === null
  if (isOpened && fresh.length === 0) found.push('the publication lists its columns no more')
  return found
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i])
}
