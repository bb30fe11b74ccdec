/** CopyStream on a real server: large rows, errors, broken connections, back-pressure. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { Client } from 'pg'

import { connect } from '../../src/postgres/connect.ts'
import { CopyStream, FrameCursor } from '../../src/postgres/copy-stream.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { noConnections, until } from './support/source.ts'

const APPLICATION = 'millrace test: copy'

async function client(db: TestDatabase, isReplication = false): Promise<Client & AsyncDisposable> {
  const opened = await connect({ url: db.url, applicationName: APPLICATION, isReplication })
  return Object.assign(opened, {
    [Symbol.asyncDispose]: async () => opened.end().catch(() => {}),
  })
}

async function rowsOf(copy: CopyStream): Promise<string[]> {
  const rows: string[] = []
  const frames = new FrameCursor()
  for (let block = await copy.next(); block !== null; block = await copy.next()) {
    frames.open(block)
    while (frames.next()) rows.push(frames.bytes.toString('utf8', frames.start, frames.end))
  }
  return rows
}

const terminate = (db: TestDatabase) =>
  db.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = $1 and application_name = $2`,
    [db.name, APPLICATION],
  )

describe('COPY', () => {
  test('has one message a row, and leaves a connection that can go on', async () => {
    await using db = await testDatabase()
    await using at = await client(db)
    for (let round = 0; round < 3; round++) {
      const copy = at.query(
        new CopyStream('COPY (SELECT i FROM generate_series(1, 10000) i) TO STDOUT'),
      )
      await copy.started()
      const rows = await rowsOf(copy)
      assert.equal(rows.length, 10_000)
      assert.equal(rows.at(-1), '10000\n')
      assert.deepEqual((await at.query('select 1 as one')).rows, [{ one: 1 }])
    }
  })

  test('has rows that are larger than any chunk of the socket', async () => {
    await using db = await testDatabase()
    await using at = await client(db)
    const sql = `COPY (SELECT i, repeat(chr(96 + i), 5000000) FROM generate_series(1, 4) i) TO STDOUT`
    const rows = await rowsOf(at.query(new CopyStream(sql)))
    assert.deepEqual(
      rows.map((row) => [row.length, row.slice(0, 4), row.at(-2)]),
      ['a', 'b', 'c', 'd'].map((x, i) => [5_000_003, `${i + 1}\t${x}${x}`, x]),
    )
  })

  test('of nothing ends at once', async () => {
    await using db = await testDatabase()
    await using at = await client(db)
    const copy = at.query(new CopyStream('COPY (SELECT 1 WHERE false) TO STDOUT'))
    assert.equal(await copy.next(), null)
    assert.deepEqual((await at.query('select 1 as one')).rows, [{ one: 1 }])
  })

  test('that fails in its middle yields what came, then the error; the connection can go on', async () => {
    await using db = await testDatabase()
    await using at = await client(db)
    const sql = 'COPY (SELECT 10 / (5000 - i) FROM generate_series(1, 6000) i) TO STDOUT'
    const copy = at.query(new CopyStream(sql))
    await copy.started()
    await assert.rejects(rowsOf(copy), { code: '22012' })
    assert.deepEqual((await at.query('select 1 as one')).rows, [{ one: 1 }])
  })

  test('that is no SQL does not start', async () => {
    await using db = await testDatabase()
    await using at = await client(db)
    const copy = at.query(new CopyStream('COPY nothing TO STDOUT'))
    await assert.rejects(copy.started(), { code: '42P01' })
    assert.deepEqual((await at.query('select 1 as one')).rows, [{ one: 1 }])
  })

  test('ends with the connection while one waits for a row', async () => {
    await using db = await testDatabase()
    await using at = await client(db)
    const copy = at.query(new CopyStream('COPY (SELECT pg_sleep(60)) TO STDOUT'))
    const broken = assert.rejects(copy.next(), { code: 'CONNECTION_LOST' })
    await until(
      db,
      `select from pg_stat_activity where wait_event = 'PgSleep' and datname = '${db.name}'`,
    )
    await terminate(db)
    await broken
  })

  test('ends with the connection that we end ourselves, and that resolves', async () => {
    await using db = await testDatabase()
    await using at = await client(db)
    const sql = `COPY (SELECT repeat('x', 1000) FROM generate_series(1, 1000000)) TO STDOUT`
    const copy = at.query(new CopyStream(sql))
    await copy.next()
    await at.end()
    await assert.rejects(rowsOf(copy), { code: 'CONNECTION_LOST' })
    await noConnections(db)
  })

  test('makes the server wait when nobody takes the rows', async () => {
    await using db = await testDatabase()
    await using at = await client(db)
    const sql = `COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000)) TO STDOUT`
    const copy = at.query(new CopyStream(sql))
    await copy.next()
    await until(
      db,
      `select from pg_stat_activity where application_name = '${APPLICATION}'
        and wait_event = 'ClientWrite' and datname = '${db.name}'`,
    )
    const rows = await rowsOf(copy)
    assert.ok(rows.length > 90_000)
  })
})

describe('START_REPLICATION', () => {
  const start = (slot: string) =>
    `START_REPLICATION SLOT "${slot}" LOGICAL 0/0 (proto_version '1', publication_names 'p')`

  async function withSlot(db: TestDatabase): Promise<void> {
    await db.query('create table t (id int primary key); create publication p for table t')
    await db.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [db.name])
  }

  test('on a slot that is not there does not start', async () => {
    await using db = await testDatabase()
    await using at = await client(db, true)
    await assert.rejects(at.query(new CopyStream(start('nowhere'))).started(), { code: '42704' })
  })

  test('on a slot that is in use says so', async () => {
    await using db = await testDatabase()
    await withSlot(db)
    await using first = await client(db, true)
    await using second = await client(db, true)
    const copy = first.query(new CopyStream(start(db.name)))
    await copy.started()
    await assert.rejects(second.query(new CopyStream(start(db.name))).started(), {
      code: 'SLOT_IN_USE',
    })
    copy.destroy()
  })

  test('streams changes, and ends with its connection while one waits', async () => {
    await using db = await testDatabase()
    await withSlot(db)
    await using at = await client(db, true)
    const copy = at.query(new CopyStream(start(db.name)))
    await copy.started()
    await db.query('insert into t values (1)')
    let tags = ''
    const frames = new FrameCursor()
    while (!tags.includes('C')) {
      frames.open((await copy.next())!)
      while (frames.next()) {
        if (frames.bytes[frames.start] === 0x77) {
          tags += String.fromCodePoint(frames.bytes[frames.start + 25]!)
        }
      }
    }
    assert.equal(tags, 'BRIC')
    const broken = assert.rejects(rowsOf(copy), { code: 'CONNECTION_LOST' })
    await terminate(db)
    await broken
    await noConnections(db)
  })

  test('frees its slot when it is destroyed', async () => {
    await using db = await testDatabase()
    await withSlot(db)
    await using at = await client(db, true)
    const copy = at.query(new CopyStream(start(db.name)))
    await copy.started()
    copy.destroy()
    await noConnections(db)
  })
})
