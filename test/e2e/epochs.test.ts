/**
 * Something was lost that the lake cannot get any more, and the ways out of it: `resync --all` on the
 * same server, `move` to another one. In the end source and warehouse are equal.
 */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import pg from 'pg'

import type { Manifest } from '../../src/core/manifest.ts'
import { HAS_FAILOVER_SLOTS, Pair } from '../integration/support/standby.ts'
import { testDatabase, testServer, type TestDatabase } from '../support/postgres.ts'
import { runCli, startCli, type Ended } from './support/cli.ts'
import { auditLake, readManifests } from './support/lake-audit.ts'
import { createMillTables } from './support/mill-tables.ts'
import { startRandomLoad } from './support/random-load.ts'
import { taskFolder, type TaskFolder } from './support/task-folder.ts'
import { compareAll, differencesIn, queryWarehouse } from './support/warehouse.ts'

const SOON = { source: { lookEvery: '100ms' } }
const TABLE = `create schema app; create table app.t (id int primary key, x text);
  insert into app.t select g, 'x' || g from generate_series(1, 1000) g`

function millrace(folder: TaskFolder, ...words: string[]): Promise<Ended> {
  return runCli([...words, '--config', folder.config])
}

async function done(folder: TaskFolder, ...words: string[]): Promise<string> {
  const { code, stderr, stdout } = await millrace(folder, ...words)
  assert.equal(code, 0, stderr + stdout)
  return stdout
}

async function refused(folder: TaskFolder, code: string, hint: RegExp): Promise<void> {
  const ended = await millrace(folder, 'run', '--until-caught-up')
  assert.equal(ended.code, 1)
  assert.match(ended.stderr, new RegExp(code))
  assert.match(ended.stderr, hint)
}

async function endsEqual(
  source: Pick<TestDatabase, 'client'>,
  folder: TaskFolder,
): Promise<readonly Manifest[]> {
  await done(folder, 'run', '--until-caught-up')
  assert.deepEqual(differencesIn(await compareAll(source, folder.warehouse)), [])
  const { manifests } = await auditLake(folder.lake)
  return manifests
}

function epochsIn(manifests: readonly Manifest[]): number[] {
  return [...new Set(manifests.map(({ epoch }) => epoch))]
}

async function dropSlot(source: TestDatabase, { slot }: TaskFolder): Promise<void> {
  const sql = `select pg_drop_replication_slot('${slot}') from pg_replication_slots
                where slot_name = '${slot}' and not active`
  while ((await source.query(sql)).length === 0);
}

async function countOf(folder: TaskFolder, table: string): Promise<number> {
  const rows = await queryWarehouse(folder.warehouse, (query) =>
    query(`select count(*) from ${table}`),
  )
  return Number(rows[0]![0])
}

