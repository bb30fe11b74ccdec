/**
 * A connection that is used again while uses follow one another, and closed soon after the last.
 *
 * Thousands of tables may be described within seconds. But a connection that is kept for hours dies
 * unnoticed in some router, and who used it then would wait for long.
 */

import type { Client } from 'pg'

import type { Clock } from '../core/clock.ts'
import { connect, type ConnectOptions } from './connect.ts'
import { fromPostgres } from './sqlstate.ts'

/** A catalog may be locked by somebody's DDL for a while, but not for so long. */
const ANSWER_MS = 120_000

export class LastingConnection implements AsyncDisposable {
  readonly #options: ConnectOptions
  readonly #clock: Clock
  readonly #idleMs: number
  #client: Promise<Client> | null = null
  #users = 0
  /** Aborted when the connection is used again before it is closed. */
  #idle = new AbortController()

  constructor(options: ConnectOptions, { clock, idleMs }: { clock: Clock; idleMs: number }) {
    this.#options = options
    this.#clock = clock
    this.#idleMs = idleMs
  }

  async use<T>(use: (client: Client) => Promise<T>): Promise<T> {
    this.#idle.abort()
    this.#users++
    this.#client ??= connect({ answerWithinMs: ANSWER_MS, ...this.#options })
    const client = this.#client
    try {
      return await use(await client)
    } catch (error) {
      if (this.#client === client) await this.#close()
      throw fromPostgres(error)
    } finally {
      this.#users--
      if (this.#users === 0) void this.#closeWhenIdle()
    }
  }

  /** May be used again afterwards. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#idle.abort()
    await this.#close()
  }

  async #closeWhenIdle(): Promise<void> {
    const idle = new AbortController()
    this.#idle = idle
    await this.#clock.sleep(this.#idleMs, idle.signal)
    if (!idle.signal.aborted) await this.#close()
  }

  async #close(): Promise<void> {
    const client = this.#client
    this.#client = null
    await client?.then((open) => open.end()).catch(() => {})
  }
}
