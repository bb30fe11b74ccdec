/** An excluded column stays excluded whatever it and its table are called, on a real server. */

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import { Exclusions } from '../../src/capture/stream/exclusions.ts'
import type { ColumnRule } from '../../src/core/table-selection.ts'
import { ExclusionsFile } from '../../src/lake/exclusions-file.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { testDatabase, testServer, type TestDatabase } from '../support/postgres.ts'
import { CaptureRun } from './support/capture-run.ts'
import { sourceOf } from './support/source.ts'

const VERSION = Number(process.env['PG_VERSION']?.split('.')[0] ?? '18')
const HAS_STREAMING = VERSION >= 14

const SECRET = 'hunter2'
const RULES: readonly ColumnRule[] = [{ tables: 'app.users', exclude: ['password'] }]

/** Under FULL the publication cannot list columns, so what is excluded comes to us on every version. */
const IDENTITIES = ['default', 'full'] as const

const TABLES = `
  create schema app;
  create table app.users (id int primary key, password text, name text);
  create table app.orders (id int primary key, note text, item text);
  insert into app.users values (1, '${SECRET}-1', 'ann');
  insert into app.orders values (1, 'rush', 'pear')`

interface Change {
  readonly what: string
  readonly sql: string
  /** Names of the table that has the secret, and of the secret. */
  readonly table: string
  readonly column: string
}

const CHANGES: readonly Change[] = [
  {
    what: 'the column is renamed',
    sql: 'alter table app.users rename password to pw;',
    table: 'app.users',
    column: 'pw',
  },
  {
    what: 'it exchanges its name with another column',
    sql: `alter table app.users rename password to tmp; alter table app.users rename name to password;
      alter table app.users rename tmp to name;`,
    table: 'app.users',
    column: 'name',
  },
  {
    what: 'its table is renamed',
    sql: 'alter table app.users rename to people;',
    table: 'app.people',
    column: 'password',
  },
  {
    what: 'its table is renamed, and so is the column',
    sql: 'alter table app.users rename to people; alter table app.people rename password to pw;',
    table: 'app.people',
    column: 'pw',
  },
  {
    what: 'two tables exchange their names',
    sql: `alter table app.users rename to tmp; alter table app.orders rename to users;
      alter table app.tmp rename to orders;`,
    table: 'app.orders',
    column: 'password',
  },
]

function start(
  db: TestDatabase,
  store: MemoryStore,
  rules: readonly ColumnRule[] = RULES,
): Promise<CaptureRun> {
  const exclusions = new Exclusions(rules, new ExclusionsFile(store))
  const source = sourceOf(db, { columns: exclusions })
  return CaptureRun.start(db, source, { store, exclusions, lookEveryMs: 50 })
}

/** Rows with the secret, by whatever name. */
function write(table: string, column: string, id: number): string {
  return `insert into ${table} (id, ${column}) values (${id}, '${SECRET}-${id}');
    update ${table} set ${column} = '${SECRET}-u${id}' where id = ${id};
    update ${table} set id = ${id + 1000} where id = ${id};`
}

/** A row of each table once it was found and loaded: it is in the lake, and the secret is not. */
async function settled(run: CaptureRun, db: TestDatabase, { table, column }: Change) {
  await db.query(write(table, column, 90))
  await run.caughtUp()
  const looks = () => run.events.filter(({ type }) => type === 'tables-refused').length
  const before = looks()
  await run.until(() => looks() >= before + 3)
  await run.caughtUp()
  await db.query(write(table, column, 91))
  await run.caughtUp()
}

async function noSecret(store: MemoryStore, run: CaptureRun): Promise<void> {
  for await (const key of store.list('')) {
    assert.ok(!(await store.get(key))!.includes(SECRET), `${key} has the secret`)
  }
  const told = JSON.stringify(run.events, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  )
  assert.ok(!told.includes(SECRET))
  for (const name of await readdir(run.spoolPath).catch(() => [])) {
    assert.ok(!(await readFile(join(run.spoolPath, name))).includes(SECRET))
  }
}

async function idsIn(run: CaptureRun, table: string): Promise<string[]> {
  const [namespace, name] = table.split('.')
  const { loaded, streamed } = await run.read({ namespace: namespace!, name: name! })
  return [...loaded, ...streamed].map((row) => row[0]?.toString() ?? 'null')
}

