/** The PostgreSQL behind the server: one database, connections to it, and the domains that are types. */

import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import pg from 'pg'

import { startEmbeddedPostgres } from '../../../src/demo/embedded-server.ts'
import { backendSql } from './backend-sql.ts'
import type { LoadColumn } from './load-value.ts'
import { longName } from './long-names.ts'
import type { Isolation } from './sql-error.ts'
import { literal, quoted, type QualifiedName } from './tokens.ts'
import { domainOf, typeText, type RedshiftType, type TypeName } from './types.ts'

export interface BackendOptions {
  /** Of a superuser of a PostgreSQL 16 or later; left out, one is started. */
  readonly url?: string
  readonly isolation: Isolation
  readonly hasLargeStrings: boolean
}

/** IS JSON. */
const OLDEST_VERSION = 160_000

let own: Promise<string> | null = null

async function ownServer(): Promise<string> {
  const dataDir = join(tmpdir(), `millrace-redshift-${randomBytes(6).toString('hex')}`)
  return (await startEmbeddedPostgres({ dataDir, isThrowaway: true })).url
}

export class Backend implements AsyncDisposable {
  readonly isolation: Isolation
  readonly #admin: pg.Client
  readonly #server: string
  readonly #url: string
  #last: Promise<unknown> = Promise.resolve()
  readonly #domains = new Map<string, Promise<unknown>>()

  private constructor(
    admin: pg.Client,
    { server, url }: { server: string; url: string },
    isolation: Isolation,
  ) {
    this.#admin = admin
    this.#server = server
    this.#url = url
    this.isolation = isolation
  }

  /** `name` is that of a new database. */
  static async open(name: string, options: BackendOptions): Promise<Backend> {
    const server = await serverUrl(options.url ?? process.env['TEST_POSTGRES_URL'] ?? null)
    await once(
      server,
      `CREATE DATABASE ${quoted(name)} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`,
    )
    const url = new URL(server)
    url.pathname = `/${name}`
    const admin = await connect(url.href)
    await admin.query(backendSql(options.isolation, options.hasLargeStrings))
    await admin.query('SET search_path TO public, redshift_system')
    return new Backend(admin, { server, url: url.href }, options.isolation)
  }

  get isolationLevel(): string {
    return this.isolation === 'snapshot' ? 'REPEATABLE READ' : 'SERIALIZABLE'
  }

  /** A connection for a session. */
  async session(): Promise<pg.Client> {
    const client = await connect(this.#url)
    const level = this.isolationLevel.toLowerCase()
    await client.query(`SET search_path TO public, redshift_system; SET bytea_output TO hex;
      SET DateStyle TO ISO; SET TimeZone TO 'UTC'; SET standard_conforming_strings TO on;
      SET default_transaction_isolation TO ${literal(level)}; SET client_min_messages TO error`)
    return client
  }

  /** On a connection that sessions share, one after the other; outside of their transactions. */
  async query(sql: string): Promise<pg.QueryResult<(string | null)[]>> {
    const run = (): Promise<pg.QueryResult<(string | null)[]>> =>
      this.#admin.query({ text: sql, ...AS_TEXT })
    const result = this.#last.then(run, run)
    this.#last = result
    return result
  }

  /** Makes the domains of types that are not there yet. */
  async ensure(types: readonly RedshiftType[]): Promise<void> {
    for (const type of types) {
      const definition = domainOf(type)
      const name = typeText(type)
      if (definition === null) continue
      const made =
        this.#domains.get(name) ??
        this.query(`CREATE DOMAIN redshift_system.${quoted(name)} AS ${definition}`)
      this.#domains.set(name, made)
      await made
    }
  }

  async cancel(pid: number): Promise<void> {
    await this.query(`SELECT pg_cancel_backend(${pid})`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.end()
    const { pathname } = new URL(this.#url)
    await once(this.#server, `DROP DATABASE ${quoted(pathname.slice(1))} WITH (FORCE)`)
  }
}

/** Rows as arrays, and every value as its text. */
export const AS_TEXT = {
  rowMode: 'array',
  types: { getTypeParser: () => (value: string) => value },
} as const

/** The columns of a table as a session sees it; `null` if there is none. */
export async function columnsOf(client: pg.Client, table: QualifiedName): Promise<LoadColumn[]> {
  const name =
    table.schema === null ? quoted(table.name) : `${quoted(table.schema)}.${quoted(table.name)}`
  // Not by a join with pg_type: a domain may be younger than the snapshot.
  const { rows } = await client.query<(string | null)[]>({
    text: `SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
             FROM pg_attribute a
            WHERE a.attrelid = ${literal(name)}::regclass AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attnum`,
    ...AS_TEXT,
  })
  return rows.map(([column, format, notNull]) => {
    const text = format!.replace('redshift_system.', '').replaceAll('"', '')
    const [, type, args] = /^([^(]+)(?:\(([\d,]+)\))?$/.exec(text)!
    return {
      name: longName(column!),
      // Only types that `types.ts` knows can be in a table.
      type: type as TypeName,
      args: args === undefined ? [] : args.split(',').map(Number),
      isNotNull: notNull === 't',
    }
  })
}

async function serverUrl(given: string | null): Promise<string> {
  if (given !== null) {
    const admin = await connect(given)
    const { rows } = await admin.query<{ server_version_num: string }>('SHOW server_version_num')
    await admin.end()
    if (Number(rows[0]!.server_version_num) >= OLDEST_VERSION) return given
  }
  own ??= ownServer()
  return own
}

async function once(url: string, sql: string): Promise<void> {
  const client = await connect(url)
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return client
}