describe('a slot that is gone', () => {
  test('while rows change is made anew by resync --all, and all tables are loaded again', async () => {
    await using source = await testDatabase()
    await createMillTables(source)
    await using folder = await taskFolder(source.url, SOON)
    await done(folder, 'run', '--until-caught-up')
    await using load = startRandomLoad(source.url, 23)
    await dropSlot(source, folder)
    await refused(folder, 'SLOT_LOST', /millrace resync --all/)
    const doctor = await millrace(folder, 'doctor')
    assert.equal(doctor.code, 1)
    assert.match(doctor.stdout, /SLOT_LOST/)
    const before = await countOf(folder, 'app.bulk')

    const { epoch, code, tables } = JSON.parse(await done(folder, 'resync', '--all', '--json'))
    assert.deepEqual([epoch, code, tables.length], [2, 'SLOT_LOST', 7])
    // What the targets have stays readable until the new rows are there.
    assert.equal(await countOf(folder, 'app.bulk'), before)

    // Killed in the middle of the loads, it begins those again that had not ended.
    await using killed = startCli(['run', '--config', folder.config])
    await killed.line('reload began')
    await killed.end('SIGKILL')
    await using child = startCli(['run', '--config', folder.config])
    await child.line('capture began to stream')
    await load.stop()
    assert.ok(load.commits > 0)
    assert.equal((await child.end('SIGINT')).code, 0)
    assert.deepEqual(epochsIn(await endsEqual(source, folder)), [1, 2])
    assert.match((await millrace(folder, 'doctor')).stdout, /goes on from where the lake ends/)
  })

  test('is no reason to wait for a table that is gone, too', async () => {
    await using source = await testDatabase()
    await source.query(TABLE)
    await source.query(
      'create table app.gone (id int primary key); insert into app.gone values (1)',
    )
    await using folder = await taskFolder(source.url, SOON)
    await done(folder, 'run', '--until-caught-up')
    await dropSlot(source, folder)
    await source.query(`drop table app.gone; create table app.later (id int primary key);
      insert into app.later values (1), (2)`)
    assert.match(await done(folder, 'resync', '--all'), /left in the targets: app\.gone/)
    await endsEqual(source, folder)
    assert.equal(await countOf(folder, 'app.gone'), 1)
    // It comes back with other rows.
    await source.query(
      'create table app.gone (id int primary key); insert into app.gone values (7)',
    )
    await endsEqual(source, folder)
  })
})

describe('resync --all', () => {
  test('of a task that is well loads all tables beside the live ones, in the same epoch', async () => {
    await using source = await testDatabase()
    await source.query(`${TABLE}; create table app.u (id int primary key);
      insert into app.u values (1)`)
    await using folder = await taskFolder(source.url, SOON)
    await using child = startCli(['run', '--config', folder.config])
    for (let from = 0, i = 0; i < 2; i++) {
      from = child.lines.indexOf(await child.line('table joined', from)) + 1
    }
    const from = child.lines.length
    assert.match(await done(folder, 'resync', '--all'), /2 tables will be loaded again/)
    await source.query(`update app.t set x = 'later' where id <= 10`)
    const first = await child.line('table joined', from)
    const second = await child.line('table joined', child.lines.indexOf(first) + 1)
    const tables = [first, second].map((line) => String(line['table']))
    assert.deepEqual(tables.toSorted(), ['app.t', 'app.u'])
    assert.equal((await child.end('SIGINT')).code, 0)
    const manifests = await endsEqual(source, folder)
    assert.deepEqual(epochsIn(manifests), [1])
    assert.equal((await millrace(folder, 'move')).code, 2)
  })

  test('wants one table or all of them', async () => {
    await using folder = await taskFolder('postgres://nobody@localhost/nothing', {})
    for (const words of [['resync'], ['resync', 'app.t', '--all']]) {
      const { code, stderr } = await millrace(folder, ...words)
      assert.equal(code, 2)
      assert.match(stderr, /name one table, or say --all/)
    }
  })

  test('goes on from a slot that somebody else has moved', async () => {
    await using source = await testDatabase()
    await source.query(TABLE)
    await using folder = await taskFolder(source.url, SOON)
    await done(folder, 'run', '--until-caught-up')
    // A slot is moved no further than to what is on disk, for which the server of the tests does not wait.
    await source.query('set synchronous_commit = on')
    await source.query(`update app.t set x = 'unseen' where id = 1`)
    await source.query(
      `select pg_replication_slot_advance('${folder.slot}', pg_current_wal_insert_lsn())`,
    )
    await refused(folder, 'SLOT_MOVED', /millrace resync --all/)
    await done(folder, 'resync', '--all')
    assert.deepEqual(epochsIn(await endsEqual(source, folder)), [1, 2])
  })
})

