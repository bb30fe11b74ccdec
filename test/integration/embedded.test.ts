/** The embedded PostgreSQL: that it starts wherever it is asked to, and never outlives us. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import pg from 'pg'

import { startEmbeddedPostgres } from '../../src/demo/embedded-server.ts'
import { readPostmaster } from '../../src/demo/postmaster.ts'
import { testDatabase, testServer } from '../support/postgres.ts'

describe('the embedded PostgreSQL', () => {
  test('is ready for logical replication and asks for the password', async () => {
    await using folder = await scratch()
    await using server = await startEmbeddedPostgres({
      dataDir: join(folder.path, 'with a space'),
      settings: { wal_sender_timeout: '7s' },
    })
    assert.deepEqual(
      await ask(
        server.url,
        `select current_setting('wal_level'), current_setting('fsync'),
        current_setting('max_wal_senders'), current_setting('wal_sender_timeout')`,
      ),
      ['logical', 'on', '50', '7s'],
    )
    const { mode } = await stat(join(server.dataDir, 'superuser-password'))
    assert.equal(mode & 0o777, 0o600)
    const wrong = server.url.replace(/:[0-9a-f]+@/, ':wrong@')
    await assert.rejects(ask(wrong, 'select 1'), { code: '28P01' })
  })

  test('continues what is there, with the same password', async () => {
    await using folder = await scratch()
    const dataDir = join(folder.path, 'data')
    const first = await startEmbeddedPostgres({ dataDir })
    await ask(first.url, 'create table kept as select 42 as n')
    await first.stop('fast')
    await first.stop('fast')
    await using second = await startEmbeddedPostgres({ dataDir, port: first.port })
    assert.equal(second.url, first.url)
    assert.deepEqual(await ask(second.url, 'select n from kept'), [42])
  })

  test('starts beside the stale note of a server whose number belongs to another process', async () => {
    await using folder = await scratch()
    const dataDir = join(folder.path, 'data')
    const first = await startEmbeddedPostgres({ dataDir, isThrowaway: true })
    await first.stop('immediate')
    await writeFile(join(first.dataDir, 'postmaster.pid'), `${process.ppid}\n${first.dataDir}\n`)
    await using second = await startEmbeddedPostgres({ dataDir, isThrowaway: true })
    assert.deepEqual(await ask(second.url, 'select 1'), [1])
  })

  test('takes the folder over from a server that its process left behind', async () => {
    await using folder = await scratch()
    const dataDir = join(folder.path, 'data')
    const old = await startEmbeddedPostgres({ dataDir, isThrowaway: true })
    const before = readPostmaster(old.dataDir)
    await using server = await startEmbeddedPostgres({ dataDir, isThrowaway: true })
    assert.notEqual(readPostmaster(server.dataDir)?.pid, before?.pid)
    await assert.rejects(ask(old.url, 'select 1'))
    assert.deepEqual(await ask(server.url, 'select 1'), [1])
    await old.stop('fast')
  })

  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    test(`ends when its process ends by ${signal}, and a throwaway one leaves nothing`, async () => {
      await using folder = await scratch()
      await using child = await startInChild(join(folder.path, 'data'))
      const { pid } = readPostmaster(child.dataDir)!
      child.kill(signal)
      await until(() => !existsSync(child.dataDir))
      assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
    })
  }

  test('says so when the port it is to have is taken', async () => {
    await using folder = await scratch()
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const start = startEmbeddedPostgres({ dataDir: join(folder.path, 'data'), port })
    await assert.rejects(start, { code: 'PORT_IN_USE', message: new RegExp(String(port)) })
    taken.close()
  })

  test('lies elsewhere if its user cannot enter the folder', async () => {
    await using folder = await scratch()
    await chmod(folder.path, 0o700)
    await using server = await startEmbeddedPostgres({
      dataDir: join(folder.path, 'data'),
      isThrowaway: true,
    })
    // Only root starts it as somebody else.
    assert.equal(server.isRelocated, process.getuid?.() === 0)
    assert.deepEqual(await ask(server.url, 'select 1'), [1])
  })
})

describe('a test database', () => {
  test('is gone at the end of its block, with its slots and their users', async () => {
    await using outside = await testDatabase()
    let name: string
    {
      await using db = await testDatabase()
      name = db.name
      await db.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [name])
      await db.client()
    }
    const left = await outside.query(
      `select datname from pg_database where datname = $1
       union all select slot_name from pg_replication_slots where slot_name = $1`,
      [name],
    )
    assert.deepEqual(left, [])
  })

  test('of a server of its own survives a crash of it', async () => {
    await using server = await testServer()
    const db = await server.database()
    await db.query('create table kept as select 42 as n')
    await server.stop('immediate')
    await server.start()
    assert.deepEqual(await ask(db.url, 'select n from kept'), [42])
  })
})

async function scratch(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'millrace embedded '))
  await chmod(path, 0o755)
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** The first row, as an array. */
async function ask(url: string, sql: string): Promise<unknown[] | undefined> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows[0]
  } finally {
    await client.end()
  }
}

/** A process of its own that starts a server, says where, and waits. */
async function startInChild(dataDir: string) {
  const module = new URL('../../src/demo/embedded-server.ts', import.meta.url).href
  const here = import.meta.url.endsWith('.ts')
  const program = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(here ? module : module.replace(/ts$/, 'js'))})
    const server = await startEmbeddedPostgres(${JSON.stringify({ dataDir, isThrowaway: true })})
    console.log(server.dataDir)
    setInterval(() => {}, 1000)`
  const flags = here ? ['--import', 'tsx'] : []
  const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  return {
    dataDir: line,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
    },
  }
}

/** Waits for what another process does, which sends us no event. */
async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !isTrue(); i++) await sleep(25)
  assert.ok(isTrue(), 'it did not happen in 10 s')
}
