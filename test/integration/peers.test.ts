/**
 * Bugs that other tools had, each with a test that we do not have it.
 *
 * Every story is one that users of other tools for the same work have told. Those that need a real
 * server stand below. Where time must be driven, or a failure must come at a place of our choosing,
 * the test is another one, and this is the list of all of them:
 *
 * - A transaction that begins where the last one ended: below.
 * - Going on strictly by (commit LSN, ordinal): below, and unit/capture/intake.test.ts, "a run that
 *   goes on". A place by the LSN of a row alone passes over the other rows of the same LSN, and over
 *   transactions that began earlier and committed later.
 * - Confirming what is not stored, in answers to keepalives too: unit/capture/generation.test.ts,
 *   "what is confirmed"; simulation/knockouts.ts breaks the rule, and it is noticed.
 * - An idle publication beside a busy database holds WAL until the disk is full: below; beside another
 *   busy database of the server: e2e/run.test.ts, "an idle task".
 * - The holder of the snapshot dies halfway, and the rest is loaded from another time:
 *   integration/loads.test.ts, "goes on under another snapshot when the first one dies".
 * - Our own half-dead connection owns the slot, and every new one is refused:
 *   integration/slot-guard.test.ts, "a slot in use".
 * - A table that is added late lacks the rows from before: below, and e2e/resync.test.ts.
 * - Empty transactions, transactions of tables that are not published, logical messages: below.
 * - TRUNCATE of several tables with CASCADE within a transaction: below.
 * - Two rows exchange their keys in one transaction, and one of them is lost: below to the lake;
 *   contract/target.ts, "takes unchanged values from rows that exchange their keys, before any of
 *   them goes"; the random load of e2e/crash.test.ts does it all the time.
 * - A batch past its time waits for one more change, which does not come:
 *   unit/capture/generation.test.ts, "ships when its time is over, though nothing more arrives".
 * - A place that cannot be stored sends the load back to its first table:
 *   unit/capture/capture-runs.test.ts, "does not load the tables again whose loads had ended, though
 *   the lake could not be written".
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { parseLsn, type Lsn } from '../../src/core/lsn.ts'
import type { Entry, Manifest } from '../../src/core/manifest.ts'
import { LogReader } from '../../src/lake/log/log-reader.ts'
import { Shapes } from '../../src/lake/shapes.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { collect } from '../support/collect.ts'
import { testDatabase, testServer, type TestDatabase } from '../support/postgres.ts'
import { CaptureRun, type LakeRow } from './support/capture-run.ts'
import { sourceOf, until } from './support/source.ts'

const T = { namespace: 'public', name: 't' }
const TABLE = 'create table t (id int primary key, x text)'
const TIMEOUT = { timeout: 60_000 }

async function insertLsn(db: TestDatabase): Promise<Lsn> {
  const [{ lsn } = {}] = await db.query('select pg_current_wal_insert_lsn() as lsn')
  return parseLsn(String(lsn))
}

function manifestsOf(store: MemoryStore): Promise<Manifest[]> {
  const reader = new LogReader({ store, shapes: new Shapes(store), rollupEvery: 1000 })
  return collect(reader.manifests(1))
}

async function changesIn(store: MemoryStore): Promise<Entry[]> {
  const entries = (await manifestsOf(store)).flatMap((manifest) => manifest.entries)
  return entries.filter(({ type }) => !type.startsWith('load-'))
}

function texts(rows: readonly LakeRow[]): string[] {
  return rows.map((row) =>
    row.map((value) => (Buffer.isBuffer(value) ? value.toString() : '-')).join(),
  )
}

describe('a transaction', () => {
  // The commit record of one transaction ends where the first record of the next begins, and from 17
  // on one number stands for both more often than not. A tool that had stored it as "seen up to here"
  // passed over the begin and the first row that bore the same number.
  test('that begins exactly where the last one ended is not left out', TIMEOUT, async () => {
    await using server = await testServer({ autovacuum: 'off' })
    await using db = await server.database()
    await db.query(TABLE)
    const store = new MemoryStore()
    const expected: string[] = []
    let isExact = 0
    for (let i = 1; i <= 4; i++) {
      await using run = await CaptureRun.start(db, sourceOf(db), { store })
      await run.loaded()
      const begun = await insertLsn(db)
      await db.query(`insert into t values (${i}, 'x')`)
      expected.push(`${i},x`)
      const [{ at } = {}] = await db.query(
        `select confirmed_flush_lsn as at from pg_replication_slots where slot_name = $1`,
        [db.name],
      )
      if (parseLsn(String(at)) === begun) isExact++
      await run.reached(await insertLsn(db))
      const { streamed } = await run.read(T)
      assert.deepEqual(texts(streamed), expected)
    }
    // Else the server has written something in between each time, and nothing was tried.
    assert.ok(isExact > 0)
  })

  // It commits last and so it comes last, though its rows are the oldest in the WAL. A tool that took
  // the place of the row that it had seen last for the end of what it had seen lost such rows.
  test('that began before one that is in the lake, and ended after it, is not left out', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const store = new MemoryStore()
    const slow = await db.client()
    const first = await CaptureRun.start(db, sourceOf(db), { store })
    await first.loaded()
    await slow.query(`begin; insert into t values (1, 'slow')`)
    await db.query(`insert into t values (2, 'fast')`)
    await first.caughtUp()
    await first[Symbol.asyncDispose]()
    await slow.query(`insert into t values (3, 'slow'); commit`)
    await using second = await CaptureRun.start(db, sourceOf(db), { store })
    await second.caughtUp()
    assert.deepEqual(texts((await second.read(T)).streamed), ['2,fast', '1,slow', '3,slow'])
  })

  // All rows of a COPY may bear one LSN, so a place that is an LSN cannot lie between them.
  test('of many rows of one LSN is taken whole, however it is cut', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const store = new MemoryStore()
    await using run = await CaptureRun.start(db, sourceOf(db), { store })
    await run.loaded()
    await db.query(`insert into t select g, 'x' from generate_series(1, 1000) g`)
    await run.caughtUp()
    assert.equal((await run.read(T)).streamed.length, 1000)
    const [entry] = await changesIn(store)
    assert.ok(entry?.type === 'changes')
    assert.deepEqual([entry.first.ordinal, entry.last.ordinal], [2, 2000])
  })

  // A tool deleted the rows of a batch and wrote them after, in an order in which the second row of
  // the exchange took away the first.
  test('in which two rows exchange their keys leaves both, with what was not sent again', async () => {
    await using db = await testDatabase()
    await db.query(`${TABLE}; alter table t alter x set storage external;
      insert into t values (1, repeat('a', 9000)), (2, repeat('b', 9000))`)
    const store = new MemoryStore()
    await using run = await CaptureRun.start(db, sourceOf(db), { store })
    await run.loaded()
    await db.query(`begin; update t set id = -1 where id = 1; update t set id = 1 where id = 2;
      update t set id = 2 where id = -1; commit`)
    await run.caughtUp()
    const [entry, ...others] = await changesIn(store)
    assert.ok(entry?.type === 'changes')
    assert.deepEqual(others, [])
    assert.deepEqual(entry.rows, { i: 3, u: 0, d: 3 })
    assert.deepEqual([entry.first.ordinal, entry.last.ordinal], [2, 7])
    const keys = (await run.read(T)).streamed.map(([id]) => String(id))
    assert.deepEqual(keys, ['1', '-1', '2', '1', '-1', '2'])
  })

  // A tool that took the tables of a TRUNCATE one by one emptied the first of them alone, or counted
  // each as a message of its own, so that the places of all later rows were others after a restart.
  test('that truncates several tables, and more by CASCADE, empties each at one place', async () => {
    await using db = await testDatabase()
    await db.query(`${TABLE}; create table u (id int primary key);
      create table child (id int primary key references u); create table other (id int primary key)`)
    const store = new MemoryStore()
    await using run = await CaptureRun.start(db, sourceOf(db), { store })
    await run.loaded()
    await db.query(`begin;
      insert into t values (1, 'before'); insert into u values (1); insert into child values (1);
      insert into other values (1);
      truncate t, u cascade;
      insert into t values (2, 'after'); insert into child select 1 where false; commit`)
    await run.caughtUp()
    const truncates = (await changesIn(store)).flatMap((entry) =>
      entry.type === 'truncate' ? [`${entry.table} ${entry.position.ordinal}`] : [],
    )
    assert.deepEqual(truncates.toSorted(), ['public.child 10', 'public.t 10', 'public.u 10'])
    assert.deepEqual(texts((await run.read(T)).streamed), ['1,before', '', '2,after'])
  })
})

describe('what is not for us', () => {
  const cases: [what: string, sql: string][] = [
    ['an empty transaction', 'select txid_current()'],
    ['a transaction that is rolled back', `begin; insert into t values (9, 'x'); rollback`],
    ['a transaction of a table that is not published', 'insert into noise values (1)'],
    ['a transaction that changes no table', 'create table fresh (id int); drop table fresh'],
    ['a logical message', `select pg_logical_emit_message(true, 'app', 'hello')`],
    [
      'a logical message outside of transactions',
      `select pg_logical_emit_message(false, 'a', 'b')`,
    ],
  ]

  // Each of them has made some tool write an empty batch, take the place of a row for that of a
  // message, or hold the WAL because it only confirmed what it had rows of.
  for (const [what, sql] of cases) {
    test(`leaves nothing in the lake, and moves the slot: ${what}`, TIMEOUT, async () => {
      await using db = await testDatabase()
      await db.query(`${TABLE}; create table noise (id int)`)
      const store = new MemoryStore()
      const source = sourceOf(db, { isSelected: ({ name }) => name === 't' })
      await using run = await CaptureRun.start(db, source, { store })
      await run.loaded()
      for (let i = 0; i < 20; i++) await db.query(sql)
      const [{ lsn } = {}] = await db.query('select pg_current_wal_insert_lsn() as lsn')
      await until(
        db,
        `select 1 from pg_replication_slots
          where slot_name = '${db.name}' and confirmed_flush_lsn >= '${String(lsn)}'`,
      )
      assert.deepEqual(await changesIn(store), [])
      await db.query(`begin; ${sql.replaceAll(/\bbegin;|; rollback/g, '')}; delete from t;
        insert into t values (1, 'ours'); commit`)
      await run.caughtUp()
      assert.deepEqual(texts((await run.read(T)).streamed).at(-1), '1,ours')
    })
  }

  // The rows of a busy table that is not published are never sent, and a tool that confirms only
  // places of rows never confirms again. The WAL fills the disk of the source.
  test('does not hold the WAL of a busy database for an idle publication', TIMEOUT, async () => {
    await using server = await testServer({ min_wal_size: '32MB', max_wal_size: '32MB' })
    await using db = await server.database()
    await db.query(`${TABLE}; create table noise (id int, x text)`)
    const source = sourceOf(db, { isSelected: ({ name }) => name === 't' })
    await using run = await CaptureRun.start(db, source)
    await run.loaded()
    for (let i = 0; i < 3; i++) {
      await db.query(
        `insert into noise select g, repeat('x', 500) from generate_series(1, 20000) g`,
      )
      const [{ lsn } = {}] = await db.query('select pg_current_wal_insert_lsn() as lsn')
      // Its running transactions are what lets the server move the place from which it must read.
      await db.query('checkpoint')
      await until(
        db,
        `select 1 from pg_replication_slots where slot_name = '${db.name}'
          and confirmed_flush_lsn >= '${String(lsn)}' and restart_lsn >= '${String(lsn)}'`,
      )
    }
  })
})

describe('a table that is added late', () => {
  // Its rows of before were never sent, and a tool that took it up with the next change had a table
  // of new rows only. Those of the time between making it and finding it are lost most easily.
  test('has all its rows, those from before it was found too', TIMEOUT, async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    await using run = await CaptureRun.start(db, sourceOf(db), { lookEveryMs: 30 })
    await run.loaded()
    await db.query(`create table late (id int primary key, x text);
      insert into late select g, 'made' from generate_series(1, 100) g`)
    const loaded = run.loadedTimes('public.late', 1)
    const now = { isLoaded: false }
    void loaded.finally(() => (now.isLoaded = true))
    let rows = 100
    while (!now.isLoaded) await db.query(`insert into late values (${++rows}, 'meanwhile')`)
    await loaded
    await db.query(`insert into late values (${++rows}, 'later')`)
    await run.caughtUp()
    const late = await run.read({ namespace: 'public', name: 'late' })
    const ids = new Set([...late.loaded, ...late.streamed].map(([id]) => Number(String(id))))
    assert.deepEqual(
      [...ids].toSorted((a, b) => a - b),
      Array.from({ length: rows }, (_, i) => i + 1),
    )
    assert.ok(late.loaded.length >= 100)
  })
})
