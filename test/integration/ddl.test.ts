/**
 * Tables that are changed while a task runs, from PostgreSQL to DuckDB: whatever the change, source
 * and target are equal in the end. Each case is tried in one transaction with rows before and behind
 * it, and in several.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { openTask } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { TaskEvent } from '../../src/core/events.ts'
import { compareTables, type TableComparison } from '../../src/demo/compare.ts'
import { taskFolder } from '../e2e/support/task-folder.ts'
import { queryWarehouse } from '../e2e/support/warehouse.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'

interface Case {
  readonly name: string
  /** `T` stands for the table `app.…`, `N` for its name alone. */
  readonly ddl: string
  /** Whether the log cannot tell what the change did, so that the table is loaded again. */
  readonly isReloaded?: boolean
  /** Why it is loaded again: one `ddl-ambiguous`, unless it is said otherwise. */
  readonly told?: TaskEvent['type']
  readonly now?: (table: string) => { readonly namespace: string; readonly name: string }
}

const CASES: Record<string, Case> = {
  added: { name: 'a column is added', ddl: `alter table T add c text default 'd'` },
  computed: {
    name: 'a column is added with a default that is computed for each row',
    ddl: 'alter table T add c text default gen_random_uuid()',
    isReloaded: true,
  },
  dropped: { name: 'a column is dropped', ddl: 'alter table T drop b' },
  renamed: { name: 'a column is renamed', ddl: 'alter table T rename b to c' },
  swapped: {
    name: 'columns exchange their names',
    ddl: 'alter table T rename a to x; alter table T rename b to a; alter table T rename x to b',
  },
  replaced: {
    name: 'a column is dropped and added again',
    ddl: 'alter table T drop b; alter table T add b text',
    isReloaded: true,
  },
  widened: { name: 'a type is widened', ddl: 'alter table T alter n type bigint' },
  rewritten: {
    name: 'a type is rewritten with an expression',
    ddl: `alter table T alter n type text using 'no. ' || n * 2; alter table T alter a type int using length(a)`,
    isReloaded: true,
  },
  rekeyed: {
    name: 'the key is another',
    ddl: 'alter table T drop constraint N_pkey; alter table T add primary key (k)',
    isReloaded: true,
  },
  identity: {
    name: 'the replica identity changes from default to full to an index',
    ddl: 'alter table T replica identity full; update T set n = n + 1; alter table T replica identity using index N_k',
    isReloaded: true,
  },
  default: { name: 'a default changes', ddl: `alter table T alter b set default 'other'` },
  notnull: {
    name: 'NOT NULL is set',
    ddl: `alter table T alter a set default 'z', alter a set not null`,
  },
  enumerated: { name: 'a value is added to an enum', ddl: '' },
  retitled: {
    name: 'the table is renamed',
    ddl: 'alter table T rename to N_new',
    now: (table) => ({ namespace: 'app', name: `${table}_new` }),
  },
  moved: {
    name: 'the table is moved to another schema',
    ddl: 'alter table T set schema other',
    now: (table) => ({ namespace: 'other', name: table }),
  },
  recreated: {
    name: 'the table is dropped and created again',
    ddl: `drop table T; create table T (id int primary key, k int not null, n int, a text, b text)`,
    isReloaded: true,
    told: 'table-dropped',
  },
  generated: {
    name: 'a generated column is added',
    ddl: 'alter table T add g int generated always as (k * 2) stored',
  },
  ungenerated: {
    name: 'a generated column becomes one like others',
    ddl: 'alter table T alter early drop expression',
    isReloaded: true,
  },
}

const WAYS = {
  loading: 'in one transaction, while tables are loaded,',
  one: 'in one transaction',
  many: 'in several transactions',
} as const

type Way = keyof typeof WAYS

/** A table that was made while others were loaded is new, and nothing of this is tried with it. */
function waysOf({ told }: Case): Way[] {
  return told === undefined ? ['loading', 'one', 'many'] : ['one', 'many']
}

async function run(db: TestDatabase, list: readonly string[], isAtOnce: boolean): Promise<void> {
  try {
    if (isAtOnce) await db.query(`begin; ${list.join('; ')}; commit`)
    else for (const sql of list) await db.query(sql)
  } catch (error) {
    failures.push(`${list.join('; ')}: ${String(error)}`)
    await db.query('rollback')
  }
}

function nowOf({ now }: Case, table: string) {
  return now?.(table) ?? { namespace: 'app', name: table }
}

