/**
 * The views of `lake ddl`, read by DuckDB over a lake that a real database filled: the present rows
 * are those of the source, whatever happened to them.
 */

import assert from 'node:assert/strict'
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'

import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api'

import { packageRoot } from '../../src/cli/package-root.ts'
import { openLake, openTask } from '../../src/compose.ts'
import { loadConfig } from '../../src/config/load.ts'
import { compareTables } from '../../src/demo/compare.ts'
import { DIALECTS, tableDdl } from '../../src/lake/ddl/ddl.ts'
import { readTableFacts } from '../../src/lake/ddl/table-facts.ts'
import { taskFolder, type TaskFolder } from '../e2e/support/task-folder.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'

/** A value that is stored out of line, so that an update of something else does not send it. */
const BIG = `(select string_agg(md5(i::text), '') from generate_series(1, 200) i)`

const SET_UP = `
  create schema app;
  create table app.plain (id int primary key, a text, n numeric(12,2), at timestamptz, b bytea, ok bool, d date);
  create table app.moved (id int, part text, note text, big text, other text, primary key (id, part));
  create table app.cut (id int primary key, a text);
  create table app.shaped (id int primary key, a text, b int);
  create table app.added (id int primary key, a text);
  insert into app.added select i, 'a' from generate_series(1, 9) i;
  create table app.orders (id bigint primary key, status text, amount numeric(12,2), updated_by text);
  create table app.items (id bigint primary key, order_id bigint);
  insert into app.orders select i, 'new', i, 'ada' from generate_series(1, 50) i;
  create table app.empty (id int primary key, a text);
  create table app."Odd Name" (id int primary key, "Op" text, "_order" text, "a-b" text, "a_b" text);
  create table app.first (id int primary key, a text);
  alter table app.moved alter big set storage external;
  insert into app.plain select i, 'text, "' || i, i / 3.0, timestamptz '2026-01-01 10:00:00.123456+00' + i * interval '1 day',
    decode(lpad(to_hex(i), 4, '0'), 'hex'), i % 2 = 0, date '2026-01-01' + i from generate_series(1, 200) i;
  insert into app.plain (id, a) values (1000, ''), (1001, null), (1002, E'back\\\\slash\\nline');
  insert into app.moved select i, 'p', 'note ' || i, i || ${BIG}, null from generate_series(1, 30) i;
  insert into app.cut select i, 'old' from generate_series(1, 50) i;
  insert into app.shaped select i, 'a' || i, i from generate_series(1, 50) i;
  insert into app."Odd Name" select i, 'op' || i, 'o', 'dash', 'line' from generate_series(1, 5) i;
  insert into app.first select i, 'a' from generate_series(1, 5) i`

const CHANGES = [
  `update app.plain set a = a || '!' where id % 3 = 0; delete from app.plain where id % 7 = 0`,
  `insert into app.plain (id, a, n) values (7, 'again', 7.77); update app.plain set id = 5000 where id = 8`,
  `insert into app.plain (id, a) values (8, 'in the place of another')`,
  `update app.moved set note = 'kept big' where id <= 20`,
  `update app.moved set part = 'q' where id <= 10`,
  `begin; update app.moved set part = 'r' where id <= 5; update app.moved set id = id + 100 where id <= 5; commit`,
  `update app.moved set note = null, other = 'x' where part = 'r'; delete from app.moved where id = 30`,
  `insert into app.moved values (1, 'p', 'a new life', 'small', null); update app.moved set note = 'again' where id = 1`,
  `begin; insert into app.cut values (99, 'before'); truncate app.cut; insert into app.cut values (1, 'new'); commit`,
  `update app.cut set a = 'newer'`,
  `update app.added set a = 'b' where id = 1; alter table app.added add c text default 'of old rows'; update app.added set c = 'now' where id = 2`,
  `begin; update app.orders set status = 'paid', updated_by = 'bob' where id = 42; insert into app.items values (1, 42), (2, 42); commit`,
  `delete from app.orders where id = 41`,
  `alter table app.shaped add c text default 'of old'; update app.shaped set b = 0 where id < 5`,
  `alter table app.shaped rename a to z; update app.shaped set z = 'renamed' where id = 9`,
  `alter table app.shaped drop b; insert into app.shaped values (900, 'short', null)`,
  `insert into app.empty values (1, 'one')`,
  `update app."Odd Name" set "a-b" = 'changed', "Op" = null where id < 3`,
  `update app.first set a = 'b' where id = 1; alter table app.first rename to second; update app.second set a = 'c' where id = 2`,
]

