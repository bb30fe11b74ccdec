/**
 * What the DDL trigger at the source has said in the transaction that is being taken.
 *
 *   message ──► rewritten, dropped ──► commit ──► marks
 *
 * It goes into the log where the transaction ends, together with that: ordinals count rows, so a
 * message has no place of its own among them, and a load begins behind all of it in any case.
 *
 * Without the trigger the same is found later, or not at all; so nothing here may be needed.
 */

import type { LogicalMessage } from '../../pgoutput/messages.ts'
import { ddlMessage } from './ddl-message.ts'
import type { Mark } from './marks.ts'
import type { TrackedTables } from './tracked-tables.ts'

export class Announced {
  readonly #tables: TrackedTables
  /** By OID: see `DdlMessage`. */
  readonly #rewritten = new Map<number, number | null>()
  #said: number[] = []
  #dropped: number[] = []

  constructor(tables: TrackedTables) {
    this.#tables = tables
  }

  take(message: LogicalMessage): void {
    const ddl = ddlMessage(message)
    if (ddl?.do === 'drop') this.#said.push(...ddl.tables)
    if (ddl?.do !== 'rewrite') return
    const { table, last } = ddl
    const before = this.#rewritten.get(table)
    const isWhole = last === null || before === null
    this.#rewritten.set(table, isWhole ? null : Math.max(last, before ?? 0))
  }

  /** Waits for `verify`. */
  get isUnverified(): boolean {
    return this.#said.length > 0
  }

  /**
   * In a streamed transaction the server sends what a savepoint that was rolled back has said as if it
   * were of the transaction itself (tried on 14 and 18). A load too many does no harm; to drop a table
   * that is there would.
   */
  async verify(): Promise<void> {
    for (const oid of this.#said) {
      if (await this.#tables.isGone(oid)) this.#dropped.push(oid)
    }
    this.#said = []
  }

  /** A row has shown that something happened to the table which the log cannot tell. */
  shown(oid: number): void {
    this.#rewritten.delete(oid)
  }

  /** What the log must say at the end of the transaction. */
  takeMarks(): readonly Mark[] {
    if (this.#rewritten.size + this.#dropped.length === 0) return []
    const gone = new Set(this.#dropped)
    const rewritten = [...this.#rewritten].filter(([oid]) => !gone.has(oid))
    this.#rewritten.clear()
    this.#dropped = []
    return [
      ...rewritten.flatMap(([oid, last]) => this.#rewrittenMarks(oid, last)),
      ...[...gone].flatMap((oid) => this.#tables.dropped(oid)),
    ]
  }

  /** If its last column is one that the log has, only one that is not replicated was computed. */
  #rewrittenMarks(oid: number, last: number | null): readonly Mark[] {
    if (last === null) return this.#tables.changed(oid, ['a column was computed anew for each row'])
    const known = this.#tables.shapeOf(oid)?.columns ?? []
    if (known.some(({ attnum = 0 }) => attnum >= last)) return []
    return this.#tables.changed(oid, ['a column was added that is computed for each row'])
  }
}
