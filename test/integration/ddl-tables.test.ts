/**
 * Whole tables that are renamed, moved, dropped, made again or exchanged while a task runs, with rows
 * that show it and without. In the end the target has what the source has, whatever the policy.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { openTask } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { TaskEvent } from '../../src/core/events.ts'
import { tableName, type TableId, type TableName } from '../../src/core/table.ts'
import { compareTables } from '../../src/demo/compare.ts'
import { taskFolder } from '../e2e/support/task-folder.ts'
import { queryWarehouse } from '../e2e/support/warehouse.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'

interface Case {
  readonly name: string
  readonly make: readonly string[]
  readonly ddl: string
  /** What is compared in the end. */
  readonly now: readonly string[]
  /** How often each of those was loaded. */
  readonly loads: readonly number[]
  readonly dropped?: readonly string[]
}

/** Statements of a case are tried by themselves, so its tables have names of its own. */
const CASES: readonly Case[] = [
  {
    name: 'two tables exchange their names in one transaction, with rows of both',
    make: ['s1', 's2'],
    ddl: `begin; insert into app.s1 values (100, 'a'); alter table app.s1 rename to s3;
      alter table app.s2 rename to s1; alter table app.s3 rename to s2;
      update app.s1 set v = v || '!' where id < 5; update app.s2 set v = v || '?' where id < 7; commit`,
    now: ['app.s1', 'app.s2'],
    loads: [1, 2],
    dropped: ['app.s1'],
  },
  {
    name: 'two tables exchange their names, and no row shows it',
    make: ['q1', 'q2'],
    ddl: `begin; alter table app.q1 rename to q3; alter table app.q2 rename to q1;
      alter table app.q3 rename to q2; commit`,
    now: ['app.q1', 'app.q2'],
    loads: [2, 1],
    dropped: ['app.q2'],
  },
  {
    name: 'a table is renamed, and no row shows it',
    make: ['r1'],
    ddl: 'alter table app.r1 rename to r2',
    now: ['app.r2'],
    loads: [0],
  },
  {
    name: 'a table is moved to another schema, and no row shows it',
    make: ['m1'],
    ddl: 'alter table app.m1 set schema other',
    now: ['other.m1'],
    loads: [0],
  },
  {
    name: 'a table is renamed in the place of one that was dropped',
    make: ['o1', 'o2'],
    ddl: `begin; drop table app.o1; alter table app.o2 rename to o1;
      insert into app.o1 values (500, 'new'); commit`,
    now: ['app.o1'],
    loads: [1],
    dropped: ['app.o1'],
  },
  {
    name: 'a table is dropped and created again, filled at once, and no row of it was published',
    make: ['c1'],
    ddl: `begin; drop table app.c1; create table app.c1 (id int primary key, v text, w int);
      insert into app.c1 values (7, 'again', 1); commit`,
    now: ['app.c1'],
    loads: [2],
    dropped: ['app.c1'],
  },
  {
    name: 'a table is dropped and created again with other columns, and stays empty',
    make: ['e1'],
    ddl: 'drop table app.e1; create table app.e1 (id bigint primary key, other text)',
    now: ['app.e1'],
    loads: [2],
    dropped: ['app.e1'],
  },
  {
    name: 'a table is dropped after its last rows',
    make: ['d1'],
    ddl: `insert into app.d1 values (900, 'last'); drop table app.d1`,
    now: [],
    loads: [],
    dropped: ['app.d1'],
  },
  {
    name: 'a table gets a name that is not selected, and comes back with other rows',
    make: ['b1'],
    ddl: 'alter table app.b1 rename to hidden_b1',
    now: [],
    loads: [],
    dropped: ['app.b1'],
  },
]

async function make(db: TestDatabase, table: string): Promise<void> {
  await db.query(
    `create table app.${table} (id int primary key, v text);
     insert into app.${table} select g, '${table}' || g from generate_series(1, 20) g`,
  )
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 1200 && !isTrue(); i++) await sleep(50)
}

test('tables that are renamed, dropped or exchanged end as they are at the source', async (t) => {
  await using db = await testDatabase()
  await db.query('create schema app; create schema other')
  const made = CASES.flatMap(({ make: tables }) => tables)
  for (const table of made) await make(db, table)
  await using folder = await taskFolder(db.url, {
    source: { tables: ['app.*', 'other.*', '!app.hidden_*'], lookEvery: '200ms' },
  })
  const { config } = loadConfig(folder.config, process.env)
  const events: TaskEvent[] = []
  const loadsOf = (id: string) =>
    events.filter((event) => event.type === 'load-ended' && event.table === id).length
  const dropped = () => events.flatMap((e) => (e.type === 'table-dropped' ? [e.table] : []))
  await using task = await openTask(config, (event) => void events.push(event))
  const stop = new AbortController()
  const running = task.run(stop.signal)
  await until(() => joinedIn(events).size === made.length)
  for (const { ddl } of CASES) await db.query(ddl)
  const gone = CASES.flatMap(({ dropped: names = [] }) => names)
  await until(() => gone.every((id) => dropped().some((table) => table === id)))
  await until(() => CASES.every(({ now, loads }) => now.every((id, i) => loadsOf(id) >= loads[i]!)))
  const renames = ['app.s2', 'app.q2', 'app.r2', 'other.m1', 'app.o1'] as TableId[]
  await until(() => renames.every((id) => renamedIn(events).has(id)))
  await task.endWhenCaughtUp()
  await running

  const client = await db.client()
  await queryWarehouse(folder.warehouse, async (query) => {
    for (const { name, now, loads, dropped: wanted = [] } of CASES) {
      await t.test(name, async () => {
        const tables = now.map((id): TableName => tableName(id as TableId))
        for (const result of await compareTables(client, query, tables)) {
          const { missing, extra, different } = result
          assert.deepEqual({ missing, extra, different }, { missing: 0, extra: 0, different: 0 })
        }
        assert.deepEqual(now.map(loadsOf), loads)
        for (const id of wanted) assert.ok(dropped().some((table) => table === id))
      })
    }
    await t.test('what is gone stays in the target as it was last', async () => {
      assert.deepEqual(await query('select max(id) from app.d1'), [[900]])
    })
  })
})

function renamedIn(events: readonly TaskEvent[]): Set<TableId> {
  const renames = events.flatMap((event) =>
    event.type === 'manifest-written'
      ? event.manifest.entries.flatMap((entry) => (entry.type === 'rename' ? [entry.to] : []))
      : [],
  )
  return new Set(renames)
}

/** Tables that the target has. */
function joinedIn(events: readonly TaskEvent[]): Set<TableId> {
  const joined = events.flatMap((e) =>
    e.type === 'straggler' && e.state === 'joined' ? [e.table] : [],
  )
  return new Set(joined)
}
