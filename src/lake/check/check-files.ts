/**
 * Reads a data file from one end to the other and compares it with what its entry says.
 *
 * Reading proves bytes and hash; here are the things that a wrong writer would get wrong with a right
 * hash: counts and positions.
 */

import { ChangeCursor, OP, type BlockPool } from '../../core/change-log.ts'
import type { ChangesEntry, LoadPartEntry } from '../../core/manifest.ts'
import { comparePositions, isAfter, type Position } from '../../core/position.ts'
import type { Shape } from '../../core/table.ts'
import { KIND, TupleCursor } from '../../core/tuple.ts'
import type { LogReader } from '../log/log-reader.ts'

/** What is wrong with it. Rejects with OBJECT_MISSING or LAKE_DAMAGED. */
export async function checkChanges(
  reader: LogReader,
  entry: ChangesEntry,
  pool: BlockPool,
): Promise<string[]> {
  const changes = await reader.readChanges(entry, pool)
  const tally = new Tally()
  const cursor = new ChangeCursor()
  for (const block of changes.drain()) {
    cursor.open(block)
    while (cursor.next()) tally.add(cursor)
  }
  return [...tally.compare(entry)]
}

export async function checkLoadPart(
  reader: LogReader,
  entry: LoadPartEntry,
  shape: Shape,
): Promise<string[]> {
  let rows = 0
  for await (const { starts } of reader.readLoadPart(entry, shape).read()) rows += starts.length - 1
  return rows === entry.rows ? [] : [`it has ${rows} rows, and its entry says ${entry.rows}`]
}

class Tally {
  readonly #counts = { i: 0, u: 0, d: 0 }
  #unchanged = 0
  #first: Position | null = null
  #last: Position | null = null
  #isOrdered = true
  readonly #tuple = new TupleCursor()

  add(cursor: ChangeCursor): void {
    const position = { lsn: cursor.commitLsn, ordinal: cursor.ordinal }
    if (this.#last && !isAfter(position, this.#last)) this.#isOrdered = false
    this.#first ??= position
    this.#last = position
    if (cursor.op === OP.truncate) return
    if (cursor.op === OP.insert) this.#counts.i++
    else if (cursor.op === OP.update) this.#counts.u++
    else this.#counts.d++
    if (this.#hasUnchanged(cursor)) this.#unchanged++
  }

  *compare({ rows, unchanged, first, last }: ChangesEntry): Generator<string> {
    const { i, u, d } = this.#counts
    if (i !== rows.i || u !== rows.u || d !== rows.d) {
      yield `it has ${i} inserts, ${u} updates and ${d} deletes, and its entry says ${rows.i}, ${rows.u} and ${rows.d}`
    }
    if (this.#unchanged !== unchanged) {
      yield `it has ${this.#unchanged} rows with unchanged values, and its entry says ${unchanged}`
    }
    if (!this.#isOrdered) yield 'its rows are not in the order of their positions'
    if (!isSame(this.#first, first)) yield 'its first row is not where its entry says'
    if (!isSame(this.#last, last)) yield 'its last row is not where its entry says'
  }

  #hasUnchanged({ bytes, start }: ChangeCursor): boolean {
    const tuple = this.#tuple.open(bytes, start)
    while (tuple.next()) if (tuple.kind === KIND.unchanged) return true
    return false
  }
}

function isSame(found: Position | null, expected: Position): boolean {
  return found !== null && comparePositions(found, expected) === 0
}
