/**
 * Keeps one target equal to the source: drains the lake into it, exactly once in effect.
 *
 * One thing is done at a time: a batch for the tables that are where the ledger is, then a step for
 * one that is elsewhere, and so on until neither finds anything to do. Then the loop rests until the
 * doorbell rings; a bell may be lost, so it looks by itself every now and then. Whatever fails in
 * between leaves no trace, since the ledger moves in the transaction of the rows.
 */

import { Bell } from '../core/bell.ts'
import { hasCode, recoveryOf } from '../core/errors.ts'
import type { TableId } from '../core/table.ts'
import { backoffMs } from './backoff.ts'
import { Batches, type BatchOutcome } from './batches.ts'
import { beginAgain } from './begin-again.ts'
import { newLedger } from './beginning.ts'
import { formedLog, formedShapes, PLAIN } from './forms.ts'
import { LogFacts } from './log.ts'
import { Pace } from './pace.ts'
import { tellStraggler, type ApplierOptions, type ApplyParts } from './parts.ts'
import { expectMain, Place, stepsFrom } from './place.ts'
import { Registration } from './registration.ts'
import { rest } from './rest.ts'
import { ResumeWatch } from './resume-watch.ts'
import { reselection, selectedLog } from './selected-log.ts'
import { Stragglers, type StragglerOutcome } from './stragglers.ts'
import { ToldRun } from './told-run.ts'

export interface AppliedPosition {
  /** The last manifest that is done; `null` before the target was opened. */
  readonly n: number | null
  /** Tables that are not there yet and will be. */
  readonly stragglers: number
  /** Tables that are not there and need somebody's help. */
  readonly suspended: number
}

export class Applier {
  readonly #parts: ApplyParts
  readonly #batches: Batches
  readonly #stragglers: Stragglers
  readonly #resumes: ResumeWatch
  readonly #bell = new Bell()
  readonly #told: ToldRun
  readonly #pace: Pace
  #position: AppliedPosition = { n: null, stragglers: 0, suspended: 0 }
  #isOpen = false
  #turns = 0

  constructor(options: ApplierOptions) {
    const { target, clock, formOf, isSelected } = options
    const selected = isSelected ? selectedLog(options.log, isSelected) : options.log
    const log = formOf ? formedLog(selected, formOf) : selected
    const shapes = formedShapes(options.shapes)
    const place = new Place(target, registrationOf(options))
    this.#parts = { ...options, log, shapes, place, facts: new LogFacts(log, clock) }
    this.#batches = new Batches(this.#parts)
    this.#told = new ToldRun(target.name, options.emit)
    this.#pace = new Pace(clock, options.gatherMs ?? 0)
    this.#stragglers = new Stragglers(this.#parts)
    this.#resumes = new ResumeWatch(options)
  }

  /** Drains the lake until `signal` aborts. Rejects with what cannot be retried. The target stays open. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#told.run(
      signal,
      () => this.ring(),
      () => this.#runUntil(signal),
    )
  }

  /** Gather no more: somebody waits for what is there. */
  hurry(): void {
    this.#pace.hurry()
    this.ring()
  }

  /** Look at the log now. */
  ring(): void {
    this.#bell.ring()
  }

  /** How far the target is, as we know without asking it. */
  position(): AppliedPosition {
    const ledger = this.#parts.place.known
    if (ledger === null) return this.#position
    const rows = [...ledger.stragglers.values()]
    const suspended = rows.filter(({ state }) => state === 'suspended').length
    const n = this.#batches.reached(ledger)
    this.#position = { n, stragglers: rows.length - suspended, suspended }
    return this.#position
  }