async function make(db: TestDatabase, table: string): Promise<void> {
  // A server refuses updates under REPLICA IDENTITY FULL if a generated column is not published.
  const early = table.startsWith('ungenerated') ? 'int generated always as (id + 1) stored' : 'int'
  await db.query(
    `create table app.${table} (id int primary key, k int not null, early ${early}, n int,
       a text not null, b text, e app.mood);
     alter table app.${table} alter a drop not null;
     create unique index ${table}_k on app.${table} (k);
     insert into app.${table} (id, k, n, a, b, e)
       select g, g + 100, g, 'a' || g, 'b' || g, 'calm' from generate_series(1, 20) g`,
  )
}

/** The change with rows before and behind it. */
function statements(given: Case, table: string): string[] {
  const { namespace, name } = nowOf(given, table)
  const ddl = given.ddl.replaceAll(/\bT\b/g, `app.${table}`).replaceAll(/\bN(?=_|\b)/g, table)
  return [
    `update app.${table} set a = a || '1' where id <= 3; delete from app.${table} where id = 4`,
    `insert into app.${table} (id, k, n, a) values (30, 130, 3, 'x')`,
    ddl,
    `update ${namespace}.${name} set k = k + 1000 where id = 5`,
    `insert into ${namespace}.${name} (id, k) values (31, 131)`,
  ].filter((sql) => sql !== '')
}

const results = new Map<string, TableComparison>()
const events: TaskEvent[] = []
const failures: string[] = []

async function runAll(): Promise<void> {
  await using db = await testDatabase()
  await db.query(`create schema app; create schema other; create type app.mood as enum ('calm')`)
  const tables = Object.entries(CASES).flatMap(([key, given]) =>
    waysOf(given).map((way) => ({ given, way, table: `${key}_${way}` })),
  )
  for (const { table } of tables) await make(db, table)
  await using folder = await taskFolder(db.url, {
    source: { url: 'file:./source-url', tables: ['app.*', 'other.*'], lookEvery: '200ms' },
  })
  const { config } = loadConfig(folder.config, process.env)
  {
    await using task = await openTask(config, (event) => void events.push(event))
    const stop = new AbortController()
    const running = task.run(stop.signal)
    const change = async (isNow: (way: Way) => boolean) => {
      for (const { given, way, table } of tables) {
        if (isNow(way)) await run(db, statements(given, table), way !== 'many')
      }
    }
    await until(() => events.some((e) => e.type === 'load-began'))
    await change((way) => way === 'loading')
    await until(() => events.some((e) => e.type === 'capture-state' && e.state === 'streaming'))
    await db.query(`alter type app.mood add value 'wild'`)
    await change((way) => way !== 'loading')
    // A table that was created again becomes part of the publication at the next look.
    for (let i = 0; i < 100; i++) {
      const rows = await db.query(
        `select from pg_publication_tables where tablename like 'recreated%'`,
      )
      if (rows.length === 2) break
      await sleep(50)
    }
    for (const way of waysOf(CASES['recreated']!)) {
      await db.query(`insert into app.recreated_${way} (id, k) values (99, 99)`)
    }
    const wanted = tables
      .filter(({ given, way }) => given.isReloaded && way !== 'loading')
      .map(({ table }) => `app.${table}`)
    await until(() => wanted.every((id) => loadsOf(id) === 2))
    await task.endWhenCaughtUp()
    await running
  }
  const client = await db.client()
  await queryWarehouse(folder.warehouse, async (query) => {
    for (const { given, table } of tables) {
      try {
        const [result] = await compareTables(client, query, [nowOf(given, table)])
        results.set(table, result!)
      } catch (error) {
        failures.push(`${table}: ${String(error)}`)
        await client.query('rollback')
      }
    }
  })
}

function loadsOf(id: string): number {
  return events.filter((event) => event.type === 'load-ended' && event.table === id).length
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 1200 && !isTrue(); i++) await sleep(50)
}

await runAll()

test('every statement was run, and every table compared', () => {
  assert.deepEqual(failures, [])
})

for (const [way, words] of Object.entries(WAYS)) {
  describe(`source and target are equal, ${words} with rows, when`, () => {
    for (const [key, { name, isReloaded = false, told = 'ddl-ambiguous' }] of Object.entries(
      CASES,
    )) {
      const result = results.get(`${key}_${way}`)
      if (result === undefined) continue
      test(name, () => {
        const { missing, extra, different, rows } = result
        assert.deepEqual({ missing, extra, different }, { missing: 0, extra: 0, different: 0 })
        assert.ok(rows > 0)
        // While it is loaded, the load may show the change already.
        if (way === 'loading') return
        const id = `app.${key}_${way}`
        const times = events.filter((e) => e.type === told && 'table' in e && e.table === id).length
        assert.equal(times > 0, isReloaded)
      })
    }
  })
}
