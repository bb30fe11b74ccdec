/**
 * PostgreSQL as a target, from the outside: a random load, kills of the program and of its connections
 * to the target, and in the end every row.
 */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { compareTables, type TableComparison } from '../../src/demo/compare.ts'
import { seededRandom } from '../../src/demo/random.ts'
import { connect } from '../../src/postgres/connect.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { runCli, startCli } from './support/cli.ts'
import { createMillTables } from './support/mill-tables.ts'
import { startRandomLoad } from './support/random-load.ts'
import { taskFolder, type TaskFolder } from './support/task-folder.ts'
import { differencesIn } from './support/warehouse.ts'

const SEED = Number(process.env['CRASH_SEED'] ?? Math.trunc(Math.random() * 1e6))
const KILLS = Number(process.env['CRASH_KILLS'] ?? 4)

describe('a PostgreSQL target', () => {
  test('has every row in the end, whatever was killed and whenever', async (t) => {
    t.diagnostic(`CRASH_SEED=${SEED} CRASH_KILLS=${KILLS}`)
    const random = seededRandom(SEED)
    await using source = await testDatabase()
    await using mirror = await testDatabase()
    await createMillTables(source)
    await using folder = await taskFolder(source.url, {
      source: { lookEvery: '100ms' },
      lake: { flush: { every: '100ms', rows: 500 } },
      targets: { mirror: { type: 'postgres', url: mirror.url, interval: '50ms' } },
    })
    await using load = startRandomLoad(source.url, SEED)
    for (let i = 0; i < KILLS; i++) {
      await using child = startCli(['run', '--config', folder.config])
      await child.line('target began to apply')
      for (let k = 0; k < 3; k++) {
        await sleep(random.upTo(500))
        await breakConnections(mirror)
      }
      await sleep(random.upTo(500))
      await child.end('SIGKILL')
    }
    await load.stop()
    await catchUp(folder)
    assert.deepEqual(differencesIn(await compare(source, mirror)), [])
  })

  test('gets the tables that are selected, and doctor finds nothing wrong with it', async () => {
    await using source = await testDatabase()
    await using mirror = await testDatabase()
    await source.query(`create schema app; create table app.a (id int primary key, x text);
      create table app.b (id int primary key); insert into app.a values (1, 'x');
      insert into app.b values (1)`)
    const target = { type: 'postgres', url: 'file:./mirror-url', interval: '50ms' }
    await using folder = await taskFolder(source.url, {
      targets: { mirror: { ...target, tables: ['app.a'] } },
    })
    await writeFile(join(folder.path, 'mirror-url'), mirror.url)
    const doctor = await runCli(['doctor', '--config', folder.config])
    assert.match(doctor.stdout, /mirror: .* can be written/)
    assert.equal(doctor.code, 0, doctor.stdout)
    await catchUp(folder)
    await source.query(`update app.a set x = 'y'; insert into app.b values (2)`)
    await catchUp(folder)
    assert.deepEqual(await mirror.query('select * from app.a'), [{ id: 1, x: 'y' }])
    assert.deepEqual(await mirror.query(`select to_regclass('app.b') as b`), [{ b: null }])
    await folder.configure({ targets: { mirror: target } })
    await catchUp(folder)
    assert.deepEqual(await mirror.query('select * from app.b order by id'), [{ id: 1 }, { id: 2 }])
  })

  test('that is away holds up neither capture nor other targets', async () => {
    await using source = await testDatabase()
    await source.query(`create schema app; create table app.a (id int primary key)`)
    await using folder = await taskFolder(source.url, {
      targets: {
        local: { type: 'duckdb', path: './warehouse.duckdb', interval: '50ms' },
        mirror: { type: 'postgres', url: 'postgres://me@127.0.0.1:1/nowhere', interval: '50ms' },
      },
    })
    await using child = startCli(['run', '--config', folder.config])
    assert.equal((await child.line('target interrupted'))['target'], 'mirror')
    assert.equal((await child.line('table joined'))['target'], 'local')
    await child.line('capture began to stream')
    assert.equal((await child.end('SIGINT')).code, 0)
  })
})

async function catchUp({ config }: TaskFolder): Promise<void> {
  const ended = await runCli(['run', '--config', config, '--until-caught-up'])
  assert.equal(ended.code, 0, ended.stderr + ended.stdout)
}

async function breakConnections(mirror: TestDatabase): Promise<void> {
  await mirror.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = $1 and application_name like 'millrace %'`,
    [mirror.name],
  )
}

/** Every table of the schema `app`. */
async function compare(source: TestDatabase, mirror: TestDatabase): Promise<TableComparison[]> {
  const rows = await source.query(
    `select tablename as name from pg_tables where schemaname = 'app' order by 1`,
  )
  const tables = rows.map(({ name }) => ({ namespace: 'app', name: String(name) }))
  const client = await connect({ url: mirror.url, applicationName: 'test' })
  try {
    const query = async (sql: string): Promise<unknown[][]> =>
      (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows
    return await compareTables(await source.client(), query, tables)
  } finally {
    await client.end()
  }
}