for (const identity of IDENTITIES) {
  describe(`under REPLICA IDENTITY ${identity}, a column stays excluded`, () => {
    const setUp = `${TABLES}; alter table app.users replica identity ${identity}`
    for (const change of CHANGES) {
      const { what, sql, table, column } = change

      test(`when ${what} while the task runs`, { timeout: 60_000 }, async () => {
        await using db = await testDatabase()
        await db.query(setUp)
        const store = new MemoryStore()
        await using run = await start(db, store)
        await run.loaded()
        await db.query(write('app.users', 'password', 2))
        await db.query(sql)
        await settled(run, db, change)
        await noSecret(store, run)
        assert.ok((await idsIn(run, table)).includes('1091'))
      })

      test(`when ${what} while nothing runs`, { timeout: 60_000 }, async () => {
        await using db = await testDatabase()
        await db.query(setUp)
        const store = new MemoryStore()
        {
          await using run = await start(db, store)
          await run.loaded()
          await run.caughtUp()
        }
        await db.query(write('app.users', 'password', 2))
        await db.query(sql)
        await db.query(write(table, column, 3))
        await using run = await start(db, store)
        await run.caughtUp()
        await settled(run, db, change)
        await noSecret(store, run)
        assert.ok((await idsIn(run, table)).includes('1091'))
      })

      test(`when ${what} within a transaction`, { timeout: 60_000 }, async () => {
        await using db = await testDatabase()
        await db.query(setUp)
        const store = new MemoryStore()
        await using run = await start(db, store)
        await run.loaded()
        await db.query(`begin; ${write('app.users', 'password', 2)} ${sql}
          ${write(table, column, 3)} commit`)
        await settled(run, db, change)
        await noSecret(store, run)
        assert.ok((await idsIn(run, table)).includes('1091'))
      })
    }
  })
}

describe('of a transaction that is streamed before it ends', { skip: !HAS_STREAMING }, () => {
  for (const { what, sql, table, column } of CHANGES) {
    test(`no secret reaches the spool when ${what} in it`, { timeout: 120_000 }, async () => {
      await using server = await testServer({ logical_decoding_work_mem: '64kB' })
      await using db = await server.database()
      await db.query(`${TABLES}; alter table app.users replica identity full`)
      const store = new MemoryStore()
      await using run = await start(db, store)
      await run.loaded()
      const client = await db.client()
      const fill = (into: string, name: string, from: number) =>
        `insert into ${into} (id, ${name}) select i, '${SECRET}-' || i
           from generate_series(${from}, ${from + 20_000}) i`
      await client.query('begin')
      await client.query(fill('app.users', 'password', 100_000))
      await client.query(sql)
      await client.query(fill(table, column, 200_000))
      await spooled(run.spoolPath, '205000')
      await noSecret(store, run)
      await client.query('commit')
      await settled(run, db, { what, sql, table, column })
      await noSecret(store, run)
      assert.ok((await idsIn(run, table)).includes('1091'))
    })
  }
})

describe('whoever renames an excluded column', () => {
  const renamed = 'alter table app.users rename password to pw'

  async function after(rules: readonly ColumnRule[]): Promise<string> {
    await using db = await testDatabase()
    await db.query(TABLES)
    const store = new MemoryStore()
    {
      await using run = await start(db, store)
      await run.loaded()
      await run.caughtUp()
    }
    await db.query(renamed)
    await using run = await start(db, store, rules)
    await run.caughtUp()
    await settled(run, db, { what: '', sql: '', table: 'app.users', column: 'pw' })
    let bytes = ''
    for await (const key of store.list('')) bytes += (await store.get(key))!.toString()
    return bytes
  }

  test('may write the new name in place of the old', async () => {
    const bytes = await after([{ tables: 'app.users', exclude: ['pw'] }])
    assert.ok(!bytes.includes(SECRET))
  })

  test('has it captured by taking the rule out', async () => {
    const bytes = await after([{ tables: 'app.orders', exclude: ['note'] }])
    assert.ok(bytes.includes(`${SECRET}-1091`) || bytes.includes(`${SECRET}-u91`))
    assert.ok(bytes.includes(`${SECRET}-1`), 'rows that exist are loaded again')
  })

  test('is told how it is called now', async () => {
    await using db = await testDatabase()
    await db.query(TABLES)
    const exclusions = new Exclusions(RULES)
    const source = sourceOf(db, { columns: exclusions })
    await source.prepare()
    await db.query(renamed)
    const { checks } = await source.examine()
    const found = checks
      .flatMap(({ findings }) => findings)
      .map(({ message, cure }) => [message, cure])
    assert.ok(
      found.some(
        ([message, cure]) =>
          message ===
            'source.columns excluded pw of app.users when it was called password, and it stays excluded' &&
          cure === 'write pw of app.users in source.columns; to capture it, take the rule out',
      ),
      JSON.stringify(found),
    )
  })
})

/** Waits for the key of a row of a transaction that has not ended. */
async function spooled(folder: string, text: string): Promise<void> {
  for (let i = 0; i < 1000; i++) {
    for (const name of await readdir(folder)) {
      if ((await readFile(join(folder, name), 'latin1')).includes(text)) return
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`never came into the spool: ${text}`)
}