const TABLES = ['added', 'plain', 'moved', 'cut', 'shaped', 'empty', 'second']

for (const format of ['csv.gz', 'parquet']) {
  describe(`the views for DuckDB over ${format}`, () => {
    let db: TestDatabase
    let folder: TaskFolder
    let duckdb: DuckDBInstance
    let connection: DuckDBConnection

    before(async () => {
      db = await testDatabase()
      await db.query(SET_UP)
      folder = await taskFolder(db.url, { targets: {}, lake: { format } })
      await runUntilCaughtUp(folder)
      for (const change of CHANGES) await db.query(change)
      const lake = openLake(loadConfig(folder.config, process.env).config)
      // What happened to rows of app.shaped cannot be told, so it is loaded again.
      do await runUntilCaughtUp(folder)
      while ([...(await lake.reader.recover()).tables.values()].some((one) => !one.newestLoad))
      duckdb = await DuckDBInstance.create(':memory:')
      connection = await duckdb.connect()
      for (const facts of await readTableFacts(lake, null)) {
        for (const sql of tableDdl(facts, DIALECTS.duckdb, folder.lake)) await connection.run(sql)
      }
      await connection.run(`set timezone = 'UTC'; create schema app`)
      for (const table of TABLES) {
        await connection.run(`create view app.${table} as select * from app_${table}_latest`)
      }
    })

    after(async () => {
      connection.closeSync()
      duckdb.closeSync()
      await folder[Symbol.asyncDispose]()
      await db[Symbol.asyncDispose]()
    })

    const query = async (sql: string) => (await connection.runAndReadAll(sql)).getRows()

    for (const table of TABLES) {
      test(`have the rows of ${table} as the source has them`, async () => {
        const name = { namespace: 'app', name: table }
        const [result] = await compareTables(await db.client(), query, [name])
        const { missing, extra, different, rows } = result!
        assert.deepEqual({ missing, extra, different }, { missing: 0, extra: 0, different: 0 })
        assert.ok(rows > 0)
      })
    }

    test('give columns names that no engine takes for the same', async () => {
      const rows = await query('select * from app_odd_name_latest where id = 1')
      assert.deepEqual(rows, [[1, null, 'o', 'changed', 'line']])
      const columns = await query(`select column_name from (describe app_odd_name_latest)`)
      assert.deepEqual(columns.flat(), ['id', 'op_2', '_order_2', 'a_b', 'a_b_2'])
    })

    test('tell every version of a row and when it came', async () => {
      const rows = await query(
        `select op, note from app_moved_history where id = 1 order by _epoch, _lsn, _seq`,
      )
      assert.deepEqual(
        rows.map(([op]) => op),
        ['U', 'D', 'I', 'D', 'I', 'D', 'I', 'U'],
      )
    })

    test('answer every query of docs/query.md', async () => {
      const page = await readFile(join(packageRoot(), 'docs/query.md'), 'utf8')
      const queries = [...page.matchAll(/^```sql\n(.*?)^```/gms)].map(([, sql]) => sql!)
      const answers: unknown[][][] = []
      for (const sql of queries) answers.push(await query(sql))
      const [versions, together, asOf, perHour, deleted] = answers
      assert.deepEqual(
        versions!.map(([, op, status, , by]) => [op, status, by]),
        [['U', 'paid', 'bob']],
      )
      assert.deepEqual(
        together!.map((row) => row.slice(1)),
        [
          [42n, 'paid', 'I', 1n],
          [42n, 'paid', 'I', 2n],
        ],
      )
      assert.equal(asOf!.length, 49)
      assert.deepEqual(perHour!.map(([, op, count]) => [op, count]).slice(0, 2), [
        ['D', 1n],
        ['U', 1n],
      ])
      assert.equal(deleted!.length, 1)
      assert.equal(queries.length, 5)
    })

    test('count a flush that a crash repeated once', async () => {
      const [[once]] = (await query('select count(*) from app_plain_history')) as [[bigint]]
      const [[file]] = (await query(
        `select file from glob('${folder.lake}/app/plain/cdc/*/*') order by 1 limit 1`,
      )) as [[string]]
      await copyFile(file, file.replace(/-g\d+/, '-g0'))
      const [[twice]] = (await query('select count(*) from app_plain_history')) as [[bigint]]
      assert.equal(twice, once)
      assert.ok(once > 0n)
    })
  })
}

async function runUntilCaughtUp(folder: TaskFolder): Promise<void> {
  const { config } = loadConfig(folder.config, process.env)
  await using task = await openTask(config, () => {})
  const running = task.run(new AbortController().signal)
  await task.endWhenCaughtUp()
  await running
}
