/** One consumer: its place in a database, and the workers that race for its ledger. */

import { WAITING } from '../../src/apply/controls.ts'
import { isIdle } from '../../src/apply/read-batch.ts'
import type { Ledger, Straggler } from '../../src/core/ledger.ts'
import { tableName, type TableId } from '../../src/core/table.ts'
import { MemoryPlace } from '../support/memory-target.ts'
import { ApplierProcess, LAKE_ID, resync, type ProcessParts } from './actors.ts'
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
  /** Tables that were not where the ledger is, as of the last commit. */
  #stragglers: ReadonlyMap<TableId, Straggler> = new Map()
  /** For each table the `since` of the load that it is made of. */
  readonly #taken = new Map<TableId, number>()
  /** The `after` of each request since the last one was removed. */
  readonly #asked = new Map<TableId, number[]>()

  constructor(name: string, parts: ProcessParts, audit: Audit) {
    this.name = name
    this.#parts = parts
    this.#audit = audit
  }

  startWorker(): void {
    const name = `${this.name}${++this.#started}`
    const { place, id: consumer } = this
    const committed = (): void => this.check()
    this.workers.push(new ApplierProcess(name, { ...this.#parts, consumer, place, committed }))
  }

  /** In ledgers, requests and the `for` of loads. */
  get id(): string {
    return `shop/${this.name}`
  }

  /** An operator wants the table loaded again. */
  resync(name: string): void {
    const operator = `o${++this.#started}`
    resync(operator, this.#parts, { consumer: this.id, table: idOf(name) })
  }

  /** A request is there, or gone (`null`). Until it was answered nobody may remove it. */
  requested(table: TableId, after: number | null): void {
    const asked = this.#asked.get(table) ?? []
    if (after !== null) {
      this.#asked.set(table, [...asked, after])
      return
    }
    this.#asked.delete(table)
    // One that takes the place of another while that one is answered may go with it.
    const taken = this.#taken.get(table) ?? -1
    const first = Math.min(...asked)
    if (this.#audit.isDroppedAfter(tableName(table).name, first)) return
    if (taken < first) this.#bad('asked', `${table} after ${asked.join()}, has ${taken}`)
  }

  killWorker(at: number): void {
    this.workers[at]!.process.life.end()
    this.workers.splice(at, 1)
  }

  ring(): void {
    for (const { applier } of this.workers) applier.ring()
  }

  get ledger() {
    return this.place.ledgers.get(this.id)?.ledger ?? null
  }

  /** An operator stops a table that is where the ledger is; in the ledger, as `Batches` would do it. */
  suspend(name: string): boolean {
    const { ledger } = this
    const table = idOf(name)
    if (ledger === null || ledger.stragglers.has(table) || !ledger.tables.has(table)) return false
    const row: Straggler = { ...WAITING, n: ledger.n, state: 'suspended' }
    const stragglers = new Map(ledger.stragglers).set(table, row)
    const next = { ...ledger, v: ledger.v + 1, stragglers }
    this.place.ledgers.set(this.id, { lakeId: LAKE_ID, ledger: next })
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
    this.#note(ledger)
    const manifest = this.#audit.manifests[ledger.n - 1]
    if (!manifest?.to.end) this.#bad('to', `the ledger is at ${ledger.n}, which ends nothing`)
    const source = this.#audit.sourceAt(ledger.n)
    for (const name of TABLES) {
      const table = idOf(name)
      const row = ledger.stragglers.get(table)
      if (row?.error) this.#bad('suspended', `${name}: ${row.error.code} ${row.error.message}`)
      if (row?.isPassed || !ledger.tables.has(table)) continue
      if (source.get(name)!.isRecreated) continue
      if ((this.#taken.get(table) ?? -1) < this.#audit.ambiguousAt(name, ledger.n)) continue
      const problem = difference(this.place.tables.get(table) ?? null, source.get(name)!)
      if (problem !== null) this.#bad('atomic', `${name} at manifest ${ledger.n}: ${problem}`)
    }
  }

  /** A table that had taken a load, and is a straggler no longer, is made of it. */
  #note({ stragglers }: Ledger): void {
    for (const [table, { load, n }] of this.#stragglers) {
      if (load !== null && n !== null && !stragglers.has(table)) this.#taken.set(table, load.since)
    }
    this.#stragglers = stragglers
  }

  /** Nothing of the log is left, every table is there, and what was asked for was given. */
  get isDone(): boolean {
    const { ledger } = this
    if (ledger === null || ledger.stragglers.size > 0 || ledger.tables.size < TABLES.length) {
      return false
    }
    for (const [table, asked] of this.#asked) {
      if (asked.at(-1)! > (this.#taken.get(table) ?? -1)) return false
    }
    return this.#audit.manifests.slice(ledger.n).every(isIdle)
  }

  get inWords(): string {
    const rows = [...(this.ledger?.stragglers ?? [])].map(
      ([table, { state, n, load }]) => `${table} ${state} ${n} ${load?.load}`,
    )
    const asked = [...this.#asked].map(([table, after]) => `${table} asked ${after.join()}`)
    return `${this.name} at ${this.ledger?.n}: ${[...rows, ...asked].join(', ')}`
  }

  #bad(code: Violation['code'], text: string): void {
    const violation = new Violation(code, `${this.name}: ${text}`)
    this.#parts.report(violation)
    throw violation
  }
}
