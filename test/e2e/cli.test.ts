/**
 * What an operator gets to see for each mistake of the set-up: one message with its code, the cause
 * and what to do, the right exit code, no stack trace, and nothing that was begun and left.
 */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'

import { DuckDBInstance } from '@duckdb/node-api'

import { testDatabase, testServer, type TestDatabase } from '../support/postgres.ts'
import { runCli, startCli, type Ended } from './support/cli.ts'
import { auditLake } from './support/lake-audit.ts'
import { smallDisk } from './support/small-disk.ts'
import { taskFolder, type TaskFolder, type TaskSections } from './support/task-folder.ts'
import { compareAll, differencesIn } from './support/warehouse.ts'

const TABLE = `create schema app; create table app.t (id int primary key, x text)`

/** What a failed start may have left. */
interface Leftovers {
  readonly slots: number
  readonly publications: number
  readonly lake: readonly string[]
  readonly warehouse: boolean
}

const NOTHING: Leftovers = { slots: 0, publications: 0, lake: [], warehouse: false }

interface Mistake {
  readonly name: string
  readonly code: string
  /** Stands in the message. */
  readonly says: RegExp
  /** Stands in what to do; `null` if the message says it already. */
  readonly hint: RegExp | null
  readonly exitCode?: 1 | 2
  readonly sql?: string
  readonly url?: (url: URL) => void
  readonly sections?: TaskSections
}

/** All that a user needs, but for the right to replicate. */
function grantsTo(role: string): string {
  return `alter schema app owner to ${role}; alter table app.t owner to ${role}; grant create on database USER to ${role}`
}

const MISTAKES: readonly Mistake[] = [
  {
    name: 'a wrong password',
    code: 'LOGIN_FAILED',
    says: /password authentication failed for user "postgres" \(server 127\.0\.0\.1:\d+\)/,
    hint: /check user, password and database/,
    url: (url) => (url.password = 'wrong'),
  },
  {
    name: 'a database that does not exist',
    code: 'LOGIN_FAILED',
    says: /database "nosuch" does not exist/,
    hint: /check user, password and database/,
    url: (url) => (url.pathname = '/nosuch'),
  },
  {
    name: 'a host on which nothing listens',
    code: 'CONNECTION_LOST',
    says: /ECONNREFUSED 127\.0\.0\.1:1\b/,
    hint: /host and port/,
    url: (url) => (url.port = '1'),
  },
  {
    name: 'a host that nobody knows',
    code: 'CONNECTION_LOST',
    says: /nosuch\.invalid/,
    hint: /host and port/,
    url: (url) => (url.hostname = 'nosuch.invalid'),
  },
  {
    name: 'a user who may not replicate',
    code: 'NO_REPLICATION_RIGHT',
    says: /the user \w+_reader may not use replication slots/,
    hint: /ALTER ROLE "?\w+_reader"? REPLICATION/,
    sql: `create role USER_reader login password 'secret'; ${grantsTo('USER_reader')}`,
    url: (url) => {
      url.username = `${url.pathname.slice(1)}_reader`
      url.password = 'secret'
    },
  },
  {
    name: 'a user who may not make the publication',
    code: 'PERMISSION_DENIED',
    says: /the publication cannot be made/,
    hint: /CREATE PUBLICATION "?millrace_mill"? FOR TABLE "?app"?\."?t"?/,
    sql: `create role USER_owner login replication password 'secret'; ${grantsTo('USER_owner')};
      revoke create on database USER from USER_owner`,
    url: (url) => {
      url.username = `${url.pathname.slice(1)}_owner`
      url.password = 'secret'
    },
  },
  {
    name: 'a table without a key',
    code: 'TABLE_WITHOUT_KEY',
    says: /app\.keyless/,
    hint: /ALTER TABLE "app"\."keyless" ADD PRIMARY KEY.*'!app\.keyless'/,
    sql: 'create table app.keyless (x int)',
  },
  {
    name: 'tables that do not exist',
    code: 'NO_TABLES',
    says: /no table of the source matches/,
    hint: /pg_tables/,
    sections: { source: { tables: ['nosuch.*'] } },
  },
  {
    name: 'an unknown key of the configuration',
    code: 'CONFIG_INVALID',
    says: /millrace\.yaml:\d+:\d+ tabels: unknown key/,
    hint: null,
    exitCode: 2,
    sections: { tabels: ['app.*'] },
  },
  {
    name: 'a secret that is not there',
    code: 'SECRET_MISSING',
    says: /NO_SUCH_VARIABLE/,
    hint: null,
    exitCode: 2,
    sections: { source: { url: 'env:NO_SUCH_VARIABLE' } },
  },
  {
    name: 'a lake where none can be',
    code: 'LAKE_UNWRITABLE',
    says: /cannot write .*source-url/,
    hint: /owner and mode/,
    sections: { lake: { url: './source-url/lake' } },
  },
]

