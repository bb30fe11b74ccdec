/**
 * Amazon Redshift as a target.
 *
 * A piece of work is two transactions. The first brings its rows into temporary tables; nobody waits
 * for it, and it may be repeated. The second takes the lock of the ledger, claims it by
 * compare-and-set, which is what makes two workers apply once whatever the lock is worth, and moves the
 * rows. If the connection is lost while its COMMIT is under way, the claim says what became of it.
 *
 *   T1   BEGIN  (CREATE TEMP TABLE  COPY)…  COMMIT
 *   T2   BEGIN  LOCK  UPDATE claim  (DELETE  INSERT)…  ledger  COMMIT
 */

import { fail, hasCode, type CodedError } from '../../core/errors.ts'
import { isAsExpected } from '../../core/expectation.ts'
import type { Ledger } from '../../core/ledger.ts'
import type { Target, Work } from '../../core/target.ts'
import { Lane } from '../sql/lane.ts'
import { readLedger, writeLedger, type LedgerKey } from '../sql/ledger.ts'
import type { SqlRow } from '../sql/session.ts'
import { rollback, transaction } from '../sql/transaction.ts'
import type { CopyRole } from './copy.ts'
import { isStale } from './failures.ts'
import type { Unfit } from './fit.ts'
import type { LayoutOf } from './layout.ts'
import { RedshiftLedger, type Known } from './ledger.ts'
import { Plan } from './plan.ts'
import { RedshiftSession, type SessionOptions } from './session.ts'
import { Stage, type StageParts } from './stage.ts'
import type { UnfitValues } from './values.ts'

export interface RedshiftOptions
  extends LedgerKey, CopyRole, Omit<SessionOptions, 'applicationName'> {
  /** For logs, metrics and the dashboard. */
  readonly name: string
  /** The schema of the ledger. */
  readonly schema: string
  /** Where rows wait to be copied. */
  readonly stage: StageParts
  readonly unfit: Unfit
  readonly layoutOf: LayoutOf
  /** Hears of values that did not fit, once they are in the target. */
  readonly onUnfit?: (unfit: UnfitValues) => void
  /** How sessions are opened; for tests. */
  readonly connect?: (options: SessionOptions) => Promise<RedshiftSession>
}

/** Whether it took effect is to be found out. */
interface Unknown {
  readonly error: CodedError
  readonly claim: string
}

type Outcome = 'committed' | 'lost claim' | Unknown

export class RedshiftTarget implements Target {
  readonly name: string
  readonly #options: RedshiftOptions
  readonly #ledger: RedshiftLedger
  readonly #writer: Lane<RedshiftSession>
  readonly #reader: Lane<RedshiftSession>
  #hasSwept = false

  /** Connects when it is asked for something, so that a cluster that is away fails nothing else. */
  constructor(options: RedshiftOptions) {
    const { name, schema, consumer, url, login, at } = options
    const connect = options.connect ?? ((of: SessionOptions) => RedshiftSession.open(of))
    const applicationName = `millrace ${consumer}`
    const server = { url, applicationName, ...(login && { login }) }
    this.name = name
    this.#options = options
    this.#ledger = new RedshiftLedger(options, schema)
    this.#writer = new Lane(() => connect({ ...server, ...(at && { at }) }))
    this.#reader = new Lane(() => connect(server))
  }

  async open(): Promise<Ledger | null> {
    const ledger = await this.#writer.use((session) => this.#ledger.open(session))
    // Once, since another worker may be using his files: his COPY fails then, and he begins again.
    if (!this.#hasSwept) await new Stage(this.#options.stage).sweep()
    this.#hasSwept = true
    return ledger
  }

  async ledger(): Promise<Ledger> {
    const { place } = this.#ledger
    const ledger = await this.#reader.use((session) => readLedger(session, place))
    return ledger ?? fail('TARGET_FAILED', `there is no ledger of ${place.consumer} yet`)
  }

  async commit(work: Work): Promise<boolean> {
    const outcome = await this.#writer.use((session) => this.#commit(session, work))
    if (typeof outcome === 'string') return outcome === 'committed'
    return this.#settle(outcome)
  }

  /** Rows of any query, by the names of their columns. */
  query(sql: string): Promise<SqlRow[]> {
    return this.#reader.use(async (session) => [...(await session.rows(sql))])
  }

  async close(): Promise<void> {
    await this.#writer.close()
    await this.#reader.close()
  }

  async #commit(session: RedshiftSession, work: Work): Promise<Outcome> {
    await session.at('begin')
    let known = await this.#ledger.read(session)
    if (!isAsExpected(known.ledger, work.expect)) return 'lost claim'
    const stage = new Stage(this.#options.stage)
    try {
      const plan = new Plan(session, this.#options)
      await plan.prepare(work.steps, stage)
      for (let isFirst = true; ; isFirst = false) {
        const outcome = await this.#apply(session, { work, known, plan, isFirst })
        if (outcome !== 'moved' && outcome !== 'stale') return outcome
        known = await this.#ledger.read(session)
        if (!isAsExpected(known.ledger, work.expect)) return 'lost claim'
      }
    } finally {
      await stage.clear()
    }
  }

  /** `moved`: somebody has moved the ledger since it was read, though maybe not what this work claims. */
  async #apply(
    session: RedshiftSession,
    { work, known, plan, isFirst }: { work: Work; known: Known; plan: Plan; isFirst: boolean },
  ): Promise<Outcome | 'moved' | 'stale'> {
    const claim = this.#options.stage.newId()
    let dropped = 0
    try {
      await session.run('BEGIN')
      await session.at('claim')
      await this.#ledger.lock(session)
      if (!(await this.#ledger.move(session, { from: known.claim, to: claim }))) {
        await session.run('ROLLBACK')
        return 'moved'
      }
      await plan.apply(known.ledger, work)
      await session.at('ledger')
      await writeLedger(session, this.#ledger.place, work.ledger)
      dropped = await session.dropTables()
      await session.at('commit')
    } catch (error) {
      await rollback(session)
      if (isFirst && isStale(error)) return 'stale'
      throw await plan.explained(error)
    }
    const outcome = await this.#end(session, claim)
    if (outcome !== 'committed') return outcome
    session.forgetTables(dropped)
    for (const unfit of plan.unfit) this.#options.onUnfit?.(unfit)
    return outcome
  }

  async #end(session: RedshiftSession, claim: string): Promise<Outcome> {
    try {
      await session.run('COMMIT')
      await session.at('committed')
      return 'committed'
    } catch (error) {
      if (hasCode(error, 'CONNECTION_LOST')) return { error, claim }
      await rollback(session)
      throw error
    }
  }

  /** Whether the work took effect whose COMMIT was not answered: the lock waits for its end. */
  async #settle({ error, claim }: Unknown): Promise<boolean> {
    const now = await this.#writer.use((session) =>
      transaction(session, async () => {
        await this.#ledger.lock(session)
        return this.#ledger.claim(session)
      }),
    )
    if (now === claim) return true
    throw error
  }
}
