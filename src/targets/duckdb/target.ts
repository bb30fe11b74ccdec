/**
 * DuckDB as a target: a database file that this process holds open, kept equal to the source.
 *
 * Rows and ledger change in one transaction. Commits run one after the other, also those of other
 * targets on the same file, so the compare of compare-and-set needs no lock: nobody can move the
 * ledger between it and the COMMIT. Queries see the last commit and never wait for the next.
 */

import { fail } from '../../core/errors.ts'
import { isAsExpected } from '../../core/expectation.ts'
import type { Ledger } from '../../core/ledger.ts'
import type { Target, Work } from '../../core/target.ts'
import { applyStep, type StepVerbs } from '../sql/apply-step.ts'
import {
  ledgerTables,
  readLedger,
  requireOwnLedger,
  writeLedger,
  type LedgerKey,
  type LedgerPlace,
} from '../sql/ledger.ts'
import { identifier } from '../sql/names.ts'
import { openDatabase, type Database } from './database.ts'
import * as ddl from './ddl.ts'
import type { Row } from './driver.ts'
import { applyFold } from './fold.ts'
import { keep, mark } from './keep.ts'
import { applyLoad } from './load.ts'
import { OWN_SCHEMA } from './names.ts'
import { Transaction } from './transaction.ts'

const VERBS: StepVerbs<Transaction> = { ...ddl, keep, mark, fold: applyFold, load: applyLoad }

export interface DuckdbOptions extends LedgerKey {
  /** For logs, metrics and the dashboard. */
  readonly name: string
  /** The database file; it is made if there is none. */
  readonly path: string
  /** Folder for rows on their way to DuckDB; `<path>.staging` if left out. */
  readonly stagingDir?: string
  /** What DuckDB may take, such as `512MiB`; beyond it uses the disk. 1GiB if left out. */
  readonly memoryLimit?: string
  /** All cores if left out. */
  readonly threads?: number
}

export class DuckdbTarget implements Target {
  readonly name: string
  readonly #database: Database
  readonly #place: LedgerPlace
  #isOpen = true

  private constructor({ name, lakeId, consumer }: DuckdbOptions, database: Database) {
    this.name = name
    this.#database = database
    this.#place = { lakeId, consumer, schema: OWN_SCHEMA }
  }

  /** Opens the file and locks it: TARGET_LOCKED if another process has it. */
  static async open(options: DuckdbOptions): Promise<DuckdbTarget> {
    const database = await openDatabase(options.path, {
      stagingDir: options.stagingDir ?? null,
      memoryLimit: options.memoryLimit ?? '1GiB',
      threads: options.threads ?? null,
    })
    return new DuckdbTarget(options, database)
  }

  async open(): Promise<Ledger | null> {
    await this.#database.transaction(async (connection) => {
      await connection.run(`CREATE SCHEMA IF NOT EXISTS ${identifier(OWN_SCHEMA)}`)
      for (const sql of ledgerTables({ schema: OWN_SCHEMA }, { hasKeys: false }))
        await connection.run(sql)
      await requireOwnLedger(connection, this.#place)
      return true
    })
    return this.#read()
  }

  async ledger(): Promise<Ledger> {
    const ledger = await this.#read()
    return ledger ?? fail('TARGET_FAILED', `there is no ledger of ${this.#place.consumer} yet`)
  }

  commit(work: Work): Promise<boolean> {
    return this.#database.transaction(async (connection) => {
      const ledger = await readLedger(connection, this.#place)
      if (!isAsExpected(ledger, work.expect)) return false
      const transaction = new Transaction(connection, this.#database)
      for await (const step of work.steps) await applyStep(VERBS, transaction, step)
      await writeLedger(connection, this.#place, work.ledger)
      return true
    })
  }

  /**
   * Rows of any query, by the names of their columns. 64-bit integers, decimals, dates and times come
   * as text, NULL as `null`, lists as arrays.
   */
  query(sql: string): Promise<Row[]> {
    return this.#database.rows(sql)
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#database.close()
  }

  #read(): Promise<Ledger | null> {
    return readLedger(this.#database, this.#place)
  }
}
