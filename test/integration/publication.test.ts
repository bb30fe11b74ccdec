/** The publication on a real server: made, extended, refused. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { readPublication } from '../../src/capture/preflight/publication-facts.ts'
import { ensurePublication, type Publication } from '../../src/capture/publication/publication.ts'
import { hasCode } from '../../src/core/errors.ts'
import type { TableName } from '../../src/core/table.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { noConnections, sourceOf, until } from './support/source.ts'

const TABLES = `
  create schema app;
  create table app.orders (id int primary key, note text);
  create table app.users (id int primary key);
  create table app.parts (id int primary key) partition by range (id);
  create table app.part1 partition of app.parts for values from (0) to (10);`

const HAS_SCHEMAS_AND_FILTERS = Number(process.env['PG_VERSION'] ?? '18') >= 15

const OURS: Publication = { name: 'p', isOurs: true }
const GIVEN: Publication = { name: 'p', isOurs: false }

function prepare(
  db: TestDatabase,
  publication: Publication,
  isSelected: (name: TableName) => boolean = () => true,
) {
  return sourceOf(db, { publication, isSelected }).prepare()
}

async function published(db: TestDatabase): Promise<unknown[]> {
  const rows = await db.query(
    `select schemaname || '.' || tablename as name from pg_publication_tables
      where pubname = 'p' order by 1`,
  )
  return rows.map(({ name }) => name)
}

describe('our publication', () => {
  test('is made as a list of the selected tables, by their roots', async () => {
    await using db = await testDatabase()
    await db.query(TABLES)
    await prepare(db, OURS, ({ name }) => name !== 'users')
    assert.deepEqual(await published(db), ['app.orders', 'app.parts'])
    const [row] = await db.query(
      `select puballtables, pubviaroot, pubinsert and pubupdate and pubdelete and pubtruncate as all
         from pg_publication`,
    )
    assert.deepEqual(row, { puballtables: false, pubviaroot: true, all: true })
    await noConnections(db)
  })

  test('stays as it is on the next start', async () => {
    await using db = await testDatabase()
    await db.query(TABLES)
    await prepare(db, OURS)
    const [before] = await db.query('select oid, xmin from pg_publication')
    await prepare(db, OURS)
    assert.deepEqual(await db.query('select oid, xmin from pg_publication'), [before])
  })

  test('gets the tables that match later, and keeps those that match no more', async () => {
    await using db = await testDatabase()
    await db.query(TABLES)
    await prepare(db, OURS, ({ name }) => name === 'users')
    await db.query(`create table app."New ""one""" (id int primary key)`)
    await prepare(db, OURS, ({ name }) => name !== 'users')
    assert.deepEqual(await published(db), ['app.New "one"', 'app.orders', 'app.parts', 'app.users'])
  })

  test('is made once by two first starts at the same time', { timeout: 20_000 }, async () => {
    await using db = await testDatabase()
    await db.query('create table t (id int primary key); create table u (id int primary key)')
    const other = await db.client()
    await other.query(`begin; create publication ${db.name} for table t
      with (publish_via_partition_root = true)`)
    const preparing = sourceOf(db).prepare()
    await until(
      db,
      `select 1 from pg_stat_activity where datname = '${db.name}' and wait_event_type = 'Lock'`,
    )
    await other.query('commit')
    const { tables } = await preparing
    assert.equal(tables.length, 2)
    // It looked, found none, and somebody made one before it could.
    const publication = { name: db.name, isOurs: true }
    await ensurePublication(await db.client(), publication, { found: null, tables })
    const both = await db.query(
      'select tablename from pg_publication_tables where pubname = $1 order by 1',
      [db.name],
    )
    assert.deepEqual(both, [{ tablename: 't' }, { tablename: 'u' }])
  })

  test('is tried again later where a table was changed since the look', async () => {
    await using db = await testDatabase()
    await db.query(`${TABLES} create publication p for table app.users`)
    const client = await db.client()
    const tables = ['users', 'gone'].map((name) => ({ name: { namespace: 'app', name } }))
    const found = await readPublication(client, 'p')
    const changed = { code: 'TABLE_CHANGED' }
    await assert.rejects(ensurePublication(client, OURS, { found, tables }), changed)
    if (!HAS_SCHEMAS_AND_FILTERS) return
    const listed = [{ ...tables[0]!, list: ['id', 'gone'] }]
    await assert.rejects(ensurePublication(client, OURS, { found, tables: listed }), changed)
    await db.query('alter publication p drop table app.users')
    listed[0]!.list = ['id']
    await assert.rejects(ensurePublication(client, OURS, { found, tables: listed }), changed)
  })

  test('is not waited for once it is there, nor when we are told to stop', async () => {
    await using db = await testDatabase()
    await db.query(TABLES)
    const other = await db.client()
    const lock = 'begin; lock table app.users in access exclusive mode'
    const source = sourceOf(db, { publication: OURS })
    await other.query(lock)
    const stop = new AbortController()
    const first = source.prepare(stop.signal)
    const waiting = `select 1 from pg_stat_activity where datname = '${db.name}' and wait_event_type = 'Lock'`
    await until(db, waiting)
    stop.abort()
    await assert.rejects(first, { code: 'CONNECTION_LOST' })
    await assert.rejects(source.prepare(), { code: 'TABLE_CHANGED', message: /lock timeout/ })
    await other.query('commit')
    await source.prepare()
    assert.equal((await published(db)).length, 3)
  })

  test('may have any name', async () => {
    await using db = await testDatabase()
    await db.query(TABLES)
    const publication = { name: `Odd "name's`, isOurs: true }
    await prepare(db, publication)
    await prepare(db, publication)
    assert.deepEqual(await db.query('select pubname from pg_publication'), [
      { pubname: `Odd "name's` },
    ])
  })

  test('that we may not make says which statement the owner must run', async () => {
    await using db = await testDatabase()
    await db.query(`${TABLES} create role poor_${db.name} login replication password 'x';
      grant usage on schema app to poor_${db.name};
      grant select on all tables in schema app to poor_${db.name}`)
    try {
      const url = new URL(db.url)
      url.username = `poor_${db.name}`
      url.password = 'x'
      const source = sourceOf(db, {
        url: url.href,
        publication: OURS,
        isSelected: ({ name }) => name === 'orders',
      })
      await assert.rejects(source.prepare(), (error: unknown) => {
        assert.ok(hasCode(error, 'PERMISSION_DENIED'), String(error))
        const said = `${error.message} ${error.hint}`
        assert.ok(said.includes('CREATE PUBLICATION "p" FOR TABLE "app"."orders" WITH'), said)
        return true
      })
    } finally {
      await db.query(`drop owned by poor_${db.name}; drop role poor_${db.name}`)
    }
  })
})

describe('a publication that was given', () => {
  const via = 'publish_via_partition_root = true'
  const good: [name: string, sql: string][] = [
    ['for all tables', `create publication p for all tables with (${via})`],
    [
      'for a list that has them all',
      `create publication p for table app.orders, app.users, app.parts with (${via})`,
    ],
  ]
  if (HAS_SCHEMAS_AND_FILTERS) {
    good.push(
      [
        'with only some rows and columns of a table',
        `create publication p for table app.orders (id) where (id > 5), app.users, app.parts with (${via})`,
      ],
      ['for a schema', `create publication p for tables in schema app with (${via})`],
      [
        'for a schema and a table',
        `create schema other; alter table app.users set schema other;
         create publication p for tables in schema app, table other.users with (${via})`,
      ],
    )
  }
  for (const [name, sql] of good) {
    test(`${name} is used as it is`, async () => {
      await using db = await testDatabase()
      await db.query(`${TABLES} ${sql}`)
      const before = await db.query('select p.*, p.xmin from pg_publication p')
      await prepare(db, GIVEN)
      assert.deepEqual(await db.query('select p.*, p.xmin from pg_publication p'), before)
    })
  }

  const refused: [name: string, sql: string, hint: string][] = [
    [
      'is missing',
      '',
      'run: CREATE PUBLICATION "p" FOR TABLE "app"."orders", "app"."parts", "app"."users" WITH (publish_via_partition_root = true)',
    ],
    [
      'lacks tables',
      `create publication p for table app.users with (${via})`,
      'run: ALTER PUBLICATION "p" ADD TABLE "app"."orders", "app"."parts"',
    ],
    [
      'does not publish every kind of change',
      `create publication p for all tables with (${via}, publish = 'insert, update')`,
      `run: ALTER PUBLICATION "p" SET (publish = 'insert, update, delete, truncate')`,
    ],
    [
      'publishes partitions one by one',
      'create publication p for all tables',
      'run: ALTER PUBLICATION "p" SET (publish_via_partition_root = true)',
    ],
  ]
  for (const [name, sql, hint] of refused) {
    test(`that ${name} is refused, with the statement that helps`, async () => {
      await using db = await testDatabase()
      await db.query(`${TABLES} ${sql}`)
      const before = await db.query('select p.*, p.xmin from pg_publication p')
      await assert.rejects(prepare(db, GIVEN), { code: 'PUBLICATION_UNFIT', hint })
      assert.deepEqual(await db.query('select p.*, p.xmin from pg_publication p'), before)
      await noConnections(db)
    })
  }

  for (const [name, sql, hint] of refused.slice(1)) {
    test(`that ${name} can be used once its hint was followed`, async () => {
      await using db = await testDatabase()
      await db.query(`${TABLES} ${sql}`)
      for (const statement of hint.replace('run: ', '').split(';')) await db.query(statement)
      await prepare(db, GIVEN)
    })
  }

  test('may leave out tables that are not selected, or rows of them', async () => {
    await using db = await testDatabase()
    const rows = HAS_SCHEMAS_AND_FILTERS ? 'where (id > 5)' : ''
    await db.query(`${TABLES}
      create publication p for table app.orders ${rows}, app.users with (${via})`)
    await prepare(db, GIVEN, ({ name }) => name === 'users')
  })
})
