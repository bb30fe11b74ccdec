/**
 * PostgreSQL as a target: a database on any server, kept equal to the source.
 *
 * Rows and ledger change in one transaction. It begins with a lock of the ledger's name, which ends
 * with it, so nobody can move the ledger between the compare and the COMMIT, and two workers wait for
 * each other. If the connection is lost while the COMMIT is under way, its result is read from the
 * ledger, behind the same lock: by then the server has ended the old transaction, one way or the
 * other.
 */

import { fail, hasCode } from '../../core/errors.ts'
import { isAsExpected } from '../../core/expectation.ts'
import type { Ledger, Straggler } from '../../core/ledger.ts'
import type { LedgerChange, Target, Work } from '../../core/target.ts'
import type { Server } from '../../postgres/connect.ts'
import { applyStep, type StepVerbs } from '../sql/apply-step.ts'
import { Lane } from '../sql/lane.ts'
import {
  ledgerTables,
  readLedger,
  requireOwnLedger,
  writeLedger,
  type LedgerKey,
  type LedgerPlace,
} from '../sql/ledger.ts'
import type { SqlRow } from '../sql/session.ts'
import { rollback, transaction } from '../sql/transaction.ts'
import * as ddl from './ddl.ts'
import { keep, mark } from './keep.ts'
import { requireOther, type SourceMark } from './other-database.ts'
import { fold, load } from './rows.ts'
import { Session, type SessionOptions } from './session.ts'
import { swap } from './swap.ts'

const VERBS: StepVerbs<Session> = {
  create: ddl.create,
  drop: ddl.drop,
  truncate: ddl.truncate,
  alter: ddl.alter,
  rename: ddl.rename,
  swap,
  fold,
  load,
  keep,
  mark,
}

export interface PostgresOptions extends LedgerKey, Server {
  /** For logs, metrics and the dashboard. */
  readonly name: string
  /** The schema of the ledger; `millrace` if left out. */
  readonly schema?: string
  /** The slot and the server of the source, which must not be the target. */
  readonly source?: SourceMark
  /** Awaited at every named point of a piece of work; for tests. */
  readonly at?: SessionOptions['at']
}

type Outcome = 'committed' | 'lost claim' | { readonly unknown: unknown }

export class PostgresTarget implements Target {
  readonly name: string
  readonly #place: LedgerPlace
  readonly #source: SourceMark | null
  readonly #writer: Lane<Session>
  readonly #reader: Lane<Session>

  /** Connects when it is asked for something, so that a server that is away fails nothing else. */
  constructor({ name, lakeId, consumer, schema, at, source, ...server }: PostgresOptions) {
    this.name = name
    this.#source = source ?? null
    this.#place = { lakeId, consumer, schema: schema ?? 'millrace' }
    const applicationName = `millrace ${consumer}`
    this.#writer = new Lane(() => Session.open({ ...server, applicationName, ...(at && { at }) }))
    this.#reader = new Lane(() => Session.open({ ...server, applicationName }))
  }

  async open(): Promise<Ledger | null> {
    return this.#writer.use((session) =>
      transaction(session, async () => {
        if (this.#source !== null) await requireOther(session, this.#source)
        await session.lock(`ledgers in ${this.#place.schema}`)
        await ddl.makeSchema(session, this.#place.schema)
        for (const sql of ledgerTables(this.#place, { hasKeys: true })) {
          await session.run(sql)
        }
        await requireOwnLedger(session, this.#place)
        return readLedger(session, this.#place)
      }),
    )
  }

  async ledger(): Promise<Ledger> {
    const ledger = await this.#reader.use((session) => readLedger(session, this.#place))
    return ledger ?? fail('TARGET_FAILED', `there is no ledger of ${this.#place.consumer} yet`)
  }

  async commit(work: Work): Promise<boolean> {
    const outcome = await this.#writer.use((session) => this.#commit(session, work))
    if (typeof outcome === 'string') return outcome === 'committed'
    return this.#settle(work, outcome.unknown)
  }

  /** Rows of any query, by the names of their columns. */
  query(sql: string): Promise<SqlRow[]> {
    return this.#reader.use((session) => session.rows(sql))
  }

  async close(): Promise<void> {
    await this.#writer.close()
    await this.#reader.close()
  }

  async #commit(session: Session, work: Work): Promise<Outcome> {
    await session.at('begin')
    await session.begin()
    try {
      if (!(await this.#work(session, work))) {
        await session.run('ROLLBACK')
        return 'lost claim'
      }
      await session.at('commit')
    } catch (error) {
      await rollback(session)
      throw error
    }
    try {
      await session.run('COMMIT')
      await session.at('committed')
      return 'committed'
    } catch (error) {
      if (hasCode(error, 'CONNECTION_LOST')) return { unknown: error }
      await rollback(session)
      throw error
    }
  }

  /** False if the ledger is not where the work expects it. */
  async #work(session: Session, work: Work): Promise<boolean> {
    await this.#lock(session)
    await session.at('claim')
    const ledger = await readLedger(session, this.#place)
    if (!isAsExpected(ledger, work.expect)) return false
    for await (const step of work.steps) {
      await session.at('step')
      await applyStep(VERBS, session, step)
    }
    await session.at('ledger')
    await writeLedger(session, this.#place, work.ledger)
    return true
  }

  /** Whether the work took effect whose COMMIT was not answered. */
  async #settle(work: Work, error: unknown): Promise<boolean> {
    const ledger = await this.#writer.use((session) =>
      transaction(session, async () => {
        await this.#lock(session)
        return readLedger(session, this.#place)
      }),
    )
    if (ledger === null || isAsExpected(ledger, work.expect)) throw error
    if (isReached(ledger, work.ledger)) return true
    throw error
  }

  async #lock(session: Session): Promise<void> {
    const { schema, lakeId, consumer } = this.#place
    await session.lock(JSON.stringify([schema, lakeId, consumer]))
  }
}

function isReached(ledger: Ledger, { main, stragglers }: LedgerChange): boolean {
  if (main !== null)
    return ledger.n === main.n && ledger.epoch === main.epoch && ledger.v === main.v
  return [...stragglers].every(([table, row]) =>
    isSameRow(ledger.stragglers.get(table) ?? null, row),
  )
}

function isSameRow(a: Straggler | null, b: Straggler | null): boolean {
  if (a === null || b === null) return a === b
  const isSameLoad = (a.load?.load ?? null) === (b.load?.load ?? null)
  return isSameLoad && a.state === b.state && a.n === b.n && a.partsDone === b.partsDone
}
