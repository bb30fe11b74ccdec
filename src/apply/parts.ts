/** What an applier is put together from, and what it tells. */

import type { BlockPool } from '../core/change-log.ts'
import type { Clock } from '../core/clock.ts'
import { CodedError } from '../core/errors.ts'
import type { Emit } from '../core/events.ts'
import type { Straggler } from '../core/ledger.ts'
import type { TableId } from '../core/table.ts'
import type { Target } from '../core/target.ts'
import type { FormOf } from './forms.ts'
import type { Limits, LoadRequests, Log, LogFacts, ShapeReader } from './log.ts'
import type { Place } from './place.ts'
import type { Registry } from './registration.ts'
import type { ResumeRequests } from './resume-watch.ts'
import type { Selection } from './selected-log.ts'

export interface OnDrop {
  readonly table: 'keep' | 'drop'
  readonly column: 'keep' | 'drop'
}

export interface ApplierOptions {
  /** `task/target`: our name in the ledger, in requests and in the `for` of loads. */
  readonly consumer: string
  readonly target: Target
  readonly log: Log
  /** The tables that the target takes; all if left out. */
  readonly isSelected?: Selection
  /** The form in which it has each; as the source has them if left out. */
  readonly formOf?: FormOf
  /** What becomes of what the source drops; it stays if left out. */
  readonly onDrop?: OnDrop
  readonly shapes: ShapeReader
  readonly requests: LoadRequests
  /** Where word is found that suspended tables may go on; nowhere if left out. */
  readonly resumes?: ResumeRequests
  /** Where the lake is told what we need of it; nowhere if left out. */
  readonly registry?: Registry
  readonly clock: Clock
  readonly pool: BlockPool
  readonly limits: Limits
  readonly emit: Emit
  /** How often the log is looked at when no doorbell rings. */
  readonly intervalMs: number
  /** How long changes are gathered, from one batch to the next; not at all if left out. */
  readonly gatherMs?: number
}

/** What the loops of one applier share. */
export interface ApplyParts extends ApplierOptions {
  readonly place: Place
  readonly facts: LogFacts
}

/** Tells where a straggler is; `null` if it is one no longer. */
export function tellStraggler(
  { emit, target }: Pick<ApplierOptions, 'emit' | 'target'>,
  table: TableId,
  told: { readonly row: Straggler | null; readonly rows: number },
): void {
  const { row, rows } = told
  const error = row?.error ? new CodedError(row.error.code, row.error.message) : null
  emit({
    type: 'straggler',
    target: target.name,
    table,
    state: row?.state ?? 'joined',
    rows,
    error,
  })
}

/** The row of a table that failed for good. */
export function suspended(row: Straggler, { code, message }: CodedError): Straggler {
  return { ...row, state: 'suspended', error: { code, message } }
}
