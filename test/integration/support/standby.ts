/**
 * A primary and a physical standby of it, which can be promoted.
 *
 * The standby begins as a copy of the primary's folder, made while that was stopped. From 17 on it
 * keeps copies of failover slots, and the primary sends us nothing that the standby lacks.
 */

import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import pg from 'pg'

import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../../src/demo/embedded-server.ts'

type Row = Record<string, unknown>

export const HAS_FAILOVER_SLOTS = Number(process.env['PG_VERSION'] ?? '18') >= 17

/** The name of the standby's physical slot. */
const STANDBY = 'standby'

export class Pair implements AsyncDisposable {
  readonly #version = process.env['PG_VERSION']
  readonly #keepsTogether: boolean
  #primary!: EmbeddedPostgres
  #standby!: EmbeddedPostgres
  #standbyDir = ''

  /** `keepsTogether`: the primary sends us only what the standby has. */
  static async start(options: { keepsTogether: boolean }): Promise<Pair> {
    const pair = new Pair(options.keepsTogether)
    await pair.#start()
    return pair
  }

  private constructor(keepsTogether: boolean) {
    this.#keepsTogether = keepsTogether
  }

  get primary(): string {
    return this.#primary.url
  }

  get standby(): string {
    return this.#standby.url
  }

  onPrimary(sql: string): Promise<Row[]> {
    return query(this.primary, sql)
  }

  onStandby(sql: string): Promise<Row[]> {
    return query(this.standby, sql)
  }

  /** The primary is gone without a word. */
  async crashPrimary(): Promise<void> {
    await this.#primary.stop('immediate')
  }

  async stopStandby(): Promise<void> {
    await this.#standby.stop('fast')
  }

  async startStandby(): Promise<void> {
    const { password } = new URL(this.primary)
    const settings = {
      primary_conninfo: `host=127.0.0.1 port=${this.#primary.port} user=postgres password=${password} dbname=postgres`,
      primary_slot_name: STANDBY,
      hot_standby_feedback: 'on',
      ...(HAS_FAILOVER_SLOTS ? { sync_replication_slots: 'on' } : {}),
    }
    this.#standby = await this.#startServer(this.#standbyDir, settings)
  }

  /** Resolves once the standby is a primary. */
  async promote(): Promise<void> {
    await this.onStandby('select pg_promote(true, 60)')
  }

  /** Resolves once the standby's copy of the slot would survive a promotion. */
  async synced(slot: string): Promise<void> {
    const sql = `select 1 from pg_replication_slots
                  where slot_name = '${slot}' and to_jsonb(pg_replication_slots) ->> 'synced' = 'true'
                    and not temporary`
    for (let i = 0; i < 600; i++) {
      if ((await this.onStandby(sql)).length > 0) return
      // Without activity the standby cannot tell that its copy is good.
      await this.onPrimary('select pg_log_standby_snapshot()')
      await sleep(50)
    }
    throw new Error(`the standby has no copy of ${slot}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#standby, this.#primary]) {
      await server?.stop('immediate')
      if (server) await rm(server.dataDir, { recursive: true, force: true })
    }
  }

  async #start(): Promise<void> {
    const dataDir = join(tmpdir(), `millrace-pair-${randomBytes(6).toString('hex')}`)
    const together = this.#keepsTogether && HAS_FAILOVER_SLOTS
    const settings = together ? { synchronized_standby_slots: STANDBY } : {}
    this.#primary = await this.#startServer(dataDir, settings)
    const { port, dataDir: from } = this.#primary
    await this.onPrimary(`select pg_create_physical_replication_slot('${STANDBY}', true)`)
    await this.#primary.stop('fast')
    this.#standbyDir = `${from}-standby`
    execFileSync('cp', ['-a', from, this.#standbyDir])
    const signal = join(this.#standbyDir, 'standby.signal')
    writeFileSync(signal, '')
    const { uid, gid } = statSync(from)
    chownSync(signal, uid, gid)
    this.#primary = await this.#startServer(from, settings, port)
    await this.startStandby()
  }

  #startServer(
    dataDir: string,
    settings: Record<string, string>,
    port = 0,
  ): Promise<EmbeddedPostgres> {
    const version = this.#version
    return startEmbeddedPostgres({ dataDir, settings, port, ...(version ? { version } : {}) })
  }
}

async function query(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query<Row>(sql)).rows
  } finally {
    await client.end()
  }
}
