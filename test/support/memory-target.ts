/**
 * A target made of maps, for tests and for the simulation.
 *
 * It obeys the contract, and so passes its suite. A place holds what a database would: the tables, and
 * the ledger of each consumer; several targets may work on one place. A commit works on copies and
 * publishes them at its end, in one step, if the ledger is still where it was expected. `pause` is
 * awaited at every point where a real target would wait, so a test can make it slow or let it fail
 * there; a failure at `committed` is an answer that got lost.
 */

import { fail } from '../../src/core/errors.ts'
import { isAsExpected } from '../../src/core/expectation.ts'
import type { Ledger } from '../../src/core/ledger.ts'
import { tableId, type TableName } from '../../src/core/table.ts'
import type { LedgerChange, Step, Target, Work } from '../../src/core/target.ts'
import { applyStep, placeKey, type MemoryTable } from './memory-steps.ts'

export type PausePoint = 'open' | 'ledger' | 'begin' | 'step' | 'commit' | 'committed'

export class MemoryPlace {
  readonly tables = new Map<string, MemoryTable>()
  readonly ledgers = new Map<string, { readonly lakeId: string; ledger: Ledger | null }>()
}

export interface MemoryTargetOptions {
  readonly place?: MemoryPlace
  readonly name?: string
  readonly lakeId?: string
  readonly consumer?: string
  readonly pause?: (point: PausePoint) => Promise<void>
}

export class MemoryTarget implements Target {
  readonly name: string
  readonly place: MemoryPlace
  /** Steps that cannot be done, as where something hangs on a table. */
  refuse: (step: Step) => boolean = () => false
  readonly #lakeId: string
  readonly #consumer: string
  readonly #pause: (point: PausePoint) => Promise<void>

  constructor(options: MemoryTargetOptions = {}) {
    this.name = options.name ?? 'memory'
    this.place = options.place ?? new MemoryPlace()
    this.#lakeId = options.lakeId ?? 'lake'
    this.#consumer = options.consumer ?? 'task/memory'
    this.#pause = options.pause ?? (() => Promise.resolve())
  }

  async open(): Promise<Ledger | null> {
    await this.#pause('open')
    const { lakeId } = this.place.ledgers.get(this.#consumer) ?? { lakeId: this.#lakeId }
    if (lakeId !== this.#lakeId) {
      fail('LEDGER_FOREIGN', `the ledger of ${this.#consumer} belongs to the lake ${lakeId}`)
    }
    return this.#ledger
  }

  async ledger(): Promise<Ledger> {
    await this.#pause('ledger')
    return this.#ledger ?? fail('TARGET_FAILED', `there is no ledger of ${this.#consumer} yet`)
  }

  async commit(work: Work): Promise<boolean> {
    await this.#pause('begin')
    if (!isAsExpected(this.#ledger, work.expect)) return false
    const before = new Map(this.place.tables)
    const tables = new Map(before)
    for await (const step of work.steps) {
      await this.#pause('step')
      if (this.refuse(step)) refused(step)
      await applyStep(tables, step)
    }
    await this.#pause('commit')
    if (!isAsExpected(this.#ledger, work.expect)) return false
    this.#publish(before, tables)
    const ledger = changed(this.#ledger, work.ledger)
    this.place.ledgers.set(this.#consumer, { lakeId: this.#lakeId, ledger })
    await this.#pause('committed')
    return true
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  /** Rows by their key, each aligned with the columns of the table's shape; `null` if there is none. */
  rows(name: TableName, isShadow = false): ReadonlyMap<string, readonly (string | null)[]> | null {
    return this.place.tables.get(placeKey({ name, isShadow }))?.rows ?? null
  }

  table(name: TableName, isShadow = false): MemoryTable | null {
    return this.place.tables.get(placeKey({ name, isShadow })) ?? null
  }

  get #ledger(): Ledger | null {
    return this.place.ledgers.get(this.#consumer)?.ledger ?? null
  }

  /** Two transactions that changed one table at the same time: the second fails, as in a database. */
  #publish(
    before: ReadonlyMap<string, MemoryTable>,
    after: ReadonlyMap<string, MemoryTable>,
  ): void {
    const keys = new Set([...before.keys(), ...after.keys()])
    const touched = [...keys].filter((key) => before.get(key) !== after.get(key))
    for (const key of touched) {
      if (this.place.tables.get(key) !== before.get(key)) {
        fail('CLAIM_LOST', `another worker changed ${key} at the same time`)
      }
    }
    for (const key of touched) {
      const table = after.get(key)
      if (table) this.place.tables.set(key, table)
      else this.place.tables.delete(key)
    }
  }
}

function refused(step: Step): never {
  const table = 'table' in step ? tableId(step.table.name) : ''
  return fail('TARGET_FAILED', `${table}: something hangs on it`, { details: { table } })
}

function changed(ledger: Ledger | null, change: LedgerChange): Ledger {
  const { n, epoch, v } =
    change.main ?? ledger ?? fail('TARGET_FAILED', 'the first commit must write the main row')
  return {
    n,
    epoch,
    v,
    stragglers: merged(ledger?.stragglers, change.stragglers),
    tables: merged(ledger?.tables, change.tables),
  }
}

function merged<K, V>(
  rows: ReadonlyMap<K, V> | undefined,
  changes: ReadonlyMap<K, V | null>,
): Map<K, V> {
  const result = new Map(rows)
  for (const [key, value] of changes) {
    if (value === null) result.delete(key)
    else result.set(key, value)
  }
  return result
}