describe('a mistake of the set-up', () => {
  for (const mistake of MISTAKES) {
    const { name, code, says, hint, exitCode = 1, sql, url, sections } = mistake
    test(`is told, and leaves nothing half-written: ${name}`, async () => {
      await using source = await testDatabase()
      await source.query(TABLE)
      if (sql !== undefined) await source.query(sql.replaceAll('USER', source.name))
      const wrong = new URL(source.url)
      url?.(wrong)
      await using folder = await taskFolder(wrong.href, sections ?? {})
      const ended = await run(folder)
      assertTold(ended, { code, says, hint, exitCode })
      assert.equal(ended.stdout, '')
      assert.deepEqual(await leftovers(source, folder), NOTHING)
    })
  }

  test('is told, of a configuration that is not there', async () => {
    const ended = await runCli(['run', '--config', '/nosuch/millrace.yaml'])
    const says = /there is no file \/nosuch\/millrace\.yaml/
    assertTold(ended, { code: 'CONFIG_MISSING', says, hint: /millrace init/, exitCode: 2 })
  })

  test('is one line of JSON for scripts', async () => {
    await using folder = await taskFolder('postgres://127.0.0.1:1/x', {})
    const { code, stderr } = await runCli(['status', '--config', folder.config, '--json'])
    assert.equal(code, 1)
    const { error } = JSON.parse(stderr) as { error: Record<string, string> }
    assert.deepEqual(Object.keys(error), ['code', 'message', 'hint'])
    assert.equal(error['code'], 'NOT_RUNNING')
  })
})

describe('a server that is not ready for us', () => {
  test('is told, when all its slots are taken, and works when one is free', async () => {
    await using server = await testServer({ max_replication_slots: '1' })
    await using source = await server.database()
    await source.query(TABLE)
    await source.query(`select pg_create_physical_replication_slot('somebody')`)
    await using folder = await taskFolder(source.url, {})
    const ended = await run(folder)
    assertTold(ended, {
      code: 'NO_FREE_SLOT',
      says: /all replication slots are in use/,
      hint: /max_replication_slots.*pg_replication_slots/,
    })
    assert.deepEqual((await leftovers(source, folder)).slots, 0)
    assert.equal(existsSync(join(folder.lake, '_millrace/manifests')), false)

    await source.query(`select pg_drop_replication_slot('somebody')`)
    const again = await run(folder)
    assert.equal(again.code, 0, again.stderr)
  })

  test('is told, when its WAL is not logical', async () => {
    await using other = await testServer({ wal_level: 'replica' })
    await using database = await other.database()
    await database.query(TABLE)
    await using folder = await taskFolder(database.url, {})
    const ended = await run(folder)
    assertTold(ended, {
      code: 'WAL_LEVEL',
      says: /wal_level of the source is "replica"; "logical" is needed/,
      hint: /ALTER SYSTEM SET wal_level = 'logical'/,
    })
    assert.deepEqual(await leftovers(database, folder), NOTHING)
  })
})

describe('something that another has', () => {
  let source: TestDatabase
  beforeEach(async () => {
    source = await testDatabase()
    await source.query(TABLE)
  })
  afterEach(async () => source[Symbol.asyncDispose]())

  test('is told: the lake of another source, which stays as it is', async () => {
    await using other = await testDatabase()
    await other.query(TABLE)
    await using folder = await taskFolder(source.url, {})
    assert.equal((await run(folder)).code, 0)
    const files = (await readdir(folder.lake, { recursive: true })).toSorted()
    await writeFile(join(folder.path, 'source-url'), other.url)
    await folder.configure({ source: { slot: other.name } })
    const ended = await run(folder)
    const says = new RegExp(`was filled from database ${source.name} .* not from ${other.name}`)
    assertTold(ended, { code: 'SOURCE_CHANGED', says, hint: /lake\.url.*millrace move/ })
    assert.deepEqual((await readdir(folder.lake, { recursive: true })).toSorted(), files)
    assert.equal((await leftovers(other, folder)).slots, 0)
  })

  test('is told: a folder of other things', async () => {
    await using folder = await taskFolder(source.url, { lake: { url: '.' } })
    const says = /is no lake, but holds other things: millrace\.yaml/
    assertTold(await run(folder), { code: 'LAKE_FOREIGN', says, hint: /lake\.url/ })
    assert.equal(existsSync(join(folder.path, '_millrace')), false)
    assert.equal((await leftovers(source, folder)).publications, 0)
  })

  test('is told: a DuckDB file that another process has open', async () => {
    await using folder = await taskFolder(source.url, {})
    const holder = await DuckDBInstance.create(folder.warehouse)
    try {
      const says = /warehouse\.duckdb/
      const ended = await run(folder)
      assertTold(ended, { code: 'TARGET_LOCKED', says, hint: /close the other program/ })
      assert.deepEqual(await leftovers(source, folder), { ...NOTHING, warehouse: true })
    } finally {
      holder.closeSync()
    }
  })

  test('is told: a port that is taken', async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = holder.address() as { port: number }
      const listen = `127.0.0.1:${port}`
      await using folder = await taskFolder(source.url, { server: { listen } })
      const says = new RegExp(`cannot listen on ${listen}`)
      const ended = await run(folder)
      assertTold(ended, { code: 'PORT_IN_USE', says, hint: /server\.listen/ })
      assert.deepEqual(await leftovers(source, folder), NOTHING)
    } finally {
      holder.close()
    }
  })
})

