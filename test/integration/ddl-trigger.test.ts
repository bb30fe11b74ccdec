/**
 * The optional DDL trigger at the source: what the stream does not tell without it is noticed, nothing
 * is loaded that need not be, and nobody's DDL fails because of it. Before PostgreSQL 14 no messages
 * are sent, so there it does neither good nor harm.
 */

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { DDL_TRIGGER_SQL } from '../../src/capture/tables/ddl-trigger.ts'
import { openTask } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { TaskEvent } from '../../src/core/events.ts'
import { compareTables } from '../../src/demo/compare.ts'
import { taskFolder } from '../e2e/support/task-folder.ts'
import { queryWarehouse } from '../e2e/support/warehouse.ts'
import { testDatabase, testServer, type TestDatabase } from '../support/postgres.ts'
import { CaptureRun } from './support/capture-run.ts'
import { sourceOf } from './support/source.ts'

const HAS_MESSAGES = process.env['PG_VERSION']?.split('.')[0] !== '13'

interface Case {
  readonly name: string
  /** `T` stands for the table; each is sent alone. */
  readonly ddl: readonly string[]
  /** Whether the trigger has it loaded again. */
  readonly isReloaded?: boolean
  /** Whether it is even without the trigger. */
  readonly isSeen?: boolean
  /** What comes when all of that was loaded. */
  readonly after?: string
  /** Whether that row has it loaded again. */
  readonly isShown?: boolean
}

const CASES: Record<string, Case> = {
  doubled: {
    name: 'values are computed anew under an equal type',
    ddl: ['alter table T alter n type int using n * 2'],
    isReloaded: true,
  },
  uppercase: {
    name: 'values are computed anew in the middle of a transaction',
    ddl: [
      `begin; update T set v = 'q' where id = 1; alter table T alter v type text using upper(v);
       insert into T values (100, 1, 'new'); commit`,
    ],
    isReloaded: true,
  },
  widened: {
    name: 'values are computed anew under a type that could be followed, and a row comes later',
    ddl: ['alter table T alter n type bigint using n * 2'],
    isReloaded: true,
    after: `insert into T values (100, 5000000000, 'big')`,
  },
  plain: {
    name: 'a type gets wider, and no value is another',
    ddl: ['alter table T alter n type bigint', `insert into T values (100, 5000000000, 'big')`],
  },
  cast: {
    name: 'values are computed anew under a type that cannot be followed, and a row comes later',
    ddl: [`alter table T alter v type int using length(v)`],
    isReloaded: true,
    after: `insert into T values (100, 1, 7)`,
    isShown: true,
  },
  computed: {
    name: 'a column is added with a computed default, which is dropped before the next row',
    ddl: [
      'alter table T add c int default (random() * 1000)::int',
      'alter table T alter c drop default',
    ],
    isReloaded: true,
    after: `insert into T values (100, 1, 'x', 7)`,
  },
  generated: {
    name: 'a generated column is added',
    ddl: [
      'alter table T add g int generated always as (n * 2) stored',
      `insert into T values (100, 1, 'x')`,
    ],
  },
  undone: {
    name: 'a change is rolled back',
    ddl: [
      'begin; alter table T alter n type int using n * 2; rollback',
      `begin; savepoint s; alter table T alter n type int using n * 2; rollback to s;
       insert into T values (100, 1, 'x'); commit`,
    ],
  },
  parted: {
    name: 'values of a partitioned table are computed anew',
    ddl: ['alter table T alter n type int using n * 2'],
    isReloaded: true,
    isSeen: true,
  },
}

async function make(db: TestDatabase, table: string): Promise<void> {
  const kind = table === 'parted' ? 'partition by range (id)' : ''
  await db.query(`create table app.${table} (id int primary key, n int, v text) ${kind}`)
  if (kind) {
    await db.query(
      `create table app.${table}_1 partition of app.${table} for values from (0) to (200)`,
    )
  }
  await db.query(`insert into app.${table} select g, g, 'v' || g from generate_series(1, 20) g`)
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 600 && !isTrue(); i++) await sleep(50)
}

