/**
 * DuckDB as a target: a database file that this process holds open, kept equal to the source.
 *
 * Rows and ledger change in one transaction. Commits run one after the other, also those of other
 * targets on the same file, so the compare of compare-and-set needs no lock: nobody can move the
 * ledger between it and the COMMIT. Queries see the last commit and never wait for the next.
 */

import { CodedError, fail, unreachable } from '../../core/errors.ts'
import { isAsExpected } from '../../core/expectation.ts'
import type { Ledger } from '../../core/ledger.ts'
import { tableId, type TableId } from '../../core/table.ts'
import type { Step, Target, Work } from '../../core/target.ts'
import { openDatabase, type Database } from './database.ts'
import * as ddl from './ddl.ts'
import type { Row } from './driver.ts'
import { applyFold } from './fold.ts'
import { prepareLedger, readLedger, writeLedger, type LedgerKey } from './ledger.ts'
import { applyLoad } from './load.ts'
import { Transaction } from './transaction.ts'

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
  readonly #key: LedgerKey
  #isOpen = true

  private constructor({ name, lakeId, consumer }: DuckdbOptions, database: Database) {
    this.name = name
    this.#database = database
    this.#key = { lakeId, consumer }
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
      await prepareLedger(connection, this.#key)
      return true
    })
    return this.#read()
  }

  async ledger(): Promise<Ledger> {
    const ledger = await this.#read()
    return ledger ?? fail('TARGET_FAILED', `there is no ledger of ${this.#key.consumer} yet`)
  }

  commit(work: Work): Promise<boolean> {
    return this.#database.transaction(async (connection) => {
      const ledger = await readLedger((sql) => connection.rows(sql), this.#key)
      if (!isAsExpected(ledger, work.expect)) return false
      const transaction = new Transaction(connection, this.#database)
      for await (const step of work.steps) await applyNamed(transaction, step)
      await writeLedger(connection, this.#key, work.ledger)
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
    return readLedger((sql) => this.#database.rows(sql), this.#key)
  }
}

/** A failure says which table it was, so that it can be suspended and the others go on. */
async function applyNamed(transaction: Transaction, step: Step): Promise<void> {
  try {
    await apply(transaction, step)
  } catch (error) {
    if (!(error instanceof CodedError) || 'table' in error.details) throw error
    if (error.code === 'DISK_FULL') throw error
    const table = tableOf(step)
    throw new CodedError(error.code, `${table}: ${error.message}`, {
      cause: error.cause,
      details: { ...error.details, table },
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    })
  }
}

async function apply(transaction: Transaction, step: Step): Promise<void> {
  switch (step.type) {
    case 'create':
      return ddl.create(transaction, step)
    case 'drop':
      return ddl.drop(transaction, step)
    case 'truncate':
      return ddl.truncate(transaction, step)
    case 'alter':
      return ddl.alter(transaction, step)
    case 'swap':
      return ddl.swap(transaction, step)
    case 'rename':
      return ddl.rename(transaction, step)
    case 'fold':
      return applyFold(transaction, step)
    case 'load':
      return applyLoad(transaction, step)
    default:
      return unreachable(step)
  }
}

function tableOf(step: Step): TableId {
  if (step.type === 'swap') return tableId(step.name)
  return tableId(step.type === 'rename' ? step.from : step.table.name)
}
