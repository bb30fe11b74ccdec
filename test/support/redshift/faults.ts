/**
 * Failures on order.
 *
 *   redshift.faults.add({ point: 'after commit', action: 'disconnect' })
 *   redshift.faults.add({ point: 'before update', match: /ledger/, action: 'conflict' })
 *
 * A fault strikes once. Before a COMMIT, a lost connection means that it did not happen; after it,
 * that it did, and that nobody was told.
 */

import { conflict, SqlError, type Isolation } from './sql-error.ts'
import type { StatementKind } from './statement.ts'

export type FaultPoint = `${'before' | 'after'} ${StatementKind | 'statement'}`

export type FaultAction =
  | 'disconnect'
  | 'conflict' // 1023, or "conflict with concurrent transaction"
  | 'missing relation' // 1018: the table was made after our snapshot
  | 'cancelled' // 57014, as a queue of the cluster does it
  | 'deadlock'
  | 'shutdown' // 57P01, and the connection is gone
  | 'disk full'
  | (() => Promise<void>)

export interface Fault {
  readonly point: FaultPoint
  /** Of the statement as it was sent. */
  readonly match?: RegExp
  /** How many may pass before. */
  readonly skip?: number
  readonly action: FaultAction
}

/** The connection goes, without another word. */
export class Disconnect extends Error {}

export class Faults {
  readonly #isolation: Isolation
  readonly #waiting = new Map<Fault, number>()

  constructor(isolation: Isolation) {
    this.#isolation = isolation
  }

  /** Those that have not struck. */
  get left(): number {
    return this.#waiting.size
  }

  add(fault: Fault): void {
    this.#waiting.set(fault, fault.skip ?? 0)
  }

  async reach(when: 'before' | 'after', kind: StatementKind, sql: string): Promise<void> {
    for (const [fault, skips] of this.#waiting) {
      const isHere = fault.point === `${when} ${kind}` || fault.point === `${when} statement`
      if (!isHere || fault.match?.test(sql) === false) continue
      if (skips > 0) {
        this.#waiting.set(fault, skips - 1)
        continue
      }
      this.#waiting.delete(fault)
      await this.#strike(fault.action)
    }
  }

  async #strike(action: FaultAction): Promise<void> {
    if (typeof action === 'function') return action()
    switch (action) {
      case 'disconnect':
        throw new Disconnect('the connection is lost')
      case 'conflict':
        throw conflict(this.#isolation)
      case 'missing relation':
        throw new SqlError('1018', { code: 'XX000', detail: 'Relation does not exist.' })
      case 'cancelled':
        throw new SqlError("Query (107) cancelled on user's request", { code: '57014' })
      case 'deadlock':
        throw new SqlError('deadlock detected', { code: '40P01' })
      case 'shutdown':
        throw new SqlError('terminating connection due to administrator command', {
          code: '57P01',
          severity: 'FATAL',
        })
      case 'disk full':
        throw new SqlError('Disk Full', { code: '53100' })
    }
  }
}
