/**
 * Takes the log into the target, batch by batch.
 *
 *   ledger ──► manifests after it ──► plan ──► one transaction: claim, steps, ledger
 *
 * Manifests that are nothing to anybody are passed in memory only, so that an idle source keeps no
 * warehouse awake; the ledger follows with the next batch that has something in it.
 */

import { fail, hasCode, type CodedError } from '../core/errors.ts'
import type { Ledger } from '../core/ledger.ts'
import type { Manifest } from '../core/manifest.ts'
import type { TableId } from '../core/table.ts'
import type { Tally } from './chunks.ts'
import { WAITING } from './controls.ts'
import { tableAtFault } from './faults.ts'
import { suspended, tellStraggler, type ApplyParts } from './parts.ts'
import { expectMain, expectStraggler, noSteps } from './place.ts'
import { hasNewTable, planBatch, type BatchPlan } from './plan.ts'
import { isAtLimits, isIdle, LogWindow, readBatch } from './read-batch.ts'
import { stepsOf } from './steps.ts'
import { isHeldBack } from './straggler-moves.ts'

export type BatchOutcome =
  | 'applied'
  | 'claim-lost' // another worker was faster, or a straggler moved
  | 'suspended' // a table failed for good; the batch is to be tried without it
  | 'nothing'

interface Batch {
  readonly manifests: readonly Manifest[]
  /** Where the ledger goes. */
  readonly last: Manifest
}

export class Batches {
  readonly #parts: ApplyParts
  readonly #window: LogWindow
  /** The last of the idle manifests that follow manifest `after`, where the ledger is. */
  #idle: { readonly after: number; readonly last: Manifest } | null = null
  #wasFull = false

  constructor(parts: ApplyParts) {
    this.#parts = parts
    this.#window = new LogWindow(parts.log)
  }

  /** What is done: the ledger's place, or beyond it where only idle manifests follow. */
  reached(ledger: Ledger): number {
    return this.#idle?.after === ledger.n ? this.#idle.last.n : ledger.n
  }

  /** The last batch ended at the limits; more of the log is likely to wait. */
  get wasFull(): boolean {
    return this.#wasFull
  }

  /** Tells that everything up to the manifest is in the target. */
  tellPlace(manifest: Manifest): void {
    this.#tell(manifest, { rows: 0, changes: 0 }, 0)
  }

  async take(): Promise<BatchOutcome> {
    const { place, clock } = this.#parts
    const ledger = await place.ledger()
    const batch = await this.#next(ledger)
    if (batch === null) return 'nothing'
    this.#wasFull = isAtLimits(batch.manifests, this.#parts.limits)
    const plan = await this.#plan(ledger, batch)
    const began = clock.now()
    const tally = { rows: 0, changes: 0 }
    try {
      if (!(await this.#commit(ledger, { batch, plan, tally }))) return 'claim-lost'
    } catch (error) {
      // The files below the first manifest that is kept go before their manifests.
      if (hasCode(error, 'OBJECT_MISSING')) await this.#checkKept(ledger, { isFresh: true })
      const table = tableAtFault(error, tablesOf(plan))
      if (table === null) throw error
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only a coded error has a table
      return this.#suspend(ledger, table, error as CodedError)
    }
    await this.#done(batch.last, plan)
    this.#tell(batch.last, tally, (clock.now() - began) / 1000)
    return 'applied'
  }

  /** Manifests to commit; `null` if there are none, or idle ones that nobody waits for. */
  async #next(ledger: Ledger): Promise<Batch | null> {
    const { facts, limits } = this.#parts
    for (;;) {
      const manifests = await readBatch(this.#window, this.reached(ledger), limits)
      const last = manifests.at(-1)
      if (last === undefined) break
      if (!manifests.every(isIdle)) return { manifests, last }
      this.#idle = { after: ledger.n, last }
      this.#window.forget(last.n)
      this.tellPlace(last)
    }
    await this.#checkKept(ledger)
    if (this.#idle?.after !== ledger.n || ledger.stragglers.size === 0) return null
    const { last } = this.#idle
    const isWanted = isHeldBack(ledger, await facts.reached(ledger.n), last)
    return isWanted ? { manifests: [], last } : null
  }

  async #checkKept(ledger: Ledger, { isFresh = false } = {}): Promise<void> {
    const { facts, place, target } = this.#parts
    if (isFresh) facts.forgetFirst()
    const first = await facts.first()
    if (this.reached(ledger) + 1 >= first) return
    place.forget()
    const { n } = await place.ledger()
    if (n + 1 >= first) return
    fail('LOG_EXPIRED', `${target.name} is at manifest ${n}, and the log begins at ${first}`, {
      details: { n, first },
    })
  }

  async #plan(ledger: Ledger, { manifests }: Batch): Promise<BatchPlan> {
    const { consumer, facts } = this.#parts
    const before = (manifests[0]?.n ?? 1) - 1
    const isAsked = before > 0 && hasNewTable(ledger, manifests)
    const mode = isAsked ? ((await facts.stateAt(before)).run?.load ?? null) : null
    const dropsTables = this.#parts.onDrop?.table === 'drop'
    const first = await facts.first()
    return planBatch(ledger, manifests, { consumer, first, mode, dropsTables })
  }

  #commit(
    ledger: Ledger,
    { batch, plan, tally }: { batch: Batch; plan: BatchPlan; tally: Tally },
  ): Promise<boolean> {
    const { n, epoch } = batch.last
    const { v, stragglers, tables } = plan
    return this.#parts.place.commit({
      expect: { ...expectMain(ledger), straggler: null },
      steps: stepsOf(plan.pieces, this.#parts, { isShadow: false, tally }),
      ledger: { main: { n, epoch, v }, stragglers, tables },
    })
  }

  async #done(last: Manifest, plan: BatchPlan): Promise<void> {
    const { consumer, facts, requests } = this.#parts
    facts.note(last)
    this.#window.forget(last.n)
    for (const [table, row] of plan.stragglers) tellStraggler(this.#parts, table, { row, rows: 0 })
    for (const [table, n] of plan.withdrawn) {
      const request = await requests.read(consumer, table)
      if (request !== null && request.after < n) await requests.remove(consumer, table)
    }
  }

  /** Takes the table out of the batches to come. Its live copy stays where the ledger is. */
  async #suspend(ledger: Ledger, table: TableId, error: CodedError): Promise<BatchOutcome> {
    const { n, epoch, v } = ledger
    const row = suspended({ ...WAITING, n }, error)
    const before = ledger.stragglers.get(table)
    const isDone = await this.#parts.place.commit({
      expect: {
        ...expectMain(ledger),
        straggler: before ? expectStraggler(table, before).straggler : null,
      },
      steps: noSteps(),
      ledger: {
        main: { n, epoch, v: v + 1 },
        stragglers: new Map([[table, row]]),
        tables: new Map(),
      },
    })
    if (!isDone) return 'claim-lost'
    tellStraggler(this.#parts, table, { row, rows: 0 })
    return 'suspended'
  }

  #tell({ n, closedAt }: Manifest, { rows, changes }: Tally, seconds: number): void {
    const { emit, target } = this.#parts
    const asOfMs = Date.parse(closedAt)
    emit({ type: 'applied', target: target.name, n, asOfMs, rows, changes, seconds })
  }
}

function tablesOf({ pieces }: BatchPlan): Iterable<TableId> {
  return new Set(pieces.map((piece) => piece.table))
}
