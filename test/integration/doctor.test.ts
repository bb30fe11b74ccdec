/** `millrace doctor` against real servers, lakes and files. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'

import { runCli, startCli } from '../e2e/support/cli.ts'
import { taskFolder, type TaskFolder } from '../e2e/support/task-folder.ts'
import { testDatabase, testServer } from '../support/postgres.ts'
import { millrace } from '../unit/cli/support.ts'
import { sourceOf } from './support/source.ts'

const TABLE = 'create schema app; create table app.t (id int primary key)'

interface Found {
  readonly errors: number
  readonly warnings: number
  readonly checks: readonly {
    readonly area: string
    readonly severity: string
    readonly code: string | null
    readonly message: string
    readonly cure: string | null
  }[]
}

async function doctor({ config }: TaskFolder): Promise<Found & { exitCode: number }> {
  const { exitCode, stdout, stderr } = await millrace(['doctor', '--config', config, '--json'])
  assert.equal(stderr, '')
  return { exitCode, ...(JSON.parse(stdout) as Found) }
}

function wrong({ checks }: Found): string[] {
  return checks
    .filter(({ severity }) => severity !== 'ok')
    .map(({ area, code, message }) => `${area} ${code ?? 'warning'}: ${message}`)
}

describe('doctor', () => {
  test('prints the DDL trigger, and needs no configuration for that', async () => {
    const { exitCode, stdout, stderr } = await millrace(['doctor', '--ddl-trigger'])
    assert.deepEqual([exitCode, stderr], [0, ''])
    assert.match(stdout, /^-- Millrace: /)
    assert.match(stdout, /\nCREATE EVENT TRIGGER millrace_table_rewrite ON table_rewrite\n/)
  })

  test('says that all is well before the first start, and makes nothing', async () => {
    await using source = await testDatabase()
    await source.query(TABLE)
    await using folder = await taskFolder(source.url, {})
    const { exitCode, stdout } = await millrace(['doctor', '--config', folder.config])
    assert.match(stdout, /^configuration\n {2}✓ .*millrace\.yaml is valid\n/)
    assert.match(stdout, /\n {2}✓ wal_level is logical\n/)
    assert.match(stdout, /\nlake\n {2}✓ .*lake will be made at the first start\n/)
    assert.match(
      stdout,
      /\ntargets\n {2}✓ local: .*warehouse\.duckdb will be made\n\nall is well\n$/,
    )
    assert.equal(exitCode, 0)
    assert.equal(existsSync(folder.lake) || existsSync(folder.warehouse), false)
    const made = await source.query(
      `select slot_name from pg_replication_slots where database = current_database()
       union all select pubname from pg_publication`,
    )
    assert.deepEqual(made, [])
  })

  test('finds everything at once, with what to do about each', async () => {
    await using server = await testServer({ wal_level: 'replica', max_wal_senders: '2' })
    await using source = await server.database()
    await source.query(`${TABLE}; create table app.keyless (x int); create unlogged table app.u (id int primary key);
      create table app.late (id int primary key deferrable);
      create role poor_${source.name} login password 'x'`)
    const url = new URL(source.url)
    url.username = `poor_${source.name}`
    url.password = 'x'
    await using folder = await taskFolder(url.href, { source: { tables: ['app.*', 'app.gone'] } })
    const found = await doctor(folder)
    assert.deepEqual(
      found.checks.filter(({ severity }) => severity === 'error').map(({ code }) => code),
      [
        'WAL_LEVEL',
        'NO_REPLICATION_RIGHT',
        'TABLE_WITHOUT_KEY',
        'TABLE_WITHOUT_KEY',
        'PERMISSION_DENIED',
        'PERMISSION_DENIED',
      ],
    )
    assert.equal(found.warnings, 2)
    assert.equal(found.exitCode, 1)
    const run = await runCli(['run', '--config', folder.config])
    assert.equal(run.code, 1)
    assert.match(
      run.stderr,
      /^millrace: WAL_LEVEL {2}6 things keep the source from being replicated:/,
    )
    for (const { severity, cure } of found.checks) {
      if (severity === 'error') assert.ok(run.stderr.includes(cure!), cure!)
    }
  })

  test('says what its statements cure: after them all is well', async () => {
    await using source = await testDatabase()
    const poor = `poor_${source.name}`
    await source.query(`${TABLE}; create role ${poor} login password 'x'`)
    const url = new URL(source.url)
    url.username = poor
    url.password = 'x'
    await using folder = await taskFolder(url.href, {})
    const before = await doctor(folder)
    assert.equal(before.errors, 3)
    for (const { severity, cure } of before.checks) {
      if (severity === 'error')
        await source.query(cure!.replace(/^run[^:]*: /, '').replaceAll('; ', ';\n'))
    }
    // The publication that its owner made has the name of ours, and all that it needs.
    assert.deepEqual(wrong(await doctor(folder)), [])
    await source.query(`drop owned by ${poor}; drop role ${poor}`)
  })

  test('knows a task that runs, and a file that another has', async () => {
    await using source = await testDatabase()
    await source.query(TABLE)
    await using folder = await taskFolder(source.url, {})
    await using task = startCli(['run', '--config', folder.config])
    await task.line('capture began to stream')
    const running = await doctor(folder)
    assert.deepEqual(wrong(running), [])
    assert.ok(running.checks.some(({ message }) => /the task is running/.test(message)))
    assert.equal(running.exitCode, 0)
    assert.equal((await task.end('SIGINT')).code, 0)
    assert.deepEqual(wrong(await doctor(folder)), [])

    // A slot that is not there is one thing before the first start, and another after it.
    const [{ slot } = {}] = await source.query(
      'select slot_name as slot from pg_replication_slots where database = current_database()',
    )
    await source.query('select pg_drop_replication_slot($1)', [slot])
    const found = await doctor(folder)
    assert.deepEqual(wrong(found), [
      'lake SLOT_LOST: the replication slot is gone, and the lake goes on from it',
    ])
    assert.equal(found.exitCode, 1)
  })

  test('tells of a source that is away, and still looks at the rest', async () => {
    await using folder = await taskFolder('postgres://mill:x@127.0.0.1:1/shop', {})
    const found = await doctor(folder)
    assert.deepEqual(
      found.checks.map(({ area, severity, code }) => [area, severity, code]),
      [
        ['configuration', 'ok', null],
        ['source', 'error', 'CONNECTION_LOST'],
        ['lake', 'ok', null],
        ['lake', 'ok', null],
        ['targets', 'ok', null],
      ],
    )
  })

  test('tells of a lake of another task, which it leaves alone', async () => {
    await using source = await testDatabase()
    await source.query(TABLE)
    await using folder = await taskFolder(source.url, {})
    const caughtUp = await runCli(['run', '--config', folder.config, '--until-caught-up'])
    assert.equal(caughtUp.code, 0, caughtUp.stderr)
    await folder.configure({ task: 'other', source: { slot: folder.slot } })
    const [foreign] = wrong(await doctor(folder))
    assert.match(foreign!, /^lake LAKE_FOREIGN: .* belongs to task mill/)
  })

  test('ends with 3 where there are only warnings', async () => {
    await using source = await testDatabase()
    await source.query(`${TABLE}; create unlogged table app.cache (id int primary key)`)
    await using folder = await taskFolder(source.url, {})
    const { exitCode, stdout } = await millrace(['doctor', '--config', folder.config])
    assert.match(
      stdout,
      /\n {2}! app\.cache is an unlogged table: .*\n {6}what to do: run: ALTER TABLE/,
    )
    assert.match(stdout, /\n0 errors, 1 warning\n$/)
    assert.equal(exitCode, 3)
  })
})

describe('a look at a source', () => {
  test('waits for nobody who alters a table', async () => {
    await using source = await testDatabase()
    await source.query(TABLE)
    const other = await source.client()
    await other.query('begin; alter table app.t add column x int')
    const { checks } = await sourceOf(source).examine()
    assert.deepEqual(
      checks.flatMap(({ findings }) => findings),
      [],
    )
    await other.query('rollback')
  })

  test('sees the key of an index without what it only includes', async () => {
    await using source = await testDatabase()
    await source.query(
      'create schema app; create table app.t (x int, id int, primary key (id) include (x))',
    )
    const { facts } = await sourceOf(source).examine()
    assert.deepEqual(facts.tables[0]!.key, ['id'])
  })
})
