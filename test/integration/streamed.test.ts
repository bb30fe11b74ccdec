/**
 * Transactions that outgrow the server's memory: sent before they have ended, and in the lake as if
 * they had been sent whole.
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, watch } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'

import type { Source } from '../../src/capture/source.ts'
import { LogReader } from '../../src/lake/log/log-reader.ts'
import { Shapes } from '../../src/lake/shapes.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { startCli } from '../e2e/support/cli.ts'
import { auditLake, untilManifests } from '../e2e/support/lake-audit.ts'
import { taskFolder } from '../e2e/support/task-folder.ts'
import { testServer, type TestDatabase } from '../support/postgres.ts'
import { CaptureRun } from './support/capture-run.ts'
import { sourceOf } from './support/source.ts'

/** Before 14 the server waits for the end of a transaction, whatever its size. */
const MAY_STREAM = process.env['PG_VERSION']?.split('.')[0] !== '13'
const SMALL_MEMORY = { logical_decoding_work_mem: '64kB' }

test('positions and rows are the same, streamed or not', { timeout: 120_000 }, async () => {
  await using server = await testServer(SMALL_MEMORY)
  await using db = await server.database()
  await db.query('create table t (id int primary key, n int, note text)')
  const stores = { streamed: new MemoryStore(), whole: new MemoryStore() }
  const slot = (name: string) => ({
    slot: `${db.name}_${name}`,
    publication: { name: `${db.name}_${name}`, isOurs: true },
  })
  await using streamed = await CaptureRun.start(db, sourceOf(db, slot('s')), {
    store: stores.streamed,
  })
  await streamed.loaded()
  await using whole = await CaptureRun.start(db, unstreamed(sourceOf(db, slot('w'))), {
    store: stores.whole,
  })
  await whole.loaded()
  const spooled = MAY_STREAM ? firstFile(streamed.spoolPath) : Promise.resolve('')

  await interleaved(db, () => spooled)
  await streamed.caughtUp()
  await whole.caughtUp()

  const rows = await changesIn(stores.streamed)
  // Of one 3 x 3000; of the other 2 x 3000, a change of key, and 2999; none of what was rolled back.
  assert.equal(rows.length, 3 * 3000 + 2 * 3000 + 2 + 2999)
  assert.deepEqual(rows, await changesIn(stores.whole))
  assert.deepEqual(await readdir(streamed.spoolPath), [])
})

/** The same source, of which transactions come when they have ended. */
function unstreamed(source: Source): Source {
  return {
    catalog: source.catalog,
    prepare: () => source.prepare(),
    open: (options, signal) => source.open({ ...options, mayStream: false }, signal),
    snapshot: (signal) => source.snapshot(signal),
  }
}

/** Resolves to the name of the first file that comes into the folder. */
async function firstFile(folder: string): Promise<string> {
  const watcher = watch(folder)
  try {
    const [, name] = (await once(watcher, 'change')) as [string, string]
    return name
  } finally {
    watcher.close()
  }
}

/** Two that are committed in the other order, with savepoints, and one that is rolled back. */
async function interleaved(db: TestDatabase, spooled: () => Promise<string>): Promise<void> {
  const [a, b, c] = [await db.client(), await db.client(), await db.client()]
  const insert = (from: number) =>
    `insert into t select g, 0, repeat(md5(g::text), 4) from generate_series(${from}, ${from + 2999}) g`
  for (const client of [a, b, c]) await client.query('begin')
  await a.query(insert(1))
  await b.query(insert(10_001))
  await c.query(insert(20_001))
  await spooled()
  await a.query('savepoint one; update t set n = 1; savepoint two; delete from t where id % 2 = 0')
  await a.query('rollback to two')
  await b.query('savepoint one')
  await b.query(insert(30_001))
  await b.query(`rollback to one; savepoint again`)
  await b.query(insert(40_001))
  await b.query('release again; update t set n = 2, id = id - 100000 where id = 10001')
  await a.query('update t set n = 3')
  await c.query('update t set n = 4')
  await c.query('rollback')
  await b.query('update t set n = 5 where id > 0 and id < 13001')
  await b.query('commit')
  await a.query('commit')
}

/** Rows of all changes, without their place in the lake. */
async function changesIn(store: MemoryStore): Promise<string[]> {
  const reader = new LogReader({ store, shapes: new Shapes(store), rollupEvery: 1000 })
  const rows: string[] = []
  for await (const { entries } of reader.manifests(1)) {
    for (const entry of entries) {
      if (entry.type !== 'changes') continue
      const [, ...lines] = String(await store.get(entry.path))
        .trimEnd()
        .split('\n')
      // Op, _order, _lsn, _seq …
      rows.push(...lines.map((line) => line.replace(/^([^,]*),[^,]*,/, '$1,')))
    }
  }
  return rows
}

const HUGE = 1_000_000
const MAX_RSS_MB = 300

test(`an update of ${HUGE} rows needs no memory`, { timeout: 200_000 }, async (t) => {
  await using server = await testServer()
  await using db = await server.database()
  await db.query(`create schema app; create table app.t (id int primary key, n int, note text);
    insert into app.t select g, 0, md5(g::text) from generate_series(1, ${HUGE}) g`)
  await using folder = await taskFolder(db.url, {
    load: 'cdc',
    targets: {},
    lake: { format: 'csv' },
  })
  await using child = startCli(['run', '--config', folder.config])
  await child.line('capture began to stream')
  await db.query(`begin; savepoint one; update app.t set n = 1 where id <= 50000;
    rollback to one; update app.t set n = 2; commit`)
  await untilManifests(folder.lake, (all) => {
    let rows = 0
    for (const { entries } of all) {
      for (const entry of entries) if (entry.type === 'changes') rows += entry.rows.u
    }
    return rows >= HUGE && all.at(-1)!.to.end
  })
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
  const peak = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
  t.diagnostic(`peak: ${Math.round(peak)} MB`)
  assert.ok(peak < MAX_RSS_MB, `${peak} MB`)
  assert.equal((await child.end('SIGINT')).code, 0)
  // Before 14 nothing is streamed, and there is no such folder.
  const spool = join(folder.path, '.millrace/mill/spool')
  assert.deepEqual(existsSync(spool) ? await readdir(spool) : [], [])
  const { changes, cuts } = await auditLake(folder.lake)
  assert.equal(changes, HUGE)
  assert.ok(cuts > 0, 'the transaction was cut into files')
})
