/** A connection that keeps what is sent, and answers what a cluster would that does all of it. */

import type { SqlRow } from '../../src/targets/sql/session.ts'
import type { ServerSession } from '../../src/targets/sql/transaction.ts'

export interface Script {
  /** Columns of tables that are there: `{ 'app.orders': { id: 'bigint' } }`. */
  readonly tables?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** Rows that a statement changes, by the first pattern that fits. */
  readonly counts?: readonly (readonly [RegExp, number])[]
  /** Rows of each COPY, in their order. */
  readonly copied?: readonly number[]
}

const LEDGER: SqlRow = { kind: 'ledger', n: '1', epoch: '1', v: '1' }

const GROWTH = /^ALTER TABLE (\S+) ALTER COLUMN "(.+)" TYPE VARCHAR\((\d+)\)$/

export class ScriptedRedshift implements ServerSession {
  readonly statements: string[] = []
  readonly #script: Script
  readonly #copied: number[]
  /** Types of columns that became longer. */
  readonly #grown = new Map<string, string>()
  isLost = false

  constructor(script: Script) {
    this.#script = script
    this.#copied = [...(script.copied ?? [])]
  }

  run(sql: string): Promise<number> {
    this.statements.push(tidy(sql))
    const [, table, column, bytes] = GROWTH.exec(tidy(sql)) ?? []
    if (bytes !== undefined) this.#grown.set(`${table!}.${column!}`, `character varying(${bytes})`)
    const found = this.#script.counts?.find(([pattern]) => pattern.test(tidy(sql)))
    return Promise.resolve(found?.[1] ?? (sql.startsWith('UPDATE "millrace".lock') ? 1 : 0))
  }

  rows(sql: string): Promise<SqlRow[]> {
    this.statements.push(tidy(sql))
    return Promise.resolve(this.#answer(sql))
  }

  close(): Promise<void> {
    this.isLost = true
    return Promise.resolve()
  }

  #answer(sql: string): SqlRow[] {
    if (sql.includes('pg_last_copy_count')) return [{ rows: String(this.#copied.shift()) }]
    if (sql.includes('SELECT claim')) return [{ claim: 'id-0' }]
    if (sql.includes('UNION ALL')) return [LEDGER]
    const [, schema, table] = /schema_name = '([^']*)'\s+AND table_name = '([^']*)'/.exec(sql) ?? []
    const columns = this.#script.tables?.[`${schema}.${table}`] ?? {}
    return Object.entries(columns).map(([name, type]) => ({
      name,
      type: this.#grown.get(`"${schema}"."${table}".${name}`) ?? type,
    }))
  }
}

/** On one line. */
function tidy(sql: string): string {
  return sql.replaceAll(/\s+/g, ' ').trim()
}
