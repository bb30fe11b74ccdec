/**
 * A batch's last word on each key, brought into a table.
 *
 * Delete the keys, insert their rows. It wants no primary key, and on a large table it is many times
 * faster than MERGE or ON CONFLICT in a column store. Values that did not change are taken over first,
 * while their rows are still there. How the rows get into the staged table is the database's own; the
 * columns of that are numbered, so that no name can collide:
 *
 *   op │ v0 v1 v2 … values │ mask │ s0 s1 … key of the row that has the unchanged values
 */

import { fail } from '../../core/errors.ts'
import { VERSION_ORDER } from '../../core/mode.ts'
import { tableId } from '../../core/table.ts'
import type { StepOf } from './apply-step.ts'
import { identifier } from './names.ts'
import { liveColumns, type LiveColumn } from './rows.ts'
import type { SqlSession } from './session.ts'

/** What is known of the rows once they are staged. */
export interface StagedFold {
  /** The staged table, as it stands in SQL. */
  readonly table: string
  /** Rows in it. */
  readonly rows: number
  /** Rows with unchanged values. */
  readonly filled: number
  /** Places among the live columns of those that were unchanged in any row. */
  readonly unchanged: ReadonlySet<number>
}

/** How one database stages a fold. */
export interface FoldPlace extends Pick<SqlSession, 'run'> {
  /** The table that the rows go to, as it stands in SQL. */
  readonly table: string
  /** Says that a statement begins, for tests that break off there. */
  at?(point: 'fill' | 'delete' | 'insert'): Promise<void>
  stage(): Promise<StagedFold>
  /** The condition that two values of the live column at `place` are the same; `=` if left out. */
  isSame?(place: number, a: string, b: string): string
  /** The value of the live column at `place` of a staged row; `of` is empty, or names the row. */
  stagedValue?(place: number, of: string): string
  /** The staged table is dropped by somebody else. */
  readonly keepsStaged?: boolean
}

/** Resolves to the number of rows that went. */
export async function applyFold(place: FoldPlace, step: StepOf<'fold'>): Promise<number> {
  const { upserts, deletes, fills } = step.rows
  if (upserts + deletes === 0) return 0
  if (step.shape.key.length === 0 && (deletes > 0 || fills > 0)) {
    failed(step, 'TARGET_FAILED', 'updates and deletes of a table without a key cannot be folded')
  }
  const staged = await place.stage()
  if (staged.rows !== upserts + deletes) {
    failed(step, 'TARGET_FAILED', `${staged.rows} of ${upserts + deletes} rows were staged`)
  }
  const fold = new Fold(place, step, staged)
  await fold.fill()
  const deleted = await fold.deleteKeys()
  await fold.insert()
  if (place.keepsStaged !== true) await place.run(`DROP TABLE ${staged.table}`)
  return deleted
}

class Fold {
  readonly #place: FoldPlace
  readonly #step: StepOf<'fold'>
  readonly #staged: StagedFold
  readonly #live: readonly LiveColumn[]
  /** Places in `#live` of the columns of the key. */
  readonly #key: readonly number[]

  constructor(place: FoldPlace, step: StepOf<'fold'>, staged: StagedFold) {
    this.#place = place
    this.#step = step
    this.#staged = staged
    this.#live = liveColumns(step.shape)
    this.#key = this.#live.flatMap(({ isKey }, i) => (isKey ? [i] : []))
  }

  /** Adds each row that keeps values once more, with them, and leaves the mask of the new one empty. */
  async fill(): Promise<void> {
    const { filled: fills, table, unchanged } = this.#staged
    if (fills === 0) return
    await this.#place.at?.('fill')
    const values = this.#live.map((_, i) =>
      unchanged.has(i)
        ? `CASE WHEN substr(s.mask, ${i + 1}, 1) = '1' THEN t.${this.#name(i)} ELSE ${this.#valueOf(i, 's.')} END`
        : this.#valueOf(i, 's.'),
    )
    const names = this.#live.map((_, i) => `v${i}`)
    const isSource = this.#key.map((place, i) =>
      this.#isSame(place, `t.${this.#name(place)}`, `s.s${i}`),
    )
    const from = this.#step.appends === true ? this.#newest() : this.#place.table
    const filled = await this.#place.run(
      `INSERT INTO ${table} (op, ${names.join(', ')})
       SELECT s.op, ${values.join(', ')} FROM ${table} s JOIN ${from} t
       ON ${isSource.join(' AND ')} WHERE s.mask IS NOT NULL`,
    )
    if (filled === fills) return
    failed(
      this.#step,
      'FILL_MISSING',
      `${fills} rows keep values that did not change, but the target has ${filled} of them`,
    )
  }

  /** Of the rows that have unchanged values, the version that came last. */
  #newest(): string {
    const names = this.#key.map((place) => `v.${this.#name(place)}`)
    const isSource = names.map((name, i) => this.#isSame(this.#key[i]!, name, `s.s${i}`))
    return `(SELECT n.* FROM
       (SELECT v.*, ROW_NUMBER() OVER
          (PARTITION BY ${names.join(', ')} ORDER BY v.${identifier(VERSION_ORDER)} DESC) AS "millrace newest"
        FROM ${this.#place.table} v WHERE EXISTS
          (SELECT 1 FROM ${this.#staged.table} s
           WHERE s.mask IS NOT NULL AND ${isSource.join(' AND ')})) n
       WHERE n."millrace newest" = 1)`
  }

  async deleteKeys(): Promise<number> {
    if (this.#key.length === 0 || this.#step.appends === true) return 0
    await this.#place.at?.('delete')
    const { table } = this.#place
    // Not every database has another name for the table that rows are deleted from.
    const isSame = this.#key.map((place) =>
      this.#isSame(place, `${table}.${this.#name(place)}`, `s.v${place}`),
    )
    return this.#place.run(
      `DELETE FROM ${table} USING ${this.#staged.table} s
       WHERE ${isSame.join(' AND ')} AND ${this.#isWhole()}`,
    )
  }

  async insert(): Promise<void> {
    const { upserts } = this.#step.rows
    await this.#place.at?.('insert')
    const names = this.#live.map((_, i) => this.#name(i))
    const values = this.#live.map((_, i) => this.#valueOf(i, ''))
    const inserted = await this.#place.run(
      `INSERT INTO ${this.#place.table} (${names.join(', ')})
       SELECT ${values.join(', ')} FROM ${this.#staged.table}
       WHERE op = 'u' AND ${this.#isWhole()}`,
    )
    if (inserted === upserts) return
    failed(this.#step, 'TARGET_FAILED', `${inserted} rows were inserted, not ${upserts}`)
  }

  /** Leaves out the rows that were added once more. */
  #isWhole(): string {
    return this.#staged.filled > 0 ? 'mask IS NULL' : 'TRUE'
  }

  #isSame(place: number, a: string, b: string): string {
    return this.#place.isSame?.(place, a, b) ?? `${a} = ${b}`
  }

  #valueOf(place: number, of: string): string {
    return this.#place.stagedValue?.(place, of) ?? `${of}v${place}`
  }

  #name(place: number): string {
    return identifier(this.#live[place]!.column.name)
  }
}

function failed(
  { table }: StepOf<'fold'>,
  code: 'FILL_MISSING' | 'TARGET_FAILED',
  message: string,
): never {
  const id = tableId(table.name)
  fail(code, `${id}: ${message}`, { details: { table: id } })
}
