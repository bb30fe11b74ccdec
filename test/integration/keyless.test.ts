/** Tables whose rows cannot be found again, on a real server: refused alone, and never published. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Applier } from '../../src/apply/applier.ts'
import { BlockPool } from '../../src/core/change-log.ts'
import type { TaskEvent } from '../../src/core/events.ts'
import { LogReader } from '../../src/lake/log/log-reader.ts'
import { Shapes } from '../../src/lake/shapes.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { MemoryTarget } from '../support/memory-target.ts'
import { testDatabase, type TestDatabase } from '../support/postgres.ts'
import { CaptureRun, type LakeRow } from './support/capture-run.ts'
import { sourceOf } from './support/source.ts'

const ORDERS = 'create table orders (id int primary key, note text)'

function start(db: TestDatabase, store = new MemoryStore()): Promise<CaptureRun> {
  return CaptureRun.start(db, sourceOf(db), { store, lookEveryMs: 50 })
}

function named(name: string) {
  return { namespace: 'public', name }
}

function text(rows: readonly LakeRow[]): string[] {
  return rows.map((row) => row.map((value) => value?.toString() ?? 'null').join('|'))
}

async function published(db: TestDatabase): Promise<unknown[]> {
  const rows = await db.query('select tablename as name from pg_publication_tables order by 1')
  return rows.map(({ name }) => name)
}

describe('a table without a key', () => {
  test('keeps a task from its first start, and is published by nobody', async () => {
    await using db = await testDatabase()
    await db.query(`${ORDERS}; create table log (note text)`)
    await assert.rejects(sourceOf(db).prepare(), { code: 'TABLE_WITHOUT_KEY' })
    assert.deepEqual(await published(db), [])
  })

  test('that appears later is refused alone; its owner may go on to update it', async () => {
    await using db = await testDatabase()
    await db.query(ORDERS)
    await using run = await start(db)
    await run.loaded()
    await db.query(`create table log (note text); insert into log values ('a')`)
    await run.until(() => run.refused['public.log'] === 'TABLE_WITHOUT_KEY')
    // In a publication this would fail: "cannot update table because it does not have a replica identity".
    await db.query(`update log set note = 'b'; delete from log where note = 'c'`)
    assert.deepEqual(await published(db), ['orders'])
    await db.query(`insert into orders values (1, 'goes on')`)
    await run.caughtUp()
    assert.deepEqual(text((await run.read(named('orders'))).streamed), ['1|goes on'])
  })

  test('stops nothing at the next start either, and is told of with its cure', async () => {
    await using db = await testDatabase()
    await db.query(ORDERS)
    const store = new MemoryStore()
    {
      await using run = await start(db, store)
      await run.loaded()
      await run.caughtUp()
    }
    await db.query('create table log (note text)')
    await using run = await start(db, store)
    await run.loaded()
    const told = run.events.find((event) => event.type === 'tables-refused')
    assert.match(
      String(told?.refused[0]?.error.hint),
      /ALTER TABLE "public"\."log" ADD PRIMARY KEY/,
    )
    await db.query(`insert into orders values (1, 'goes on')`)
    await run.caughtUp()
  })

  test('is loaded and followed once it has one', async () => {
    await using db = await testDatabase()
    await db.query(ORDERS)
    await using run = await start(db)
    await run.loaded()
    await db.query(`create table log (id int not null); insert into log values (1)`)
    await run.until(() => run.refused['public.log'] !== undefined)
    await db.query('alter table log add primary key (id)')
    await run.loadedTimes('public.log', 1)
    assert.deepEqual(run.refused, {})
    await db.query('insert into log values (2)')
    await run.caughtUp()
    const { loaded, streamed } = await run.read(named('log'))
    assert.deepEqual([text(loaded), text(streamed)], [['1'], ['2']])
  })

  test('of a publication for all tables is left out of the lake, until it has one', async () => {
    await using db = await testDatabase()
    await db.query(`${ORDERS};
      create publication p for all tables with (publish_via_partition_root = true)`)
    const source = sourceOf(db, { publication: { name: 'p', isOurs: false } })
    await using run = await CaptureRun.start(db, source, { lookEveryMs: 50 })
    await run.loaded()
    await db.query(`create table log (id int not null)`)
    await db.query(`insert into log values (1); insert into orders values (1)`)
    await run.until(() => run.refused['public.log'] === 'TABLE_WITHOUT_KEY')
    await db.query('alter table log add primary key (id)')
    await run.loadedTimes('public.log', 1)
    await db.query('insert into log values (2)')
    await run.caughtUp()
    const { loaded, streamed } = await run.read(named('log'))
    assert.deepEqual([text(loaded), text(streamed)], [['1'], ['2']])
  })
})

test('a table that we may not read is refused alone, too', async () => {
  await using db = await testDatabase()
  const role = `reader_${db.name}`
  await db.query(`${ORDERS}; create role ${role} login replication password 'x';
    grant create on database ${db.name} to ${role}; alter table orders owner to ${role}`)
  try {
    const url = new URL(db.url)
    url.username = role
    url.password = 'x'
    const source = sourceOf(db, { url: url.href })
    await using run = await CaptureRun.start(db, source, { lookEveryMs: 50 })
    await run.loaded()
    await db.query('create table secret (id int primary key)')
    await run.until(() => run.refused['public.secret'] === 'PERMISSION_DENIED')
    await db.query(`insert into orders values (1, 'goes on')`)
    await run.caughtUp()
    assert.deepEqual(await published(db), ['orders'])
  } finally {
    await db.query(`drop owned by ${role}; drop role ${role}`)
  }
})

test('a table that went out of our publication is loaded again when it is back', async () => {
  await using db = await testDatabase()
  await db.query(`${ORDERS}; insert into orders values (1, 'a')`)
  await using run = await start(db)
  await run.loaded()
  await db.query(`alter publication ${db.name} drop table orders`)
  // Nobody sees this one: it is in no publication.
  await db.query(`update orders set note = 'b' where id = 1`)
  await run.loadedTimes('public.orders', 2)
  await db.query(`update orders set note = 'c' where id = 1`)
  await run.caughtUp()
  // Once is enough: looks that follow find nothing to load.
  const looks = () => run.events.filter(({ type }) => type === 'tables-refused').length
  const before = looks()
  await run.until(() => looks() >= before + 3)
  const { loaded, streamed } = await run.read(named('orders'))
  assert.deepEqual(text(loaded), ['1|a', '1|b'])
  assert.deepEqual(text(streamed).slice(-1), ['1|c'])
})

test('and also if we are killed before its load has begun', async () => {
  await using db = await testDatabase()
  await db.query(`${ORDERS}; insert into orders values (1, 'a')`)
  const store = new MemoryStore()
  {
    await using run = await start(db, store)
    await run.loaded()
    await run.caughtUp()
  }
  await db.query(`alter publication ${db.name} drop table orders`)
  await db.query(`update orders set note = 'b' where id = 1`)
  // What a process does that dies right after.
  await sourceOf(db).prepare()
  assert.deepEqual(await published(db), ['orders'])
  await using run = await start(db, store)
  await run.loadedTimes('public.orders', 1)
  assert.deepEqual(text((await run.read(named('orders'))).loaded), ['1|a', '1|b'])
})

test('a table that somebody else puts back into a publication is loaded again', async () => {
  await using db = await testDatabase()
  await db.query(`${ORDERS}; create table other (id int primary key);
    insert into orders values (1, 'a');
    create publication p for table orders, other with (publish_via_partition_root = true)`)
  const source = sourceOf(db, { publication: { name: 'p', isOurs: false } })
  await using run = await CaptureRun.start(db, source, { lookEveryMs: 50 })
  await run.loaded()
  await db.query('alter publication p drop table orders')
  await run.until(() => run.refused['public.orders'] === 'PUBLICATION_UNFIT')
  await db.query(`update orders set note = 'b' where id = 1`)
  await db.query('alter publication p add table orders')
  await run.loadedTimes('public.orders', 2)
  assert.deepEqual(text((await run.read(named('orders'))).loaded), ['1|a', '1|b'])
})

describe('a table with REPLICA IDENTITY FULL and no key', () => {
  const LOG = `create table log (kind text, note text); alter table log replica identity full;
    insert into log values ('k', 'x'), ('k', 'x'), ('k', 'y')`

  test('is in the lake with whole rows: each delete is of one of them', async () => {
    await using db = await testDatabase()
    await db.query(LOG)
    await using run = await start(db)
    await run.loaded()
    await db.query(`delete from log where ctid in (select min(ctid) from log where note = 'x')`)
    await db.query(`update log set note = 'z' where note = 'y'`)
    await db.query(`update log set note = 'x' where note = 'x'`)
    await run.caughtUp()
    const { shape, loaded, streamed } = await run.read(named('log'))
    assert.deepEqual(shape.key, [])
    assert.deepEqual(text(loaded), ['k|x', 'k|x', 'k|y'])
    // A row is its own name, so an update is the end of one and the beginning of another.
    assert.deepEqual(text(streamed), ['k|x', 'k|y', 'k|z', 'k|x', 'k|x'])
  })

  test('has large values in full, though they did not change', async () => {
    await using db = await testDatabase()
    await db.query(`create table log (kind text, note text); alter table log replica identity full;
      alter table log alter column note set storage external`)
    await using run = await start(db)
    await run.loaded()
    await db.query(`insert into log values ('a', repeat('x', 5000)); update log set kind = 'b'`)
    await run.caughtUp()
    const { streamed } = await run.read(named('log'))
    const note = 'x'.repeat(5000)
    assert.deepEqual(text(streamed), [`a|${note}`, `a|${note}`, `b|${note}`])
  })

  test('is refused by a target alone, until it has a key', async () => {
    await using db = await testDatabase()
    await db.query(`${LOG}; ${ORDERS}; insert into orders values (1, 'a')`)
    const store = new MemoryStore()
    await using run = await start(db, store)
    await run.loaded()
    await run.caughtUp()
    const { applier, target, events } = applierOf(store)
    await applier.drainOnce()
    const failed = events.find((event) => event.type === 'straggler' && event.error !== null)
    assert.ok(failed?.type === 'straggler')
    assert.deepEqual([failed.table, failed.state], ['public.log', 'suspended'])
    assert.equal(failed.error?.code, 'TABLE_WITHOUT_KEY')
    assert.deepEqual(applier.position().suspended, 1)
    await db.query(`insert into orders values (2, 'b'); delete from log where note = 'y'`)
    await run.caughtUp()
    await applier.drainOnce()
    assert.equal(target.rows(named('orders'))!.size, 2)

    await db.query(`alter table log add column id serial primary key`)
    await db.query(`insert into log values ('k', 'new')`)
    await run.loadedTimes('public.log', 2)
    await applier.drainOnce()
    assert.equal(target.rows(named('log'))!.size, 3)
    assert.equal(applier.position().suspended, 0)
  })
})

function applierOf(store: MemoryStore) {
  const shapes = new Shapes(store)
  const events: TaskEvent[] = []
  const target = new MemoryTarget()
  const applier = new Applier({
    consumer: 'test/memory',
    target,
    log: new LogReader({ store, shapes, rollupEvery: 1000 }),
    shapes,
    requests: { read: async () => null, write: async () => {}, remove: async () => {} },
    clock: systemClock,
    pool: new BlockPool(),
    limits: { rows: 1000, bytes: 1 << 20, manifests: 100 },
    emit: (event) => void events.push(event),
    intervalMs: 1000,
  })
  return { applier, target, events }
}
