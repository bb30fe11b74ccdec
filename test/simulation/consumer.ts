/** One consumer: its place in a database, and the workers that race for its ledger. */

import { WAITING } from '../../src/apply/controls.ts'
import { isIdle } from '../../src/apply/read-batch.ts'
import type { Straggler } from '../../src/core/ledger.ts'
import { MemoryPlace } from '../support/memory-target.ts'
import { ApplierProcess, LAKE_ID, type ProcessParts } from './actors.ts'
import type { Audit } from './audit.ts'
import { difference } from './equality.ts'
import { idOf, TABLES } from './scripted-database.ts'
import { Violation } from './violation.ts'

export class Consumer {
  readonly name: string
  readonly place = new MemoryPlace()
  workers: ApplierProcess[] = []
  readonly #parts: ProcessParts
  readonly #audit: Audit
  #started = 0

  constructor(name: string, parts: ProcessParts, audit: Audit) {
    this.name = name
    this.#parts = parts
    this.#audit = audit
  }

  startWorker(): void {
    const name = `${this.name}${++this.#started}`
    const consumer = `shop/${this.name}`
    const { place } = this
    const committed = (): void => this.check()
    this.workers.push(new ApplierProcess(name, { ...this.#parts, consumer, place, committed }))
  }

  killWorker(at: number): void {
    this.workers[at]!.process.life.end()
    this.workers.splice(at, 1)
  }

  ring(): void {
    for (const { applier } of this.workers) applier.ring()
  }

  get ledger() {
    return this.place.ledgers.get(`shop/${this.name}`)?.ledger ?? null
  }

  /** An operator stops a table that is where the ledger is; in the ledger, as `Batches` would do it. */
  suspend(name: string): boolean {
    const { ledger } = this
    const table = idOf(name)
    if (ledger === null || ledger.stragglers.has(table) || !ledger.tables.has(table)) return false
    const row: Straggler = { ...WAITING, n: ledger.n, state: 'suspended' }
    const stragglers = new Map(ledger.stragglers).set(table, row)
    const next = { ...ledger, v: ledger.v + 1, stragglers }
    this.place.ledgers.set(`shop/${this.name}`, { lakeId: LAKE_ID, ledger: next })
    return true
  }

  resume(worker: ApplierProcess): void {
    for (const [table, { state }] of this.ledger?.stragglers ?? []) {
      if (state === 'suspended') worker.resume(table)
    }
  }

  /** Every table that is not passed by equals the source where the ledger is. */
  check(): void {
    const { ledger } = this
    if (ledger === null || ledger.n === 0) return
    const manifest = this.#audit.manifests[ledger.n - 1]
    if (!manifest?.to.end) this.#bad('to', `the ledger is at ${ledger.n}, which ends nothing`)
    const source = this.#audit.sourceAt(ledger.n)
    for (const name of TABLES) {
      const table = idOf(name)
      const row = ledger.stragglers.get(table)
      if (row?.error) this.#bad('suspended', `${name}: ${row.error.code} ${row.error.message}`)
      if (row?.isPassed || !ledger.tables.has(table)) continue
      const problem = difference(this.place.tables.get(table) ?? null, source.get(name)!)
      if (problem !== null) this.#bad('atomic', `${name} at manifest ${ledger.n}: ${problem}`)
    }
  }

  /** Nothing of the log is left, and every table is there. */
  get isDone(): boolean {
    const { ledger } = this
    if (ledger === null || ledger.stragglers.size > 0 || ledger.tables.size < TABLES.length) {
      return false
    }
    return this.#audit.manifests.slice(ledger.n).every(isIdle)
  }

  get inWords(): string {
    const rows = [...(this.ledger?.stragglers ?? [])].map(
      ([table, { state, n, load }]) => `${table} ${state} ${n} ${load?.load}`,
    )
    return `${this.name} at ${this.ledger?.n}: ${rows.join(', ')}`
  }

  #bad(code: Violation['code'], text: string): void {
    const violation = new Violation(code, `${this.name}: ${text}`)
    this.#parts.report(violation)
    throw violation
  }
}
