/**
 * A connection to the target's server, and what all of ours there have in common.
 *
 * Where the user may, triggers and foreign keys of the target are left out, as in PostgreSQL's own
 * replication: the source has fired and checked them already. Where he may not, they work as always,
 * and foreign keys that can wait do so until the commit.
 */

import type pg from 'pg'

import { CodedError } from '../../core/errors.ts'
import { connect, type ConnectOptions } from '../../postgres/connect.ts'
import { CopyIn } from '../../postgres/copy-in.ts'
import { Connection } from '../sql/connection.ts'
import { literal } from '../sql/names.ts'
import { stateOf } from '../sql/server-error.ts'
import type { SqlRow } from '../sql/session.ts'
import type { ServerSession } from '../sql/transaction.ts'
import { atTarget } from './failures.ts'

/** Where work can be broken off by a test: before each kind of statement, and behind the last. */
export const FAULT_POINTS = [
  'begin', 'claim', 'step', 'stage', 'copy', 'fill', 'delete', 'insert', 'ledger', 'commit',
  'committed',
] as const // prettier-ignore

export type FaultPoint = (typeof FAULT_POINTS)[number]

export interface SessionOptions extends ConnectOptions {
  /** Awaited at every point; for tests. */
  readonly at?: (point: FaultPoint) => Promise<void>
}

const SEE_EXTENSIONS = `
  SELECT pg_catalog.set_config('search_path',
           coalesce(pg_catalog.string_agg(pg_catalog.quote_ident(nspname), ', '), ''), true)
    FROM pg_catalog.pg_namespace
   WHERE oid IN (SELECT extnamespace FROM pg_catalog.pg_extension) AND nspname <> 'pg_catalog'`

const INSUFFICIENT_PRIVILEGE = '42501'

export class Session implements ServerSession {
  /** The major version of the server. */
  readonly version: number
  readonly #connection: Connection
  readonly #at: (point: FaultPoint) => Promise<void>

  private constructor(client: pg.Client, version: number, at: SessionOptions['at']) {
    this.#connection = new Connection(client, atTarget)
    this.version = version
    this.#at = at ?? (() => Promise.resolve())
  }

  static async open(options: SessionOptions): Promise<Session> {
    try {
      const client = await connect(options)
      const { rows } = await client.query<{ version: string }>(
        `select current_setting('server_version_num') as version`,
      )
      await leaveOutTriggers(client)
      return new Session(client, Math.floor(Number(rows[0]!.version) / 10_000), options.at)
    } catch (error) {
      throw atTarget(error)
    }
  }

  /** The connection is gone, and with it whatever was not committed. */
  get isLost(): boolean {
    return this.#connection.isLost
  }

  /**
   * Begins a transaction that writes rows. Types of extensions are compared by operators that stand in
   * the schemas of those, so these are looked into, behind the system's own.
   */
  async begin(): Promise<void> {
    await this.run(`BEGIN; SET CONSTRAINTS ALL DEFERRED; ${SEE_EXTENSIONS}`)
  }

  run(sql: string): Promise<number> {
    return this.#connection.run(sql)
  }

  rows(sql: string): Promise<SqlRow[]> {
    return this.#connection.rows(sql)
  }

  /**
   * Does work whose failure does not end the transaction. Resolves to what the server has refused, if
   * it has; rejects with all else.
   */
  async attempt<T>(work: () => Promise<T>): Promise<T | CodedError> {
    await this.run('SAVEPOINT millrace')
    try {
      const result = await work()
      await this.run('RELEASE SAVEPOINT millrace')
      return result
    } catch (error) {
      const isRefused = error instanceof CodedError && stateOf(error) !== null
      if (!isRefused || error.recovery === 'retry' || this.isLost) throw error
      await this.run('ROLLBACK TO SAVEPOINT millrace')
      return error
    }
  }

  /** Resolves to a COPY that waits for its rows. */
  async copyIn(sql: string): Promise<CopyIn> {
    try {
      const copy = this.#connection.client.query(new CopyIn(sql))
      await copy.started()
      return copy
    } catch (error) {
      throw this.#connection.known(error)
    }
  }

  /** Until the end of the transaction nobody else has the lock of the name. */
  async lock(name: string): Promise<void> {
    const key = `pg_catalog.hashtextextended(${literal(`millrace ${name}`)}, 0)`
    await this.run(`SELECT pg_catalog.pg_advisory_xact_lock(${key})`)
  }

  at(point: FaultPoint): Promise<void> {
    return this.#at(point)
  }

  close(): Promise<void> {
    return this.#connection.close()
  }
}

async function leaveOutTriggers(client: pg.Client): Promise<void> {
  try {
    await client.query('SET session_replication_role = replica')
  } catch (error) {
    if (stateOf(error) !== INSUFFICIENT_PRIVILEGE) throw error
  }
}
