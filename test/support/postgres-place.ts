/** A database of its own for PostgreSQL targets, gone when it is disposed of. */

import assert from 'node:assert/strict'

import { CodedError } from '../../src/core/errors.ts'
import type { TableName } from '../../src/core/table.ts'
import type { Target } from '../../src/core/target.ts'
import { quoteTable } from '../../src/postgres/quote.ts'
import { PostgresTarget, type PostgresOptions } from '../../src/targets/postgres/target.ts'
import type { TestPlace } from '../contract/target.ts'
import { testDatabase, type TestDatabase } from './postgres.ts'

export class PostgresPlace implements TestPlace, AsyncDisposable {
  readonly db: TestDatabase
  readonly #targets: PostgresTarget[] = []

  private constructor(db: TestDatabase) {
    this.db = db
  }

  static async make(): Promise<PostgresPlace> {
    return new PostgresPlace(await testDatabase())
  }

  open(who: Partial<PostgresOptions> = {}): Promise<PostgresTarget> {
    const target = new PostgresTarget({
      name: 'copy',
      url: this.db.url,
      lakeId: 'lake',
      consumer: 'shop/copy',
      ...who,
    })
    this.#targets.push(target)
    return Promise.resolve(target)
  }

  /** Its connection is ended by the server, or lost behind the commit. */
  breaking(point: string): Promise<PostgresTarget> {
    let isBroken = false
    const at = async (reached: string): Promise<void> => {
      if (reached !== point || isBroken) return
      isBroken = true
      if (point === 'committed') throw new CodedError('CONNECTION_LOST', 'lost')
      await this.db.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = $1 and application_name like 'millrace %'`,
        [this.db.name],
      )
    }
    return this.open({ at })
  }

  async rows(target: Target, name: TableName): Promise<(string | null)[][] | null> {
    assert.ok(target instanceof PostgresTarget)
    const columns = await this.db.query(
      `select attname as name from pg_attribute
        where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum`,
      [quoteTable(name)],
    )
    if (columns.length === 0) return null
    const texts = columns.map((one) => `"${String(one['name']).replaceAll('"', '""')}"::text`)
    const rows = await this.db.query(
      `select json_build_array(${texts.join(', ')}) as row
         from ${quoteTable(name)} order by ${texts[0]!} collate "C"`,
    )
    return rows.map(({ row }) => row as (string | null)[])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const target of this.#targets) await target.close()
    await this.db[Symbol.asyncDispose]()
  }
}
