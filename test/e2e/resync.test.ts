/**
 * Tables that are loaded while the others flow: new ones, and those that somebody asked for again.
 *
 * `source.lookEvery` is short here, so that nobody waits for the next look.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Entry, Manifest } from '../../src/core/manifest.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { runCli, startCli, type CliProcess } from './support/cli.ts'
import { auditLake, readManifests, untilManifests } from './support/lake-audit.ts'
import { createMillTables } from './support/mill-tables.ts'
import { startRandomLoad } from './support/random-load.ts'
import { taskFolder, type TaskFolder } from './support/task-folder.ts'
import { compareAll, differencesIn } from './support/warehouse.ts'

const TABLE = `create schema app; create table app.old (id int primary key, x text);
  insert into app.old select g, 'x' || g from generate_series(1, 1000) g`
const NEW_TABLE = `create table app.new (id int primary key, x text);
  insert into app.new select g, 'n' || g from generate_series(1, 1000) g`

const SOON = { source: { lookEvery: '100ms' } }

describe('a table that begins to match while the task runs', () => {
  test('is loaded and streamed without a restart', async () => {
    await using source = await testDatabase()
    await source.query(TABLE)
    await using folder = await taskFolder(source.url, SOON)
    await using child = startCli(['run', '--config', folder.config])
    await child.line('table joined')
    const from = child.lines.length
    await source.query(NEW_TABLE)
    assert.equal((await child.line('table joined', from))['table'], 'app.new')
    await source.query(`update app.new set x = 'later' where id <= 10;
      delete from app.new where id > 990; update app.old set x = 'later' where id = 1`)
    await untilManifests(folder.lake, (all) => changesOf(all, 'app.new') === 20)
    assert.equal((await child.end('SIGINT')).code, 0)
    assert.deepEqual(generationsIn(await readManifests(folder.lake)), 1)
    await endsEqual(source, folder)
  })

  test('does not stop the others if it has no key', async () => {
    await using source = await testDatabase()
    await source.query(TABLE)
    await using folder = await taskFolder(source.url, SOON)
    await using child = startCli(['run', '--config', folder.config])
    await child.line('table joined')
    await source.query('create table app.keyless (x text)')
    const { level, code } = await child.line('table refused')
    assert.equal(level, 'error')
    assert.equal(code, 'TABLE_WITHOUT_KEY')
    await source.query(`update app.old set x = 'later' where id <= 10`)
    await untilManifests(folder.lake, (all) => changesOf(all, 'app.old') === 10)
    // Once it has one, nothing else has to be done.
    const from = child.lines.length
    await source.query('alter table app.keyless add column id serial primary key')
    assert.equal((await child.line('table joined', from))['table'], 'app.keyless')
    assert.equal((await child.end('SIGINT')).code, 0)
    await endsEqual(source, folder)
  })
})

describe('millrace resync', () => {
  test('loads tables again beside the live ones while they change', async () => {
    await using source = await testDatabase()
    await createMillTables(source)
    await using folder = await taskFolder(source.url, SOON)
    await using child = startCli(['run', '--config', folder.config])
    await joined(child, { tables: ALL, from: 0 })
    await using load = startRandomLoad(source.url, 17)
    for (const table of ['app.toasted', 'app.bulk', 'app.index_identity']) {
      const from = child.lines.length
      await resync(folder, [table])
      await joined(child, { tables: [table], from })
    }
    await load.stop()
    assert.equal((await child.end('SIGINT')).code, 0)
    assert.ok(load.commits > 0)
    await endsEqual(source, folder)
  })

  test('loads a table again for one of two targets only', async () => {
    await using source = await testDatabase()
    await source.query(TABLE)
    const target = (path: string) => ({ type: 'duckdb', path, interval: '100ms' })
    const targets = { local: target('./warehouse.duckdb'), other: target('./other.duckdb') }
    await using folder = await taskFolder(source.url, { ...SOON, targets })
    await using child = startCli(['run', '--config', folder.config])
    await untilJoined(child, 2)
    const from = child.lines.length
    await resync(folder, ['app.old', '--target', 'other'])
    assert.equal((await child.line('table joined', from))['target'], 'other')
    await source.query(`update app.old set x = 'later' where id <= 10`)
    await untilManifests(folder.lake, (all) => changesOf(all, 'app.old') === 10)
    assert.equal((await child.end('SIGINT')).code, 0)
    await endsEqual(source, folder)
    const other = folder.warehouse.replace('warehouse', 'other')
    assert.deepEqual(differencesIn(await compareAll(source, other)), [])
    const begun = entriesIn(await readManifests(folder.lake)).flatMap((entry) =>
      entry.type === 'load-begin' ? [entry.for] : [],
    )
    assert.deepEqual(begun, ['all', ['mill/other']])
    const whose = child.lines.filter(({ message }) => message === 'table joined')
    assert.deepEqual(whose.map((line) => String(line['target'])).toSorted(), [
      'local',
      'other',
      'other',
    ])
  })
})

const ALL = [
  'bulk',
  'composite',
  'full_identity',
  'index_identity',
  'serial_rows',
  'text_keys',
  'toasted',
].map((name) => `app.${name}`)

async function resync({ config }: TaskFolder, words: readonly string[]): Promise<void> {
  const { code, stderr } = await runCli(['resync', ...words, '--config', config])
  assert.equal(code, 0, stderr)
}

/** Each of the tables has joined, after so many lines. */
async function joined(
  child: CliProcess,
  { tables, from }: { tables: readonly string[]; from: number },
): Promise<void> {
  const missing = new Set(tables)
  for (let at = from; missing.size > 0;) {
    const line = await child.line('table joined', at)
    missing.delete(String(line['table']))
    at = child.lines.indexOf(line) + 1
  }
}

async function untilJoined(child: CliProcess, times: number): Promise<void> {
  let from = 0
  for (let i = 0; i < times; i++) {
    from = child.lines.indexOf(await child.line('table joined', from)) + 1
  }
}

function entriesIn(manifests: readonly Manifest[]): readonly Entry[] {
  return manifests.flatMap(({ entries }) => entries)
}

function changesOf(manifests: readonly Manifest[], table: string): number {
  let count = 0
  for (const entry of entriesIn(manifests)) {
    if (entry.type !== 'changes' || entry.table !== table) continue
    count += entry.rows.i + entry.rows.u + entry.rows.d
  }
  return count
}

function generationsIn(manifests: readonly Manifest[]): number {
  return manifests.filter(({ kind }) => kind === 'open').length
}

async function endsEqual(source: TestDatabase, folder: TaskFolder): Promise<void> {
  const { code, stdout, stderr } = await runCli([
    'run',
    '--config',
    folder.config,
    '--until-caught-up',
  ])
  assert.equal(code, 0, stderr + stdout)
  assert.deepEqual(differencesIn(await compareAll(source, folder.warehouse)), [])
  await auditLake(folder.lake)
}
