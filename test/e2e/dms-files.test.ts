/**
 * Files as AWS DMS writes them, from the outside: a source, the program, a folder.
 *
 *   CRASH_SEED=17 CRASH_KILLS=50 node --import tsx --test test/e2e/dms-files.test.ts
 */

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { seededRandom, type Random } from '../../src/demo/random.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { runCli, startCli } from './support/cli.ts'
import { filesUnder, OneWriter } from './support/dms-lines.ts'
import { taskFolder, type TaskFolder } from './support/task-folder.ts'

const SEED = Number(process.env['CRASH_SEED'] ?? Math.trunc(Math.random() * 1e6))
const KILLS = Number(process.env['CRASH_KILLS'] ?? 5)

describe('a target of files as DMS writes them', () => {
  test('ends the task of the article with one file of its three changes (doc)', async () => {
    await using source = await testDatabase()
    await source.query(`create schema app;
      create table app.orders (id int primary key, status text, total numeric(10,2));
      insert into app.orders values (2, 'old', 1), (3, 'new', 2)`)
    await using folder = await filesFolder(source, 'cdc', 'addColumnName=true;')
    await caughtUp(folder)
    await source.query(`insert into app.orders values (1, 'paid', 9.50)`)
    await source.query(`delete from app.orders where id = 2`)
    await source.query(`update app.orders set status = 'sent' where id = 3`)
    await caughtUp(folder)
    const files = await filesUnder(join(folder.path, 'files'))
    assert.deepEqual(Object.values(files), [
      'Op,id,status,total\nI,1,paid,9.50\nD,2,,\nU,3,sent,2.00\n',
    ])
    assert.match(Object.keys(files)[0]!, /^app\/orders\/\d{8}-\d{9}\.csv$/)
  })

  test('writes all that is there when it is stopped, and nothing of it again', async () => {
    await using source = await testDatabase()
    await source.query(`create schema app; create table app.orders (id int primary key);
      insert into app.orders values (1)`)
    await using folder = await filesFolder(source, 'full-load-and-cdc', 'cdcMaxBatchInterval=3600')
    await using child = startCli(['run', '--config', folder.config])
    await child.line('capture began to stream')
    await source.query('insert into app.orders values (2)')
    while (!(await hasRow(folder))) await sleep(50)
    assert.equal((await child.end('SIGTERM')).code, 0)
    const files = await filesUnder(join(folder.path, 'files'))
    assert.deepEqual(Object.values(files).toSorted(), ['1\n', 'I,2\n'])
    await caughtUp(folder)
    assert.deepEqual(await filesUnder(join(folder.path, 'files')), files)
  })

  test('tells settings that DMS does not have, and notes those that have no effect', async () => {
    await using source = await testDatabase()
    await source.query(`create schema app; create table app.orders (id int primary key)`)
    await using folder = await filesFolder(source, 'cdc', 'addColumnNames=true;')
    const wrong = await runCli(['doctor', '--config', folder.config])
    assert.match(wrong.stderr + wrong.stdout, /DMS has no setting "addColumnNames"/)
    await using other = await filesFolder(source, 'cdc', 'bucketName=b')
    const noted = await runCli(['doctor', '--config', other.config])
    assert.match(noted.stdout, /bucketName has no effect: url says where the files go/)
    assert.match(noted.stdout, /files: .* can be written/)
  })

  for (const mode of ['cdc', 'full-load-and-cdc'] as const) {
    test(`has every line once in the end, whenever the program is killed (${mode})`, async (t) => {
      t.diagnostic(`CRASH_SEED=${SEED} CRASH_KILLS=${KILLS}`)
      const random = seededRandom(SEED)
      await using source = await testDatabase()
      await source.query('create schema app; create table app.t (id int primary key, v text)')
      const writer = new OneWriter(random)
      if (mode !== 'cdc') await writer.fill(source)
      const settings = 'cdcMaxBatchInterval=1;cdcMinFileSize=1;maxFileSize=4;compressionType=GZIP'
      await using folder = await filesFolder(source, mode, settings)
      if (mode === 'cdc') await caughtUp(folder)
      await killAgainAndAgain({ folder, source, writer, random })
      await caughtUp(folder)
      writer.check(await filesUnder(join(folder.path, 'files')))
    })
  }
})

async function filesFolder(source: TestDatabase, load: string, settings: string) {
  return taskFolder(source.url, {
    load,
    source: { lookEvery: '100ms' },
    lake: { flush: { every: '100ms', rows: 100 } },
    targets: { files: { type: 'dms-files', url: './files', settings } },
  })
}

interface Killed {
  readonly folder: TaskFolder
  readonly source: TestDatabase
  readonly writer: OneWriter
  readonly random: Random
}

async function killAgainAndAgain({ folder, source, writer, random }: Killed): Promise<void> {
  const isWriting = { now: true }
  const writing = (async () => {
    while (isWriting.now) {
      await writer.commit(source)
      await sleep(random.upTo(10))
    }
  })()
  for (let kill = 1; kill <= KILLS; kill++) {
    await using child = startCli(['run', '--config', folder.config])
    if (random.upTo(4) > 1) await child.line('capture began to stream')
    await sleep(random.upTo(2500))
    const { signal, stderr } = await child.end('SIGKILL')
    assert.equal(signal, 'SIGKILL', stderr)
  }
  isWriting.now = false
  await writing
}

async function caughtUp(folder: TaskFolder): Promise<void> {
  const { code, stderr, stdout } = await runCli([
    'run',
    '--config',
    folder.config,
    '--until-caught-up',
  ])
  assert.equal(code, 0, stderr + stdout)
}

/** Whether the change is in the lake. */
async function hasRow(folder: TaskFolder): Promise<boolean> {
  const names = await readdir(folder.lake, { recursive: true })
  return names.some((name) => name.includes('cdc') && name.endsWith('.csv.gz'))
}