test('with the trigger, source and target are equal when', async (t) => {
  await using db = await testDatabase()
  await db.query('create schema app')
  await db.query(DDL_TRIGGER_SQL)
  for (const table of Object.keys(CASES)) await make(db, table)
  await using folder = await taskFolder(db.url, {
    source: { tables: Object.keys(CASES).map((table) => `app.${table}`), lookEvery: '200ms' },
  })
  const { config } = loadConfig(folder.config, process.env)
  const events: TaskEvent[] = []
  const loadsOf = (table: string) =>
    events.filter((e) => e.type === 'load-ended' && e.table === `app.${table}`).length
  const isNoticed = ({ isReloaded = false, isSeen = false }: Case) =>
    isReloaded && (HAS_MESSAGES || isSeen)
  const loadsBefore = (given: Case) => (isNoticed(given) ? 2 : 1)
  const loadsWanted = (given: Case) => loadsBefore(given) + (given.isShown ? 1 : 0)
  const areLoaded = (times: (given: Case) => number) =>
    Object.entries(CASES).every(([table, given]) => loadsOf(table) >= times(given))
  const run = async (sql: string, table: string) =>
    db.query(sql.replaceAll(/\bT\b/g, `app.${table}`))

  await using task = await openTask(config, (event) => void events.push(event))
  const running = task.run(new AbortController().signal)
  await until(() => events.some((e) => e.type === 'capture-state' && e.state === 'streaming'))
  for (const [table, { ddl }] of Object.entries(CASES)) {
    for (const sql of ddl) await run(sql, table)
  }
  await until(() => areLoaded(loadsBefore))
  for (const [table, { after }] of Object.entries(CASES)) if (after) await run(after, table)
  await until(() => areLoaded(loadsWanted))
  // Any load too many would begin at the next look.
  const looked = events.length
  await until(() => events.slice(looked).filter(({ type }) => type === 'tables-refused').length > 2)
  await task.endWhenCaughtUp()
  await running

  const client = await db.client()
  await queryWarehouse(folder.warehouse, async (query) => {
    for (const [table, given] of Object.entries(CASES)) {
      await t.test(given.name, async () => {
        assert.equal(loadsOf(table), loadsWanted(given))
        if (given.isReloaded && !isNoticed(given) && !given.isShown) return
        const [result] = await compareTables(client, query, [{ namespace: 'app', name: table }])
        const { missing, extra, different } = result!
        assert.deepEqual({ missing, extra, different }, { missing: 0, extra: 0, different: 0 })
      })
    }
  })
})

