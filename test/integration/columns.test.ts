/** Columns that are excluded, and publications that have only some columns or rows, on a real server. */

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import { Exclusions } from '../../src/capture/stream/exclusions.ts'
import type { ColumnRule } from '../../src/core/table-selection.ts'
import { ExclusionsFile } from '../../src/lake/exclusions-file.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { testDatabase, testServer, type TestDatabase } from '../support/postgres.ts'
import { CaptureRun, type LakeRow } from './support/capture-run.ts'
import { sourceOf, until } from './support/source.ts'

const VERSION = Number(process.env['PG_VERSION']?.split('.')[0] ?? '18')
const HAS_LISTS = VERSION >= 15
const HAS_STREAMING = VERSION >= 14

const SECRET = 'hunter2'
const TABLE = `
  create schema app;
  create table app.users (id int primary key, password text, name text);
  insert into app.users values (1, '${SECRET}-1', 'ann'), (2, '${SECRET}-2', 'bob')`
const USERS = { namespace: 'app', name: 'users' }
const RULES: readonly ColumnRule[] = [{ tables: 'app.users', exclude: ['password'] }]

function without(db: TestDatabase, rules: readonly ColumnRule[] = RULES) {
  return sourceOf(db, { columns: new Exclusions(rules) })
}

function start(
  db: TestDatabase,
  { rules = RULES, store = new MemoryStore() }: { rules?: typeof RULES; store?: MemoryStore } = {},
): Promise<CaptureRun> {
  const exclusions = new Exclusions(rules, new ExclusionsFile(store))
  const source = sourceOf(db, { columns: exclusions })
  return CaptureRun.start(db, source, { store, exclusions, lookEveryMs: 50 })
}

function text(rows: readonly LakeRow[]): string[] {
  return rows.map((row) => row.map((value) => value?.toString() ?? 'null').join('|'))
}

async function bytesOf(store: MemoryStore): Promise<string> {
  const texts: string[] = []
  for await (const key of store.list('')) texts.push(`${key} ${(await store.get(key))!.toString()}`)
  return texts.join('\n')
}

async function publishedColumns(db: TestDatabase): Promise<unknown> {
  const [row] = await db.query(
    `select attnames::text[] as names from pg_publication_tables where tablename = 'users'`,
  )
  return row!['names']
}

