/**
 * A role that may replicate a database and owns its tables, with every setting that could change how
 * values are written, or end a session early, set against us: for the database and for the role.
 */

import { randomBytes } from 'node:crypto'

import type { TestDatabase } from '../../support/postgres.ts'

export const HOSTILE_SETTINGS: Readonly<Record<string, string>> = {
  datestyle: `'German'`,
  intervalstyle: `'iso_8601'`,
  timezone: `'Asia/Kolkata'`,
  extra_float_digits: '-15',
  bytea_output: `'escape'`,
  client_encoding: `'LATIN1'`,
  lc_monetary: `'C.utf8'`,
  xmlbinary: `'hex'`,
  xmloption: `'document'`,
  quote_all_identifiers: 'on',
  search_path: 'app, ext, pg_catalog',
  standard_conforming_strings: 'off',
  backslash_quote: 'off',
  array_nulls: 'off',
  transform_null_equals: 'on',
  default_text_search_config: `'simple'`,
  default_transaction_read_only: 'on',
  default_transaction_isolation: `'serializable'`,
  default_transaction_deferrable: 'on',
  row_security: 'off',
  statement_timeout: `'200ms'`,
  lock_timeout: `'1ms'`,
  idle_in_transaction_session_timeout: `'100ms'`,
}

/** Settings that came later. */
const HOSTILE_SINCE: readonly [version: number, name: string, value: string][] = [
  [14, 'idle_session_timeout', `'2s'`],
  [17, 'transaction_timeout', `'300ms'`],
]

export class HostileRole implements AsyncDisposable {
  readonly name: string
  /** To the database, as this role. */
  readonly url: string
  readonly #db: TestDatabase

  private constructor(db: TestDatabase, name: string, password: string) {
    const url = new URL(db.url)
    url.username = name
    url.password = password
    this.name = name
    this.url = url.href
    this.#db = db
  }

  /** It may use the schemas that are there now. */
  static async make(db: TestDatabase): Promise<HostileRole> {
    const password = randomBytes(6).toString('hex')
    const role = new HostileRole(db, `${db.name}_hostile`, password)
    await db.query(`create role ${role.name} login replication password '${password}'`)
    await db.query(`grant create on database ${db.name} to ${role.name}`)
    const schemas = await db.query(
      `select nspname as name from pg_namespace where nspname !~ '^pg_|^information_schema$'`,
    )
    for (const { name } of schemas) {
      await db.query(`grant usage on schema ${String(name)} to ${role.name}`)
    }
    const version = await serverVersion(db)
    const later = HOSTILE_SINCE.filter(([since]) => version >= since)
    const settings = [
      ...Object.entries(HOSTILE_SETTINGS),
      ...later.map(([, name, value]) => [name, value] as const),
    ]
    for (const [name, value] of settings) {
      await db.query(`alter database ${db.name} set ${name} to ${value}`)
      await db.query(`alter role ${role.name} in database ${db.name} set ${name} to ${value}`)
    }
    return role
  }

  async own(table: string): Promise<void> {
    await this.#db.query(`alter table ${table} owner to ${this.name}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Slots keep their database, not their role; connections of it may still be closing.
    await this.#db.query(`drop owned by ${this.name} cascade`)
    await this.#db.query(`drop role ${this.name}`)
  }
}

export async function serverVersion(db: TestDatabase): Promise<number> {
  const [row] = await db.query(`select current_setting('server_version_num')::int / 10000 as major`)
  return Number(row!['major'])
}
