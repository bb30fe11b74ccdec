/**
 * The ledger in Redshift: tables of this consumer alone, and beside them a lock and a claim.
 *
 * Redshift finds conflicts by table, so consumers that shared one would fail for each other. And it
 * enforces no key, so what is claimed must be one row that is always there: it is made together with
 * its table, which nobody can make twice. It holds the id of the transaction that moved the ledger
 * last; whoever moves it says which id he has read.
 *
 *   lock_<consumer>     one row: claim       LOCKed first, then claimed by compare-and-set
 *   ledger_<consumer>, stragglers_<consumer>, tables_<consumer>      as in every database
 */

import { fail } from '../../core/errors.ts'
import type { Ledger } from '../../core/ledger.ts'
import {
  ledgerTables,
  readLedger,
  requireOwnLedger,
  type LedgerKey,
  type LedgerPlace,
} from '../sql/ledger.ts'
import { identifier } from '../sql/names.ts'
import type { SqlSession } from '../sql/session.ts'
import { transaction } from '../sql/transaction.ts'
import { columnsOf, isTaken, makeSchema } from './catalog.ts'
import { literal, suffixOf } from './names.ts'
import type { RedshiftSession } from './session.ts'

/** The ledger, and who moved it last. */
export interface Known {
  readonly ledger: Ledger | null
  readonly claim: string
}

export class RedshiftLedger {
  readonly place: LedgerPlace
  readonly #lock: string
  readonly #schema: string

  constructor({ lakeId, consumer }: LedgerKey, schema: string) {
    const dialect = { suffix: suffixOf(consumer), text: 'VARCHAR(65535)', literal }
    this.place = { lakeId, consumer, schema, dialect }
    this.#schema = schema
    this.#lock = `lock${dialect.suffix}`
  }

  /** Makes what is not there, and reads it. */
  async open(session: RedshiftSession): Promise<Ledger | null> {
    if (!(await this.#isThere(session))) await this.#make(session)
    await requireOwnLedger(session, this.place)
    return readLedger(session, this.place)
  }

  /** The claim first: if somebody moves the ledger between the two, the claim is lost. */
  async read(session: SqlSession): Promise<Known> {
    const claim = await this.claim(session)
    return { claim, ledger: await readLedger(session, this.place) }
  }

  async claim(session: SqlSession): Promise<string> {
    const [row] = await session.rows(`SELECT claim FROM ${this.#table()}`)
    const claim = row?.['claim']
    return typeof claim === 'string'
      ? claim
      : fail('TARGET_FAILED', 'the ledger has lost its claim')
  }

  /** Waits until nobody else works on it. Alone in its message, and first of its transaction. */
  async lock(session: SqlSession): Promise<void> {
    await session.run(`LOCK ${this.#table()}`)
  }

  /** False if somebody has moved the ledger since it was read. */
  async move(session: SqlSession, { from, to }: { from: string; to: string }): Promise<boolean> {
    const moved = await session.run(
      `UPDATE ${this.#table()} SET claim = ${literal(to)} WHERE claim = ${literal(from)}`,
    )
    return moved === 1
  }

  #table(): string {
    return `${identifier(this.#schema)}.${this.#lock}`
  }

  async #isThere(session: SqlSession): Promise<boolean> {
    return (await columnsOf(session, { namespace: this.#schema, name: this.#lock })) !== null
  }

  async #make(session: RedshiftSession): Promise<void> {
    await makeSchema(session, this.#schema)
    try {
      await transaction(session, async () => {
        await session.run(`CREATE TABLE ${this.#table()} (claim VARCHAR(64)) DISTSTYLE ALL`)
        await session.run(`INSERT INTO ${this.#table()} VALUES ('nobody')`)
        for (const sql of ledgerTables(this.place, { hasKeys: false })) await session.run(sql)
      })
    } catch (error) {
      if (!isTaken(error) || !(await this.#isThere(session))) throw error
    }
  }
}
