/**
 * The comparison itself: two streams of rows in the order of their keys, walked side by side.
 *
 * The order is that of the key's bytes in UTF-8, which both databases can sort by, whatever their
 * collations. Keys need not be unique: rows of one key are paired off, and one too many on either side
 * is extra or missing.
 */

export interface HashedRow {
  readonly key: string
  /** Of all columns. */
  readonly hash: string
}

export interface Difference {
  /** `missing`: the source has the row and the warehouse does not. `extra`: the other way round. */
  readonly kind: 'missing' | 'extra' | 'different'
  readonly key: string
}

export interface MergeResult {
  /** At the source. */
  readonly rows: number
  readonly missing: number
  readonly extra: number
  readonly different: number
  /** The first differences, at most 20. */
  readonly first: readonly Difference[]
}

const MAX_REPORTED = 20

export async function mergeRows(
  source: AsyncIterable<HashedRow>,
  warehouse: AsyncIterable<HashedRow>,
): Promise<MergeResult> {
  const counts = { rows: 0, missing: 0, extra: 0, different: 0 }
  const first: Difference[] = []
  const report = (kind: Difference['kind'], key: string) => {
    counts[kind]++
    if (first.length < MAX_REPORTED) first.push({ kind, key })
  }
  const left = new Head(source)
  const right = new Head(warehouse)
  await Promise.all([left.next(), right.next()])
  while (left.row !== null || right.row !== null) {
    const order = compareHeads(left.row, right.row)
    if (order < 0) report('missing', left.row!.key)
    else if (order > 0) report('extra', right.row!.key)
    else if (left.row!.hash !== right.row!.hash) report('different', left.row!.key)
    if (order <= 0) {
      counts.rows++
      await left.next()
    }
    if (order >= 0) await right.next()
  }
  return { ...counts, first }
}

/** The row that a stream stands at; `null` at its end. */
class Head {
  readonly #rows: AsyncIterator<HashedRow>
  row: HashedRow | null = null

  constructor(rows: AsyncIterable<HashedRow>) {
    this.#rows = rows[Symbol.asyncIterator]()
  }

  async next(): Promise<void> {
    const { done, value } = await this.#rows.next()
    const before = this.row
    this.row = done ? null : value
    if (before !== null && this.row !== null && compareBytes(before.key, this.row.key) > 0) {
      throw new Error('rows are not in the order of their keys')
    }
  }
}

/** A stream that has ended stands behind every key. */
function compareHeads(left: HashedRow | null, right: HashedRow | null): number {
  if (left === null) return 1
  if (right === null) return -1
  return compareBytes(left.key, right.key)
}

function compareBytes(a: string, b: string): number {
  if (a === b) return 0
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