describe('move', () => {
  // Tables are known by their OIDs, and those of another server mean other tables.
  test('goes on with another server, though its OIDs are those of other tables', async () => {
    await using one = await testServer()
    await using two = await testServer()
    await using old = await one.database()
    await using next = await two.database()
    const table = (name: string): string =>
      `create table app.${name} (id int primary key, x text);
       insert into app.${name} select g, '${name}' || g from generate_series(1, 100) g`
    await old.query(`create schema app; ${table('a')}; ${table('b')}; ${table('gone')}`)
    await next.query(`create schema app; ${table('b')}; ${table('a')}; ${table('fresh')}`)
    const oid = async (db: TestDatabase, name: string): Promise<unknown> =>
      (await db.query(`select 'app.${name}'::regclass::oid as oid`))[0]!['oid']
    assert.equal(await oid(old, 'a'), await oid(next, 'b'))
    await next.query(`delete from app.a where id > 50; update app.b set x = 'other'`)

    await using folder = await taskFolder(old.url, SOON)
    await done(folder, 'run', '--until-caught-up')
    await writeFile(join(folder.path, 'source-url'), next.url)
    await refused(folder, 'SOURCE_CHANGED', /millrace move/)
    const resync = await millrace(folder, 'resync', '--all')
    assert.equal(resync.code, 1)
    assert.match(resync.stderr, /SOURCE_CHANGED/)

    const log = await readManifests(folder.lake)
    const plan = await millrace(folder, 'move')
    assert.equal(plan.code, 3)
    assert.match(plan.stdout, /SOURCE_CHANGED[^]*3 tables, again[^]*app\.gone[^]*--yes/)
    assert.equal((await readManifests(folder.lake)).length, log.length)
    const slots = await next.query('select 1 from pg_replication_slots')
    assert.equal(slots.length, 0)

    await done(folder, 'move', '--yes')
    await next.query(
      `update app.a set x = 'since' where id < 10; delete from app.fresh where id = 1`,
    )
    assert.deepEqual(epochsIn(await endsEqual(next, folder)), [1, 2])
    // The stream of the new server, and not only its loads; and once more after a restart.
    await next.query(`update app.a set x = 'streamed'; delete from app.b where id = 2`)
    await endsEqual(next, folder)
    assert.equal(await countOf(folder, 'app.gone'), 100)

    // The old server is another one now.
    await writeFile(join(folder.path, 'source-url'), old.url)
    await refused(folder, 'SOURCE_CHANGED', /millrace move/)
    await done(folder, 'move', '--yes')
    assert.deepEqual(epochsIn(await endsEqual(old, folder)), [1, 2, 3])
  })

  if (HAS_FAILOVER_SLOTS) {
    test('goes on with a standby that was promoted with less than the lake holds', async () => {
      await using pair = await Pair.start({ keepsTogether: false })
      await pair.onPrimary(TABLE)
      // The standby's copy of the slot becomes good only while the slot moves.
      const sections = { source: { failover: true, heartbeat: '100ms' } }
      await using folder = await taskFolder(pair.primary, sections)
      {
        await using child = startCli(['run', '--config', folder.config])
        await child.line('table joined')
        await pair.synced(folder.slot)
        assert.equal((await child.end('SIGINT')).code, 0)
      }
      await pair.stopStandby()
      await pair.onPrimary(`update app.t set x = 'lost' where id <= 5`)
      await done(folder, 'run', '--until-caught-up')
      await pair.crashPrimary()
      await pair.startStandby()
      await pair.promote()
      await writeFile(join(folder.path, 'source-url'), pair.standby)
      await refused(folder, 'TIMELINE_DIVERGED', /millrace move/)
      await pair.onStandby(`update app.t set x = 'kept' where id = 7`)
      await done(folder, 'move', '--yes')
      await using standby = clientsOf(pair.standby)
      const manifests = await endsEqual(standby, folder)
      assert.deepEqual(epochsIn(manifests), [1, 2])
      assert.equal(manifests.at(-1)!.timeline, 2)
    })
  }
})

function clientsOf(url: string): Pick<TestDatabase, 'client'> & AsyncDisposable {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  return {
    client: async () => {
      await client.connect()
      return client
    },
    [Symbol.asyncDispose]: () => client.end(),
  }
}
