/** Statements over a connection to a server, whose failures get codes of ours. */

import type pg from 'pg'

import { CodedError } from '../../core/errors.ts'
import type { SqlRow } from './session.ts'
import type { ServerSession } from './transaction.ts'

export class Connection implements ServerSession {
  readonly client: pg.Client
  readonly #translate: (error: unknown) => unknown
  #isLost = false

  constructor(client: pg.Client, translate: (error: unknown) => unknown) {
    this.client = client
    this.#translate = translate
    const lost = (): void => void (this.#isLost = true)
    client.on('error', lost)
    client.on('end', lost)
  }

  get isLost(): boolean {
    return this.#isLost
  }

  async run(sql: string): Promise<number> {
    return (await this.#query(sql)).rowCount ?? 0
  }

  async rows(sql: string): Promise<SqlRow[]> {
    return (await this.#query(sql)).rows
  }

  async close(): Promise<void> {
    this.#isLost = true
    await this.client.end().catch(() => {})
  }

  /** Of a connection that is gone the driver says many things, and none has a code. */
  known(error: unknown): unknown {
    const known = this.#translate(error)
    if (known instanceof CodedError || !this.#isLost) return known
    return new CodedError('CONNECTION_LOST', 'the connection to the target is lost', {
      cause: error,
    })
  }

  async #query(sql: string): Promise<pg.QueryResult<Record<string, unknown>>> {
    try {
      return await this.client.query<Record<string, unknown>>(sql)
    } catch (error) {
      throw this.known(error)
    }
  }
}