describe('what does not keep a task from running', () => {
  test('is told once, with what to do about it', async () => {
    await using source = await testDatabase()
    await source.query(`${TABLE}; create unlogged table app.fleeting (id int primary key)`)
    await using folder = await taskFolder(source.url, {})
    const { code, stdout } = await run(folder)
    assert.equal(code, 0)
    const lines = stdout.trimEnd().split('\n')
    const told = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    const warnings = told.filter(({ level }) => level === 'warn')
    assert.equal(warnings.length, 1, stdout)
    assert.match(String(warnings[0]!['message']), /^source: .*app\.fleeting.*unlogged/)
    assert.match(String(warnings[0]!['hint']), /SET LOGGED/)
  })
})

describe('a full disk', () => {
  test('ends a start', async (t) => {
    await using disk = await smallDisk('1m')
    if (disk === null) return t.skip('needs root and the right to mount a tmpfs')
    await using source = await testDatabase()
    await source.query(TABLE)
    await disk.fill()
    await using folder = await taskFolder(source.url, { lake: { url: join(disk.path, 'lake') } })
    const ended = await run(folder)
    assertTold(ended, { code: 'DISK_FULL', says: /ENOSPC/, hint: /free some space/ })
    assert.equal((await leftovers(source, folder)).slots, 0)
  })

  test('holds a running task up, which goes on when there is room again', async (t) => {
    await using disk = await smallDisk('2m')
    if (disk === null) return t.skip('needs root and the right to mount a tmpfs')
    await using source = await testDatabase()
    await source.query(TABLE)
    const lake = join(disk.path, 'lake')
    const sections = { lake: { url: lake, format: 'csv', flush: { every: '100ms' } } }
    await using folder = await taskFolder(source.url, sections)
    await using child = startCli(['run', '--config', folder.config])
    await child.line('capture began to stream')
    await source.query(
      `insert into app.t select g, repeat('x', 90) from generate_series(1, 30000) g`,
    )
    const { level, code, hint } = await child.line('capture interrupted')
    assert.deepEqual([level, code], ['warn', 'DISK_FULL'])
    assert.match(String(hint), /free some space/)
    const from = child.lines.length
    await disk.resize('64m')
    await child.line('capture began to stream', from)
    assert.equal((await child.end('SIGINT')).code, 0)
    assert.equal((await run(folder)).code, 0)
    assert.deepEqual(differencesIn(await compareAll(source, folder.warehouse)), [])
    assert.deepEqual((await auditLake(lake)).drafts, [])
  })
})

function run({ config }: TaskFolder): Promise<Ended> {
  return runCli(['run', '--config', config, '--until-caught-up'])
}

interface Told {
  readonly code: string
  readonly says: RegExp
  readonly hint: RegExp | null
  readonly exitCode?: 1 | 2
}

/** Code and cause, what to do, where to read more, each on a line, and never a stack. */
function assertTold(ended: Ended, { code, says, hint, exitCode = 1 }: Told): void {
  const { stderr } = ended
  assert.equal(ended.code, exitCode, stderr)
  const [first = '', ...others] = stderr.trimEnd().split('\n')
  assert.ok(first.startsWith(`millrace: ${code}  `), stderr)
  assert.match(first, says)
  const [todo, ...rest] = others.slice(0, -1)
  if (hint === null) assert.equal(todo, undefined)
  else assert.match(todo ?? '', hint)
  assert.deepEqual(rest, [])
  assert.equal(others.at(-1), `  see docs/errors.md#${code.toLowerCase()}`)
}

async function leftovers(
  source: TestDatabase,
  { lake, warehouse }: TaskFolder,
): Promise<Leftovers> {
  const [{ slots, publications } = {}] = await source.query(
    `select (select count(*)::int from pg_replication_slots where database = current_database()) as slots,
            (select count(*)::int from pg_publication) as publications`,
  )
  return {
    slots: Number(slots),
    publications: Number(publications),
    lake: existsSync(lake) ? await readdir(lake, { recursive: true }) : [],
    warehouse: existsSync(warehouse),
  }
}
