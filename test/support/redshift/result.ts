/** What a statement gives, and what is kept of it. */

import type pg from 'pg'

export interface Result {
  /** `null`: a statement without rows. */
  readonly fields: readonly pg.FieldDef[] | null
  readonly rows: readonly (readonly (string | null)[])[]
  readonly tag: string
}

export interface LogEntry {
  readonly session: number
  readonly sql: string
  error: string | null
}

/** Of a statement without rows. */
export function done(tag: string): Result {
  return { fields: null, rows: [], tag }
}