describe('a column that is excluded', () => {
  test('is in neither load nor stream', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const store = new MemoryStore()
    {
      await using run = await start(db, { store })
      await run.loaded()
      await db.query(`insert into app.users values (3, '${SECRET}-3', 'cleo')`)
      await db.query(`update app.users set password = '${SECRET}-4', name = 'anna' where id = 1`)
      await db.query(`update app.users set id = 20 where id = 2`)
      await db.query(`delete from app.users where id = 3`)
      await run.caughtUp()
      const { loaded, streamed, shape } = await run.read(USERS)
      assert.deepEqual(text(loaded), ['1|ann', '2|bob'])
      assert.deepEqual(text(streamed), ['3|cleo', '1|anna', '2|null', '20|bob', '3|null'])
      assert.deepEqual(shape.narrowing, {
        omitted: ['password'],
        listed: HAS_LISTS ? ['id', 'name'] : null,
        rows: null,
      })
    }
    assert.ok(!(await bytesOf(store)).includes(SECRET))
  })

  test('never leaves a server that has column lists', { skip: !HAS_LISTS }, async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    await without(db).prepare()
    assert.deepEqual(await publishedColumns(db), ['id', 'name'])
  })

  test('never reaches the spool', { skip: !HAS_STREAMING, timeout: 120_000 }, async () => {
    await using server = await testServer({ logical_decoding_work_mem: '64kB' })
    await using db = await server.database()
    // Under FULL the publication cannot list columns, so the bytes come to us whatever the version.
    await db.query(`${TABLE}; alter table app.users replica identity full`)
    const store = new MemoryStore()
    await using run = await start(db, { store })
    await run.loaded()
    const client = await db.client()
    await client.query('begin')
    await client.query(
      `insert into app.users select i, '${SECRET}-' || i, 'n' || i from generate_series(10, 9000) i`,
    )
    await client.query(`update app.users set name = 'x' where id >= 10`)
    const spooled = await spoolBytes(run.spoolPath)
    assert.ok(spooled.includes('n4000'), 'the transaction waits in the spool')
    assert.ok(!spooled.includes(SECRET))
    await client.query('commit')
    await run.caughtUp()
    const { streamed } = await run.read(USERS)
    assert.equal(streamed.length, 2 * 8991)
    assert.deepEqual(text(streamed.slice(-1)), ['9000|x'])
    assert.ok(!(await bytesOf(store)).includes(SECRET))
  })

  test('stays out under REPLICA IDENTITY FULL, and updates go on at the source', async () => {
    await using db = await testDatabase()
    await db.query(`${TABLE}; alter table app.users replica identity full`)
    const store = new MemoryStore()
    await using run = await start(db, { store })
    await run.loaded()
    // With a column list the server refused this: the list cannot cover the identity.
    await db.query(`update app.users set name = 'anna', password = '${SECRET}-5' where id = 1`)
    await db.query(`delete from app.users where id = 2`)
    await run.caughtUp()
    assert.deepEqual(text((await run.read(USERS)).streamed), ['1|anna', '2|bob'])
    assert.ok(!(await bytesOf(store)).includes(SECRET))
  })

  test('loses its column list when its table gets REPLICA IDENTITY FULL', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const store = new MemoryStore()
    await using run = await start(db, { store })
    await run.loaded()
    await db.query('alter table app.users replica identity full')
    if (HAS_LISTS) await until(db, `select from pg_publication_rel where prattrs is null`)
    await db.query(`update app.users set name = 'anna', password = '${SECRET}-5' where id = 1`)
    await run.caughtUp()
    assert.deepEqual(text((await run.read(USERS)).streamed), ['1|anna'])
    assert.ok(!(await bytesOf(store)).includes(SECRET))
  })

  test('may be one of a partitioned table', async () => {
    await using db = await testDatabase()
    await db.query(`create schema app;
      create table app.users (id int primary key, password text, name text) partition by range (id);
      create table app.users1 partition of app.users for values from (0) to (10);
      create table app.users2 (name text, password text, id int primary key);
      alter table app.users attach partition app.users2 for values from (10) to (20);
      insert into app.users values (1, '${SECRET}', 'ann'), (11, '${SECRET}', 'bob')`)
    const store = new MemoryStore()
    await using run = await start(db, { store })
    await run.loaded()
    await db.query(`update app.users set name = name || '!', password = '${SECRET}-5'`)
    await run.caughtUp()
    const { loaded, streamed } = await run.read(USERS)
    assert.deepEqual(text(loaded).toSorted(), ['11|bob', '1|ann'].toSorted())
    assert.deepEqual(text(streamed).toSorted(), ['11|bob!', '1|ann!'].toSorted())
    assert.ok(!(await bytesOf(store)).includes(SECRET))
  })

  test('leaves a column that is added later where it belongs: in the lake, with every value', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    await using run = await start(db)
    await run.loaded()
    // A column list is fixed: what was written before we saw the column came without it.
    await db.query(`alter table app.users add column email text;
      update app.users set email = 'ann@x' where id = 1`)
    if (HAS_LISTS) {
      await run.loadedTimes('app.users', 2)
      assert.deepEqual(text((await run.read(USERS)).loaded.slice(2)).toSorted(), [
        '1|ann|ann@x',
        '2|bob|null',
      ])
    }
    await db.query(`update app.users set email = 'bob@x' where id = 2`)
    await run.caughtUp()
    assert.deepEqual(text((await run.read(USERS)).streamed).slice(-1), ['2|bob|bob@x'])
  })

  test(
    'lets a column be dropped without a load, in one transaction',
    { skip: !HAS_LISTS },
    async () => {
      await using db = await testDatabase()
      await db.query(TABLE)
      const store = new MemoryStore()
      await using run = await start(db, { store })
      await run.loaded()
      await db.query(`begin;
      alter publication ${db.name} drop table app.users;
      alter table app.users drop column name;
      alter publication ${db.name} add table app.users (id);
      commit`)
      await db.query(`insert into app.users values (3, '${SECRET}-3')`)
      const looks = () => run.events.filter(({ type }) => type === 'tables-refused').length
      const before = looks()
      await run.until(() => looks() >= before + 2)
      await run.caughtUp()
      const { loaded, streamed } = await run.read(USERS)
      assert.deepEqual(text(loaded), ['1|ann', '2|bob'])
      assert.deepEqual(text(streamed), ['3|null'])
    },
  )

  test('that becomes the key has its table refused, and updates go on at the source', async () => {
    await using db = await testDatabase()
    await db.query(`${TABLE}; create table app.others (id int primary key)`)
    const store = new MemoryStore()
    await using run = await start(db, { store })
    await run.loaded()
    await db.query(`alter table app.users drop constraint users_pkey, add primary key (password)`)
    await run.until(() => run.refused['app.users'] === 'COLUMNS_UNFIT')
    // With the column list, which does not cover the identity, the server would refuse this.
    if (HAS_LISTS)
      await until(
        db,
        `select where not exists (select from pg_publication_rel
      where prattrs is not null)`,
      )
    await db.query(`update app.users set name = 'x' where id = 1`)
    await db.query('insert into app.others values (1)')
    await run.caughtUp()
    assert.ok(!(await bytesOf(store)).includes(SECRET))
  })

  test('leaves its table followed when a column is dropped', { skip: !HAS_LISTS }, async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const store = new MemoryStore()
    await using run = await start(db, { store })
    await run.loaded()
    // A listed column is part of the publication: without CASCADE the server refuses to drop it, and
    // with it the table is out of the publication, so that changes are missed until it is back.
    await assert.rejects(db.query('alter table app.users drop column name'), { code: '2BP01' })
    await db.query(`alter table app.users drop column name cascade;
      insert into app.users values (3, '${SECRET}-3')`)
    await run.loadedTimes('app.users', 2)
    assert.deepEqual(text((await run.read(USERS)).loaded.slice(2)), ['1|null', '2|null', '3|null'])
    assert.deepEqual(await publishedColumns(db), ['id'])
    assert.ok(!(await bytesOf(store)).includes(SECRET))
  })

  test('is loaded with the others once it is excluded no more', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const store = new MemoryStore()
    {
      await using run = await start(db, { store })
      await run.loaded()
      await run.caughtUp()
    }
    await using run = await CaptureRun.start(db, sourceOf(db), { store, lookEveryMs: 50 })
    await run.loadedTimes('app.users', 1)
    const { loaded } = await run.read(USERS)
    assert.deepEqual(text(loaded.slice(2)), [`1|ann|${SECRET}-1`, `2|bob|${SECRET}-2`])
    await db.query(`update app.users set name = 'x' where id = 1`)
    await run.caughtUp()
    const after = await run.read(USERS)
    assert.deepEqual(text(after.streamed), [`1|x|${SECRET}-1`])
    assert.equal(after.shape.narrowing, undefined)
  })
})

