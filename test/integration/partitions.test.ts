/**
 * Partitions that come, go and are emptied while all rows go by the name of their root: the stream
 * tells nothing of it, a look at the catalogs does.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { openTask } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { TaskEvent } from '../../src/core/events.ts'
import { compareTables } from '../../src/demo/compare.ts'
import { taskFolder } from '../e2e/support/task-folder.ts'
import { queryWarehouse } from '../e2e/support/warehouse.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'

interface Case {
  readonly name: string
  /** `T` stands for the table. */
  readonly ddl: readonly string[]
  /** What is said of it, if the table is loaded again. */
  readonly words?: string
}

const CASES: Record<string, Case> = {
  born: {
    name: 'a partition is created, and gets rows',
    ddl: [
      'create table T_3 partition of T for values from (200) to (300)',
      `insert into T values (201, 'x'); update T set v = 'y' where id = 201`,
    ],
  },
  filled: {
    name: 'a partition is attached that has no rows, and gets some in the same transaction',
    ddl: [
      `begin; create table T_3 (like T including all);
       alter table T attach partition T_3 for values from (200) to (300);
       insert into T values (201, 'x'); commit`,
    ],
  },
  attached: {
    name: 'a partition with rows is attached',
    ddl: [
      `create table T_3 (like T including all); insert into T_3 values (201, 'x'), (202, 'y')`,
      'alter table T attach partition T_3 for values from (200) to (300)',
    ],
    words: 'a partition was attached that had rows',
  },
  atonce: {
    name: 'a partition is made, filled and attached in one transaction',
    ddl: [
      `begin; create table T_3 (like T including all); insert into T_3 values (201, 'x');
       alter table T attach partition T_3 for values from (200) to (300); commit`,
    ],
    words: 'a partition was attached that had rows',
  },
  tree: {
    name: 'a partition is attached that has partitions with rows itself',
    ddl: [
      `create table T_3 (like T including all) partition by range (id);
       create table T_3_1 partition of T_3 for values from (200) to (300);
       insert into T_3 values (201, 'x')`,
      'alter table T attach partition T_3 for values from (200) to (400)',
    ],
    words: 'a partition was attached that had rows',
  },
  detached: {
    name: 'a partition is detached',
    ddl: ['alter table T detach partition T_2', 'drop table T_2'],
    words: 'a partition was detached or dropped',
  },
  gone: {
    name: 'a partition is dropped',
    ddl: ['drop table T_2'],
    words: 'a partition was detached or dropped',
  },
  emptied: {
    name: 'one partition is truncated',
    ddl: [`insert into T values (150, 'x')`, 'truncate T_2'],
    words: 'a partition was truncated or written anew',
  },
  whole: {
    name: 'the whole table is truncated, which the stream tells',
    ddl: ['truncate T', `insert into T values (7, 'x'), (107, 'y')`],
  },
}

async function make(db: TestDatabase, table: string): Promise<void> {
  await db.query(
    `create table app.${table} (id int primary key, v text) partition by range (id);
     create table app.${table}_1 partition of app.${table} for values from (0) to (100);
     create table app.${table}_2 partition of app.${table} for values from (100) to (200);
     insert into app.${table} select g, 'v' || g from generate_series(1, 140) g`,
  )
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 1200 && !isTrue(); i++) await sleep(50)
}

test('source and target are equal when', async (t) => {
  await using db = await testDatabase()
  await db.query('create schema app')
  for (const table of Object.keys(CASES)) await make(db, table)
  await using folder = await taskFolder(db.url, {
    source: { tables: Object.keys(CASES).map((table) => `app.${table}`), lookEvery: '200ms' },
  })
  const { config } = loadConfig(folder.config, process.env)
  const events: TaskEvent[] = []
  const loadsOf = (id: string) =>
    events.filter((event) => event.type === 'load-ended' && event.table === id).length
  const wordsOf = (id: string) =>
    events.flatMap((e) => (e.type === 'ddl-ambiguous' && e.table === id ? e.changes : []))
  const run = async (isNow: () => Promise<void>) => {
    await using task = await openTask(config, (event) => void events.push(event))
    const running = task.run(new AbortController().signal)
    await until(() => Object.keys(CASES).every((table) => loadsOf(`app.${table}`) > 0))
    await isNow()
    await task.endWhenCaughtUp()
    await running
  }
  // What happens while nobody looks is found too: the log has what was known.
  await run(() => Promise.resolve())
  for (const [table, { ddl }] of Object.entries(CASES)) {
    for (const sql of ddl) await db.query(sql.replaceAll(/\bT(?=\b|_)/g, `app.${table}`))
  }
  const isDone = ([table, { words }]: [string, Case]) => loadsOf(`app.${table}`) === (words ? 2 : 1)
  await run(async () => {
    await until(() => Object.entries(CASES).every(isDone))
    await until(() => notedIn(events) >= Object.keys(CASES).length)
  })

  const client = await db.client()
  await queryWarehouse(folder.warehouse, async (query) => {
    for (const [table, { name, words }] of Object.entries(CASES)) {
      await t.test(name, async () => {
        const [result] = await compareTables(client, query, [{ namespace: 'app', name: table }])
        const { missing, extra, different } = result!
        assert.deepEqual({ missing, extra, different }, { missing: 0, extra: 0, different: 0 })
        const id = `app.${table}`
        assert.deepEqual([wordsOf(id), loadsOf(id)], words ? [[words], 2] : [[], 1])
      })
    }
  })
})

/** How many tables have new notes. */
function notedIn(events: readonly TaskEvent[]): number {
  const noted = events.flatMap((e) =>
    e.type === 'manifest-written'
      ? e.manifest.entries.flatMap((entry) =>
          entry.type === 'shape' && entry.partitions ? [entry.table] : [],
        )
      : [],
  )
  return new Set(noted).size
}
