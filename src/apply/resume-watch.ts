/**
 * Looks for word that suspended tables may go on, while there are any.
 *
 * Word that lies there when a table gets suspended was about an earlier time, and is taken away. What
 * is asked while nobody runs holds for the next start.
 */

import type { Clock } from '../core/clock.ts'
import type { Ledger } from '../core/ledger.ts'
import type { TableId } from '../core/table.ts'

/** Word of operators, in the lake. */
export interface ResumeRequests {
  isAsked(consumer: string, table: TableId): Promise<boolean>
  remove(consumer: string, table: TableId): Promise<void>
}

const LOOK_EVERY_MS = 5000

export interface ResumeWatchOptions {
  readonly consumer: string
  readonly resumes?: ResumeRequests
  readonly clock: Pick<Clock, 'now'>
}

export class ResumeWatch {
  readonly #options: ResumeWatchOptions
  /** Those that we know to be suspended; `null` before the first look. */
  #suspended: ReadonlySet<TableId> | null = null
  #lookedAt = -Infinity

  constructor(options: ResumeWatchOptions) {
    this.#options = options
  }

  /** Calls `resume` for each table that may go on. True if there was one. */
  async look(ledger: Ledger, resume: (table: TableId) => Promise<unknown>): Promise<boolean> {
    const { consumer, resumes, clock } = this.#options
    if (resumes === undefined) return false
    const rows = [...ledger.stragglers].filter(([, { state }]) => state === 'suspended')
    const before = this.#suspended
    this.#suspended = new Set(rows.map(([table]) => table))
    const isFresh = (table: TableId): boolean => before !== null && !before.has(table)
    for (const [table] of rows) if (isFresh(table)) await resumes.remove(consumer, table)
    if (rows.length === 0 || clock.now() - this.#lookedAt < LOOK_EVERY_MS) return false
    this.#lookedAt = clock.now()
    let hasResumed = false
    for (const [table] of rows) {
      if (isFresh(table) || !(await resumes.isAsked(consumer, table))) continue
      await resume(table)
      await resumes.remove(consumer, table)
      hasResumed = true
    }
    return hasResumed
  }
}