  /** Opens the target; a consumer that is new there gets a ledger. */
  async open(): Promise<void> {
    const { consumer, log, place } = this.#parts
    await place.open(() => newLedger(log, consumer))
    await this.#orAgain(() => this.#select())
    const ledger = await place.ledger()
    this.#isOpen = true
    const manifest = ledger.n === 0 ? null : await log.manifest(ledger.n)
    if (manifest !== null) this.#batches.tellPlace(manifest)
    for (const [table, row] of ledger.stragglers)
      tellStraggler(this.#parts, table, { row, rows: 0 })
  }

  /** One batch. */
  takeBatch(): Promise<BatchOutcome> {
    return this.#batches.take()
  }

  /** One step of one straggler. */
  advanceStraggler(table: TableId): Promise<StragglerOutcome> {
    return this.#stragglers.advance(table)
  }

  /** Lets a suspended table go on where it was. False if it is not suspended. */
  async resume(table: TableId): Promise<boolean> {
    const isResumed = await this.#stragglers.resume(table)
    this.ring()
    return isResumed
  }

  /** Works until there is nothing to do. */
  async drainOnce(): Promise<void> {
    if (!this.#isOpen) await this.open()
    while (await this.#turn());
  }

  /** Lets the ledger have the tables that are selected now, in the forms of now. So may another worker. */
  async #select(): Promise<void> {
    const { facts, isSelected = () => true, formOf = () => PLAIN, place } = this.#parts
    if (this.#parts.isSelected === undefined && this.#parts.formOf === undefined) return
    const ledger = await place.ledger()
    if (ledger.n === 0) return
    const view = await facts.stateAt(ledger.n)
    const change = reselection(ledger, view, { isSelected, formOf })
    if (change === null) return
    const expect = { ...expectMain(ledger), straggler: null }
    await place.commit({ expect, steps: stepsFrom(change.steps), ledger: change.ledger })
  }

  async #runUntil(signal: AbortSignal): Promise<void> {
    let failures = 0
    while (!signal.aborted) {
      try {
        await this.open()
        this.#told.tell('running')
        while (!signal.aborted) {
          const isBusy = await this.#turn()
          failures = 0
          if (!isBusy && !signal.aborted) await this.#rest()
          // Tables that are being loaded wait for nobody.
          if (this.position().stragglers === 0) await this.#pace.wait(signal)
        }
      } catch (error) {
        if (recoveryOf(error) !== 'retry') throw error
        this.#parts.place.forget()
        this.#told.tell('retrying', error)
        await this.#parts.clock.sleep(backoffMs(failures++), signal)
      }
    }
  }

  /** A batch, and a step of a straggler. False if there was nothing to do. */
  async #turn(): Promise<boolean> {
    const isBusy = await this.#orAgain(async () => {
      const beganMs = this.#parts.clock.now()
      const outcome = await this.takeBatch()
      if (outcome === 'applied') this.#pace.note(beganMs, { isFull: this.#batches.wasFull })
      const hasMoved = await this.#advanceOne()
      const { place } = this.#parts
      const hasResumed = await this.#resumes.look(await place.ledger(), (table) =>
        this.#stragglers.resume(table),
      )
      return hasMoved || hasResumed || outcome !== 'nothing'
    })
    await this.#parts.place.register()
    return isBusy !== false
  }

  /** Begins again if our place in the log is gone; resolves to `null` then. */
  async #orAgain<T>(step: () => Promise<T>): Promise<T | null> {
    try {
      return await step()
    } catch (error) {
      if (!hasCode(error, 'LOG_EXPIRED') || !(await beginAgain(this.#parts))) throw error
      this.#told.tell('retrying', error)
      this.#told.tell('running')
      return null
    }
  }

  /** One step of the first straggler that can make one; each turn begins with another one. */
  async #advanceOne(): Promise<boolean> {
    const { stragglers } = await this.#parts.place.ledger()
    const tables = [...stragglers.keys()]
    const first = this.#turns++ % Math.max(1, tables.length)
    for (const table of [...tables.slice(first), ...tables.slice(0, first)]) {
      const outcome = await this.advanceStraggler(table)
      // It joins before the ledger goes on, else it might run after it for ever.
      if (outcome === 'caught-up') await this.advanceStraggler(table)
      if (outcome !== 'nothing') return true
    }
    return false
  }

  #rest(): Promise<void> {
    const { clock, intervalMs } = this.#parts
    return rest(this.#bell, clock, intervalMs)
  }
}

function registrationOf({ consumer, registry, clock }: ApplierOptions): Registration | null {
  return registry ? new Registration({ consumer, registry, clock }) : null
}
