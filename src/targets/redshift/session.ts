/** A connection to Redshift: its own settings, and the temporary tables that it still has. */

import { connect, type ConnectOptions } from '../../postgres/connect.ts'
import { Connection } from '../sql/connection.ts'
import type { SqlRow } from '../sql/session.ts'
import type { ServerSession } from '../sql/transaction.ts'
import { atRedshift } from './failures.ts'

/** Where work can be broken off by a test: before each kind of statement, and behind the last. */
export const FAULT_POINTS = [
  'begin', 'stage', 'copy', 'staged', 'claim', 'step', 'fill', 'delete', 'insert', 'ledger',
  'commit', 'committed',
] as const // prettier-ignore

export type FaultPoint = (typeof FAULT_POINTS)[number]

export type SessionOptions = Pick<ConnectOptions, 'url' | 'login' | 'applicationName'> & {
  /** Awaited at every point; for tests. */
  readonly at?: (point: FaultPoint) => Promise<void>
}

export const DEFAULT_PORT = 5439

/** A parameter that it does not know ends the connection, so these are all. */
const SETTINGS = ['SET statement_timeout TO 0', `SET timezone TO 'UTC'`]

export class RedshiftSession implements ServerSession {
  readonly #connection: ServerSession
  readonly #at: (point: FaultPoint) => Promise<void>
  /** Temporary tables that were made and not dropped, as far as we know. */
  readonly #tables: string[] = []
  #made = 0

  constructor(connection: ServerSession, at: SessionOptions['at']) {
    this.#connection = connection
    this.#at = at ?? (() => Promise.resolve())
  }

  static async open({ at, ...options }: SessionOptions): Promise<RedshiftSession> {
    try {
      const client = await connect({ ...options, session: SETTINGS, defaultPort: DEFAULT_PORT })
      return new RedshiftSession(new Connection(client, atRedshift), at)
    } catch (error) {
      throw atRedshift(error)
    }
  }

  get isLost(): boolean {
    return this.#connection.isLost
  }

  run(sql: string): Promise<number> {
    return this.#connection.run(sql)
  }

  rows(sql: string): Promise<readonly SqlRow[]> {
    return this.#connection.rows(sql)
  }

  /** A name for a temporary table that nobody of this session has. */
  newTable(): string {
    const name = `millrace_stage_${++this.#made}`
    this.#tables.push(name)
    return name
  }

  /** Drops all temporary tables, in one statement. Resolves to how many there were. */
  async dropTables(): Promise<number> {
    const count = this.#tables.length
    if (count > 0) await this.run(`DROP TABLE IF EXISTS ${this.#tables.join(', ')}`)
    return count
  }

  /** The first that were dropped are gone for certain: it is committed. */
  forgetTables(count: number): void {
    this.#tables.splice(0, count)
  }

  at(point: FaultPoint): Promise<void> {
    return this.#at(point)
  }

  close(): Promise<void> {
    return this.#connection.close()
  }
}
