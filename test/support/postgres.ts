/**
 * A database of one's own, on a server that starts by itself.
 *
 *   await using db = await testDatabase()
 *
 * Whatever the test leaves behind, slots included, is gone when the block ends. The server is the one
 * that TEST_POSTGRES_URL names, or else a throwaway one of this process; PG_VERSION chooses its major
 * version. It ends with the process and keeps nothing alive. A test that crashes its server takes
 * `testServer()`, which nobody else uses.
 */

import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import pg from 'pg'

import { startEmbeddedPostgres } from '../../src/demo/embedded-server.ts'
import type { EmbeddedOptions } from '../../src/demo/embedded-server.ts'

type Row = Record<string, unknown>

export interface TestDatabase extends AsyncDisposable {
  /** Fit for the name of a slot or a publication, too. */
  readonly name: string
  /** Of the superuser, to this database. */
  readonly url: string
  query(sql: string, params?: readonly unknown[]): Promise<Row[]>
  /** Another connection, closed when the database goes at the latest. */
  client(): Promise<pg.Client>
}

/** A server that may be stopped and crashed; its data outlives that, but not the test. */
export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  database(): Promise<TestDatabase>
  /** `immediate` is a crash. */
  stop(mode: 'fast' | 'immediate'): Promise<void>
  /** Starts it again, on the same port. */
  start(): Promise<void>
}

let shared: Promise<string> | null = null

export interface DatabaseOptions {
  /** Of the server's names of encodings; `LATIN1`. */
  readonly encoding?: string
}

export async function testDatabase(options: DatabaseOptions = {}): Promise<TestDatabase> {
  shared ??= sharedUrl()
  return createDatabase(await shared, options)
}

async function sharedUrl(): Promise<string> {
  const given = process.env['TEST_POSTGRES_URL']
  return given ? given : (await startEmbeddedPostgres(throwaway({}))).url
}

/** Settings are added to those of the embedded server: `{ wal_sender_timeout: '1s' }`. */
export async function testServer(settings: Record<string, string> = {}): Promise<TestServer> {
  const options = throwaway(settings)
  // A crash must not lose what was committed, so this one is durable.
  let server = await startEmbeddedPostgres({ ...options, isThrowaway: false })
  const { url, port } = server
  return {
    url,
    port,
    database: () => createDatabase(url),
    stop: (mode) => server.stop(mode),
    async start() {
      server = await startEmbeddedPostgres({ ...options, isThrowaway: false, port })
    },
    async [Symbol.asyncDispose]() {
      await server.stop('immediate')
      await rm(server.dataDir, { recursive: true, force: true })
    },
  }
}

function throwaway(settings: Record<string, string>): EmbeddedOptions {
  const version = process.env['PG_VERSION']
  return {
    dataDir: join(tmpdir(), `millrace-test-${randomBytes(6).toString('hex')}`),
    isThrowaway: true,
    settings,
    ...(version ? { version } : {}),
  }
}

async function createDatabase(
  server: string,
  { encoding }: DatabaseOptions = {},
): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const as = encoding ? `encoding '${encoding}' locale 'C' template template0` : ''
  await onServer(server, (admin) => admin.query(`create database ${name} ${as}`))
  const url = databaseUrl(server, name)
  const clients: pg.Client[] = []
  const client = async () => {
    const opened = await connect(url)
    clients.push(opened)
    return opened
  }
  let main: Promise<pg.Client> | null = null
  return {
    name,
    url,
    client,
    async query(sql, params = []) {
      main ??= client()
      return (await (await main).query<Row>(sql, [...params])).rows
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(clients.map((opened) => opened.end().catch(() => {})))
      await onServer(server, async (admin) => {
        await dropSlots(admin, name)
        await admin.query(`drop database ${name} with (force)`)
      })
    },
  }
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  // A test that stops its server breaks connections; what uses one then sees the error itself.
  client.on('error', () => {})
  await client.connect()
  return client
}

async function onServer(url: string, use: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = await connect(url)
  try {
    await use(admin)
  } finally {
    await admin.end()
  }
}

const SLOT_ATTEMPTS = 500

/** A slot can be dropped when its user is gone, which takes a moment after it was told to go. */
async function dropSlots(admin: pg.Client, database: string): Promise<void> {
  for (let i = 0; i < SLOT_ATTEMPTS; i++) {
    const { rows } = await admin.query<{ slot_name: string; active_pid: number | null }>(
      'select slot_name, active_pid from pg_replication_slots where database = $1',
      [database],
    )
    if (rows.length === 0) return
    for (const { slot_name: slot, active_pid: pid } of rows) {
      if (pid === null) await admin.query('select pg_drop_replication_slot($1)', [slot])
      else await admin.query('select pg_terminate_backend($1)', [pid])
    }
    if (rows.some((row) => row.active_pid !== null)) await sleep(10)
  }
  throw new Error(`slots of ${database} are still in use`)
}
