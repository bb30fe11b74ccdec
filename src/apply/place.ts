/**
 * Our place in the log: the ledger of the target, and what we remember of it.
 *
 * Reading the ledger wakes a warehouse that sleeps, so it is read once and then kept by what we commit
 * ourselves. A remembered ledger may be old, because there may be other workers; that is no danger,
 * since every commit names what it expects, and one that fails makes us read again.
 */

import { hasCode } from '../core/errors.ts'
import type { Ledger, Straggler } from '../core/ledger.ts'
import type { TableId } from '../core/table.ts'
import type { Expectation, LedgerChange, Step, Target, Work } from '../core/target.ts'
import type { Registration } from './registration.ts'

export class Place {
  readonly #target: Target
  readonly #registration: Registration | null
  #ledger: Ledger | null = null

  constructor(target: Target, registration: Registration | null = null) {
    this.#target = target
    this.#registration = registration
  }

  /** What we know without asking; `null` if nothing. */
  get known(): Ledger | null {
    return this.#ledger
  }

  /** Opens the target. `begin` says where a consumer begins that is new there. */
  async open(begin: () => Promise<Ledger>): Promise<Ledger> {
    const ledger = await this.#target.open()
    const next = ledger ?? (await begin())
    await this.#registration?.before(next)
    if (ledger === null) await this.#target.commit(beginning(next))
    this.#ledger = ledger
    return this.ledger()
  }

  async ledger(): Promise<Ledger> {
    if (this.#ledger !== null) return this.#ledger
    const ledger = await this.#target.ledger()
    this.#ledger = ledger
    return ledger
  }

  /** Tells the lake, now and then, what we need of it. */
  async register(): Promise<void> {
    if (this.#ledger !== null) await this.#registration?.keepUp(this.#ledger)
  }

  forget(): void {
    this.#ledger = null
  }

  /** False, and nothing changed, if the ledger is not where the work expects it. */
  async commit(work: Work): Promise<boolean> {
    const before = this.#ledger
    let isDone = false
    if (before !== null) await this.#registration?.before(changed(before, work.ledger))
    try {
      isDone = await this.#target.commit(work)
    } catch (error) {
      if (!hasCode(error, 'CLAIM_LOST')) throw error
    } finally {
      // What was read or committed meanwhile may be newer than our change, which must not be put on
      // top of it: an operator resumes a table beside the loop.
      if (!isDone || this.#ledger !== before) this.#ledger = null
    }
    if (isDone && this.#ledger !== null) this.#ledger = changed(this.#ledger, work.ledger)
    return isDone
  }
}

function changed(ledger: Ledger, { main, stragglers, tables }: LedgerChange): Ledger {
  return {
    ...ledger,
    ...main,
    stragglers: patched(ledger.stragglers, stragglers),
    tables: patched(ledger.tables, tables),
  }
}

function patched<T>(
  map: ReadonlyMap<TableId, T>,
  changes: ReadonlyMap<TableId, T | null>,
): ReadonlyMap<TableId, T> {
  if (changes.size === 0) return map
  const patch = new Map(map)
  for (const [table, value] of changes) {
    if (value === null) patch.delete(table)
    else patch.set(table, value)
  }
  return patch
}

/** The expectation that the main row is where `ledger` has it. */
export function expectMain({ n, epoch, v }: Ledger): Pick<Expectation, 'main'> {
  return { main: { n, epoch, v } }
}

/** The expectation that the straggler is where `row` has it. */
export function expectStraggler(table: TableId, row: Straggler): Pick<Expectation, 'straggler'> {
  const { n, partsDone } = row
  return { straggler: { table, load: row.load?.load ?? null, n, partsDone } }
}

function beginning({ n, epoch, v, stragglers, tables }: Ledger): Work {
  return {
    expect: { main: { n: -1, epoch: 0, v: 0 }, straggler: null },
    steps: noSteps(),
    ledger: { main: { n, epoch, v }, stragglers, tables },
  }
}

export async function* noSteps(): AsyncGenerator<Step> {}

export async function* stepsFrom(steps: readonly Step[]): AsyncGenerator<Step> {
  yield* steps
}