/** Waits for a large transaction that has not ended. */
async function spoolBytes(folder: string): Promise<string> {
  for (let i = 0; i < 1000; i++) {
    const names = await readdir(folder)
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')))
    if (texts.some((one) => one.includes('n4000'))) return texts.join('')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return ''
}

describe('what is excluded is refused', () => {
  const cases: [what: string, rule: ColumnRule, message: RegExp][] = [
    ['if it is a key', { tables: 'app.users', exclude: ['id'] }, /excludes id of app\.users/],
    ['if it is not there', { tables: 'app.users', exclude: ['pasword'] }, /has no column pasword/],
    ['if no table fits', { tables: 'app.user', exclude: ['password'] }, /no selected table fits/],
  ]
  for (const [what, rule, message] of cases) {
    test(what, async () => {
      await using db = await testDatabase()
      await db.query(TABLE)
      await assert.rejects(without(db, [rule]).prepare(), { code: 'COLUMNS_UNFIT', message })
      assert.deepEqual(await db.query('select from pg_publication'), [])
    })
  }

  test('if nothing is left', async () => {
    await using db = await testDatabase()
    await db.query(`create schema app; create table app.users (id int);
      alter table app.users replica identity full`)
    const rules = [{ tables: 'app.*', exclude: ['id'] }]
    await assert.rejects(without(db, rules).prepare(), { code: 'COLUMNS_UNFIT' })
  })
})

describe('a publication that was given', { skip: !HAS_LISTS }, () => {
  const PUBLICATION = { name: 'p', isOurs: false }
  const VIA = 'with (publish_via_partition_root = true)'

  async function given(db: TestDatabase, table: string): Promise<CaptureRun> {
    await db.query(`${TABLE}; create publication p for table ${table} ${VIA}`)
    const source = sourceOf(db, { publication: PUBLICATION })
    return CaptureRun.start(db, source, { lookEveryMs: 50 })
  }

  test('with a column list is loaded and streamed by it', async () => {
    await using db = await testDatabase()
    await using run = await given(db, 'app.users (id, name)')
    await run.loaded()
    await db.query(`insert into app.users values (3, '${SECRET}', 'cleo')`)
    await run.caughtUp()
    const { loaded, streamed } = await run.read(USERS)
    assert.deepEqual(text(loaded), ['1|ann', '2|bob'])
    assert.deepEqual(text(streamed), ['3|cleo'])
  })

  test('with a row filter is loaded and streamed by it', async () => {
    await using db = await testDatabase()
    await using run = await given(db, 'app.users where (id > 1)')
    await run.loaded()
    await db.query(`insert into app.users values (3, 'p', 'cleo'), (0, 'p', 'nobody')`)
    await db.query('update app.users set id = 1 - id where id = 3')
    await run.caughtUp()
    const { loaded, streamed } = await run.read(USERS)
    assert.deepEqual(text(loaded), [`2|${SECRET}-2|bob`])
    assert.deepEqual(text(streamed), ['3|p|cleo', '3|null|null'])
  })

  test('is loaded again when its filter changes, though no row comes', async () => {
    await using db = await testDatabase()
    await using run = await given(db, 'app.users where (id > 1)')
    await run.loaded()
    await db.query('alter publication p set table app.users where (id > 0)')
    await run.loadedTimes('app.users', 2)
    assert.deepEqual(text((await run.read(USERS)).loaded.slice(1)), [
      `1|${SECRET}-1|ann`,
      `2|${SECRET}-2|bob`,
    ])
    // The stream shows the change too, and nothing is loaded once more for it.
    await db.query(`update app.users set name = 'x' where id = 1`)
    await run.caughtUp()
    await run.caughtUp()
    assert.equal(run.events.filter(({ type }) => type === 'load-began').length, 2)
  })

  test('is loaded again when it lists more columns', async () => {
    await using db = await testDatabase()
    await using run = await given(db, 'app.users (id, name)')
    await run.loaded()
    await db.query('alter publication p set table app.users')
    await db.query(`update app.users set name = 'x' where id = 1`)
    await run.until(() => run.events.some((e) => e.type === 'load-ended' && e.rows === 2))
    await run.loadedTimes('app.users', 2)
    const { loaded } = await run.read(USERS)
    assert.deepEqual(text(loaded.slice(2)).toSorted(), [`1|x|${SECRET}-1`, `2|bob|${SECRET}-2`])
  })

  test('whose list lacks the key is refused, since updates fail at the source', async () => {
    await using db = await testDatabase()
    await db.query(`${TABLE}; create publication p for table app.users (name) ${VIA}`)
    await assert.rejects(sourceOf(db, { publication: PUBLICATION }).prepare(), {
      code: 'PUBLICATION_UNFIT',
      hint: 'run: ALTER PUBLICATION "p" DROP TABLE "app"."users"; ALTER PUBLICATION "p" ADD TABLE "app"."users"',
    })
  })
})