describe('the trigger', () => {
  test('tells of a dropped table at once, and not of one whose drop was rolled back', async () => {
    await using server = await testServer({ logical_decoding_work_mem: '64kB' })
    await using db = await server.database()
    await db.query(`create table kept (id int primary key, v text);
      create table gone (id int primary key, v text); insert into gone values (1, 'x')`)
    await db.query(DDL_TRIGGER_SQL)
    // A look never comes, so it is the trigger that tells.
    await using run = await CaptureRun.start(db, sourceOf(db))
    await run.loaded()
    const client = await db.client()
    await client.query(`begin; insert into kept values (1, 'x'); savepoint s; drop table gone;
      insert into kept select g, md5(g::text) from generate_series(2, 20000) g`)
    // What is said in a savepoint comes with the rows of a transaction that has not ended.
    if (HAS_MESSAGES) await firstFile(run.spoolPath)
    await client.query(`rollback to s; insert into kept values (2, 'y'); commit`)
    await run.caughtUp()
    const droppedNow = () =>
      run.events.flatMap((event) => (event.type === 'table-dropped' ? [event.table] : []))
    assert.deepEqual(droppedNow(), [])
    assert.equal((await run.read({ namespace: 'public', name: 'kept' })).streamed.length, 2)
    await db.query(`begin; insert into gone values (2, 'last'); drop table gone; commit`)
    await run.caughtUp()
    assert.deepEqual(droppedNow(), HAS_MESSAGES ? ['public.gone'] : [])
    assert.equal(run.events.filter(({ type }) => type === 'ddl-ambiguous').length, 0)
  })

  test('never makes a statement fail, whoever runs it and whatever is wrong with it', async () => {
    await using db = await testDatabase()
    const role = `nobody_${db.name}`
    await db.query(`create role ${role}; create schema theirs authorization ${role}`)
    await db.query(DDL_TRIGGER_SQL)
    await db.query('create publication p')
    const [slot] = await db.query(
      `select * from pg_create_logical_replication_slot('${db.name}_m', 'pgoutput')`,
    )
    assert.ok(slot)
    const work = `set role ${role}; create table theirs.t (n int, v text); insert into theirs.t values (1, 'x');
      alter table theirs.t alter n type int using n * 2; create temp table t2 (n int); drop table t2;
      alter table theirs.t drop v; drop table theirs.t; reset role`
    await db.query(work)
    const told = await messagesOf(db)
    const oid = told[1]?.tables?.[0]
    const expected = [
      { do: 'rewrite', table: oid, last: null },
      { do: 'drop', tables: [oid] },
    ]
    assert.deepEqual(told, HAS_MESSAGES ? expected : [])

    await db.query(`alter function millrace.tell_ddl() owner to ${role};
      do $$ declare f regprocedure; begin
        for f in select oid from pg_proc where proname = 'pg_logical_emit_message' loop
          execute format('revoke execute on function %s from public', f);
        end loop; end $$`)
    await db.query(work)
    assert.deepEqual(await messagesOf(db), [])
    await db.query(`drop owned by ${role} cascade; drop role ${role}`)
  })

  test('is found by doctor, installed as often as one likes, and removed without a trace', async () => {
    await using db = await testDatabase()
    const about = async () => {
      const { checks } = await sourceOf(db).examine()
      return checks.find((check) => check.about.includes('DDL trigger'))!.about
    }
    const none = /there is no DDL trigger, which is optional: millrace doctor --ddl-trigger/
    const [found, missing] = HAS_MESSAGES
      ? [/the DDL trigger is installed/, none]
      : [/no effect/, /no effect/]
    assert.match(await about(), missing)
    await db.query(DDL_TRIGGER_SQL)
    await db.query(DDL_TRIGGER_SQL)
    assert.match(await about(), found)
    await db.query('alter event trigger millrace_sql_drop disable')
    assert.match(await about(), missing)
    await db.query(DDL_TRIGGER_SQL)
    assert.match(await about(), found)
    const removal = [...DDL_TRIGGER_SQL.matchAll(/^-- +(DROP .*;)$/gm)].map(([, sql]) => sql)
    assert.equal(removal.length, 4)
    await db.query(removal.join('\n'))
    assert.match(await about(), missing)
    const left = await db.query(
      `select from pg_event_trigger union all
       select from pg_namespace where nspname = 'millrace'`,
    )
    assert.equal(left.length, 0)
  })
})

async function firstFile(folder: string): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if ((await readdir(folder)).length > 0) return
    await sleep(50)
  }
  throw new Error(`no file came into ${folder}`)
}

interface Told {
  readonly tables?: readonly number[]
}

/** What the trigger has said since the last call. */
async function messagesOf(db: TestDatabase): Promise<Told[]> {
  if (!HAS_MESSAGES) return []
  const rows = await db.query(
    `select data from pg_logical_slot_get_binary_changes('${db.name}_m', null, null,
       'proto_version', '1', 'publication_names', 'p', 'messages', 'true')`,
  )
  return rows.flatMap(({ data }) => {
    const text = String(data)
    return text.startsWith('M') ? [JSON.parse(text.slice(text.indexOf('{'))) as Told] : []
  })
}
