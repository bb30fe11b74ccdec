/** The demo shop and what goes on in it, on a real server. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import pg from 'pg'

import { SHOP_TABLES } from '../../src/demo/shop-schema.ts'
import { createShop, hasShop } from '../../src/demo/shop.ts'
import { runWorkload } from '../../src/demo/workload.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'

describe('the demo shop', () => {
  test('is the same every time, has rows in every table, and is there whole or not at all', async () => {
    await using first = await testDatabase()
    await using second = await testDatabase()
    const client = await first.client()
    assert.equal(await hasShop(client), false)
    await createShop(client, { scale: 0.01 })
    assert.equal(await hasShop(client), true)
    await assert.rejects(createShop(client, { scale: 0.01 }), { code: '42P06' })
    await createShop(await second.client(), { scale: 0.01 })
    const contents = await contentsOf(first)
    assert.deepEqual(contents, await contentsOf(second))
    assert.equal(contents.size, SHOP_TABLES.length)
    for (const [table, { rows }] of contents) assert.ok(rows > 0, table)
  })

  test('has large values that are stored apart', async () => {
    await using db = await testDatabase()
    await createShop(await db.client(), { scale: 0.01 })
    const [row] = await db.query(
      `select min(octet_length(body)) > 10000 as is_large, max(pg_column_size(body)) as stored,
         pg_relation_size(reltoastrelid) > 100000 as is_apart
       from analytics.documents, pg_class where pg_class.oid = 'analytics.documents'::regclass
       group by reltoastrelid`,
    )
    assert.equal(row?.['is_large'], true)
    assert.equal(row?.['is_apart'], true)
  })
})

describe('the workload', () => {
  test('inserts, updates, deletes, changes keys and rolls back, and ends with no transaction open', async () => {
    await using db = await testDatabase()
    await createShop(await db.client(), { scale: 0.01 })
    await db.query('create publication everything for all tables')
    await db.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [db.name])
    await using pool = poolOf(db)
    const stop = new AbortController()
    const work = runWorkload(pool.pool, { signal: stop.signal, seed: 3, ratePerSecond: 20_000 })
    await untilTransactions(db, 400)
    stop.abort()
    const counts = await work
    assert.ok(counts.transactions > 0 && counts.changes > counts.transactions)
    assert.ok(counts.rollbacks > 0)

    const kinds = await db.query(
      `select chr(get_byte(data, 0)) as kind, count(*)::int
       from pg_logical_slot_get_binary_changes($1, null, null,
         'proto_version', '1', 'publication_names', 'everything') group by 1`,
      [db.name],
    )
    const count = new Map(kinds.map((row) => [row['kind'], Number(row['count'])]))
    for (const kind of ['I', 'U', 'D']) assert.ok((count.get(kind) ?? 0) > 10, `changes ${kind}`)
    // A few steps may have changed no row; what changed rows is in the log.
    assert.ok((count.get('B') ?? 0) <= counts.transactions)
    const open = await db.query(
      `select pid from pg_stat_activity where datname = $1 and state like 'idle in transaction%'`,
      [db.name],
    )
    assert.deepEqual(open, [])
  })

  test('goes on in a shop where it has been before', async () => {
    await using db = await testDatabase()
    await createShop(await db.client(), { scale: 0.01 })
    await using pool = poolOf(db)
    for (const run of [1, 2]) {
      const orders = await countOf(db, 'app.orders')
      const stop = new AbortController()
      const work = runWorkload(pool.pool, { signal: stop.signal, ratePerSecond: 20_000 })
      await untilTransactions(db, 300)
      stop.abort()
      await work
      assert.ok((await countOf(db, 'app.orders')) > orders, `run ${run}`)
    }
  })

  test('ends at once when it is told to before it began', async () => {
    await using db = await testDatabase()
    await createShop(await db.client(), { scale: 0.01 })
    await using pool = poolOf(db)
    const counts = await runWorkload(pool.pool, { signal: AbortSignal.abort() })
    assert.deepEqual(counts, { transactions: 0, changes: 0, rollbacks: 0 })
  })
})

function poolOf(db: TestDatabase): AsyncDisposable & { readonly pool: pg.Pool } {
  const pool = new pg.Pool({ connectionString: db.url })
  return { pool, [Symbol.asyncDispose]: () => pool.end() }
}

async function countOf(db: TestDatabase, table: string): Promise<number> {
  return Number((await db.query(`select count(*) from ${table}`))[0]?.['count'])
}

/** Waits until so many more transactions have got an id. */
async function untilTransactions(db: TestDatabase, count: number): Promise<void> {
  const next = async () =>
    Number(
      (await db.query(`select txid_snapshot_xmax(txid_current_snapshot()) as next`))[0]?.['next'],
    )
  const end = (await next()) + count
  while ((await next()) < end) await db.query('select pg_sleep(0.02)')
}

/** Per table the number of its rows, and a hash of all of them. */
async function contentsOf(db: TestDatabase): Promise<Map<string, { rows: number; hash: unknown }>> {
  const contents = new Map<string, { rows: number; hash: unknown }>()
  for (const { namespace, name } of SHOP_TABLES) {
    const table = `${namespace}.${name}`
    const [row] = await db.query(
      `select count(*)::int as rows, md5(string_agg(t::text, '|' order by t::text)) as hash from ${table} t`,
    )
    contents.set(table, { rows: Number(row?.['rows']), hash: row?.['hash'] })
  }
  return contents
}
