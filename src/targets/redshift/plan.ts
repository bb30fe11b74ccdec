/**
 * The steps of one piece of work: prepared one by one before the claim, since memory holds the rows of
 * one only, and run in the same order behind it, more than once if need be.
 */

import type { Ledger } from '../../core/ledger.ts'
import type { TableId } from '../../core/table.ts'
import type { Step, Work } from '../../core/target.ts'
import { applyStep, type StepVerbs } from '../sql/apply-step.ts'
import { rollback } from '../sql/transaction.ts'
import { explained, type CopyRole } from './copy.ts'
import * as ddl from './ddl.ts'
import type { Unfit } from './fit.ts'
import { keep, mark } from './keep.ts'
import type { LayoutOf } from './layout.ts'
import { growTexts } from './retype.ts'
import { columnOf, fold, load, prepareFold, prepareLoad, type Prepared } from './rows.ts'
import type { RedshiftSession } from './session.ts'
import type { Stage } from './stage.ts'
import type { UnfitValues } from './values.ts'
import type { Preparation, Transaction } from './work.ts'

export interface PlanOptions extends CopyRole {
  readonly unfit: Unfit
  readonly layoutOf: LayoutOf
}

/** Before the claim. */
const PREPARING: StepVerbs<Preparation> = {
  create: nothing,
  drop: nothing,
  truncate: nothing,
  alter: nothing,
  rename: nothing,
  swap: nothing,
  keep: nothing,
  mark: nothing,
  fold: async (work, step) => work.note(step, await prepareFold(work, step)),
  load: async (work, step) => work.note(step, await prepareLoad(work, step)),
}

function nothing(): Promise<void> {
  return Promise.resolve()
}

/** Behind it. */
const APPLYING: StepVerbs<Transaction> = {
  create: ddl.create,
  drop: ddl.drop,
  truncate: ddl.truncate,
  alter: ddl.alter,
  rename: ddl.rename,
  swap: ddl.swap,
  fold,
  load,
  keep,
  mark,
}

export class Plan {
  readonly #session: RedshiftSession
  readonly #options: PlanOptions
  readonly #steps: Step[] = []
  readonly #prepared = new Map<Step, Prepared>()
  /** Values that did not fit, by column. */
  readonly unfit: UnfitValues[] = []
  /** The step that was begun last. */
  #current: Step | null = null

  constructor(session: RedshiftSession, options: PlanOptions) {
    this.#session = session
    this.#options = options
  }

  /** T1: asks for all steps, and brings their rows to the cluster. */
  async prepare(steps: AsyncIterable<Step>, stage: Stage): Promise<void> {
    const session = this.#session
    let hasBegun = false
    let dropped = 0
    const work: Preparation = {
      session,
      stage,
      role: this.#options,
      unfit: this.#options.unfit,
      layoutOf: this.#options.layoutOf,
      begin: async () => {
        if (hasBegun) return
        hasBegun = true
        await session.run('BEGIN')
        dropped = await session.dropTables()
      },
      note: (step, prepared) => {
        if (prepared === null) return
        this.#prepared.set(step, prepared)
        this.unfit.push(...prepared.unfit)
      },
    }
    try {
      for await (const step of steps) {
        this.#steps.push(step)
        await this.#run(PREPARING, work, step)
      }
      await session.at('staged')
      if (hasBegun) await session.run('COMMIT')
      session.forgetTables(dropped)
    } catch (error) {
      if (hasBegun) await rollback(session)
      throw await this.explained(error)
    }
    for (const step of this.#steps) {
      if (step.type === 'alter') await growTexts(session, step)
      if (step.type === 'create' || step.type === 'rename') await ddl.makeSchemaOf(session, step)
    }
  }

  /** T2, behind the claim. */
  async apply(ledger: Ledger | null, { ledger: change }: Work): Promise<void> {
    const tables = new Set<TableId>(ledger?.tables.keys())
    for (const [table, shape] of change.tables) if (shape !== null) tables.add(table)
    const tx: Transaction = {
      session: this.#session,
      role: this.#options,
      layoutOf: this.#options.layoutOf,
      tables,
      preparedOf: (step) => this.#prepared.get(step) ?? null,
    }
    for (const step of this.#steps) {
      await this.#session.at('step')
      await this.#run(APPLYING, tx, step)
    }
  }

  /** The same error, with the column whose value COPY refused; after the transaction has ended. */
  async explained(error: unknown): Promise<unknown> {
    const step = this.#current
    if (step?.type !== 'fold' && step?.type !== 'load') return error
    return explained(this.#session, error, (name) => columnOf(step.shape, name))
  }

  async #run<Tx>(verbs: StepVerbs<Tx>, tx: Tx, step: Step): Promise<void> {
    this.#current = step
    await applyStep(verbs, tx, step)
  }
}
