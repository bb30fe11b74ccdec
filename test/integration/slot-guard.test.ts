/** The slot on a real server: lost, over its budget, and held by a connection that is dead to us. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { SlotGuard } from '../../src/capture/slot/slot-guard.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { TaskEvent } from '../../src/core/events.ts'
import { systemClock } from '../../src/system-clock.ts'
import { testDatabase, testServer, type TestDatabase } from '../support/postgres.ts'
import { noConnections, sourceOf, until } from './support/source.ts'

const NEVER = new AbortController().signal
const NEW_SLOT = { mayCreate: true, mayStream: false }
const TABLE = 'create schema app; create table app.t (id int primary key, v text)'

/** Real time, in which nobody waits for long. */
const HASTY: Clock = {
  now: () => systemClock.now(),
  sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 5), signal),
}

/** Writes about as many MiB of WAL. */
async function writeWal(db: TestDatabase, mib: number): Promise<void> {
  await db.query(`insert into app.t select coalesce(max(id), 0) + 1, '' from app.t`)
  for (let i = 0; i < mib; i++) {
    await db.query(`select pg_logical_emit_message(false, 'noise', repeat('x', 1 << 20))`)
  }
}

async function slots(db: TestDatabase): Promise<number> {
  const sql = 'select 1 from pg_replication_slots where database = $1'
  return (await db.query(sql, [db.name])).length
}

describe('a slot over its budget', () => {
  test('is dropped, though our stream is reading it, and the guard says why', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const source = sourceOf(db)
    await source.prepare()
    const slot = await source.open(NEW_SLOT, NEVER)
    await writeWal(db, 3)
    const budget = { bytes: 2 << 20, action: 'drop-slot' } as const
    const guard = new SlotGuard({ watch: source.watch(), budget, clock: HASTY, emit: () => {} })
    await assert.rejects(guard.run(NEVER), { code: 'WAL_BUDGET_SPENT' })
    assert.equal(await slots(db), 0)
    await slot[Symbol.asyncDispose]()
    await noConnections(db)
  })

  test('is left alone while somebody else reads it', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const [ours, theirs] = [sourceOf(db), sourceOf(db)]
    await theirs.prepare()
    await using _ = await theirs.open(NEW_SLOT, NEVER)
    await writeWal(db, 3)
    const budget = { bytes: 2 << 20, action: 'drop-slot' } as const
    const stop = new AbortController()
    const told: string[] = []
    const emit = (event: TaskEvent): void => {
      if (event.type !== 'capture-warnings') return
      told.push(...event.warnings.map(({ kind }) => kind))
      if (told.includes('not-dropped')) stop.abort()
    }
    const watch = ours.watch()
    await new SlotGuard({ watch, budget, clock: HASTY, emit }).run(stop.signal)
    assert.deepEqual(told, ['wal-budget', 'wal-budget', 'not-dropped'])
    const active = await db.query(
      'select 1 from pg_replication_slots where database = $1 and active',
      [db.name],
    )
    assert.equal(active.length, 1)
  })
})

describe('a slot that the server gave up', () => {
  test('is told before the start, with the way out, which drops it', async () => {
    await using server = await testServer({ max_slot_wal_keep_size: '1MB' })
    await using db = await server.database()
    await db.query(TABLE)
    const source = sourceOf(db)
    await source.prepare()
    await (await source.open(NEW_SLOT, NEVER))[Symbol.asyncDispose]()
    await noConnections(db)
    for (let i = 0; i < 3; i++) {
      await writeWal(db, 1)
      await db.query('select pg_switch_wal()')
    }
    await db.query('checkpoint')
    await until(db, `select 1 from pg_replication_slots where wal_status = 'lost'`)
    await assert.rejects(source.prepare(), {
      code: 'SLOT_LOST',
      message: /it removed WAL that the slot needed \(max_slot_wal_keep_size\)/,
      hint: /millrace resync --all/,
    })
    const watch = source.watch()
    assert.equal((await watch.read()).slot?.walStatus, 'lost')
    watch.close()
    // One that is well stays.
    await source.dropLostSlot()
    assert.equal(await slots(db), 0)
    await (await source.open(NEW_SLOT, NEVER))[Symbol.asyncDispose]()
    await source.dropLostSlot()
    assert.equal(await slots(db), 1)
  })
})

describe('a slot in use', () => {
  // A connection that the network has swallowed holds the slot until the server notices.
  test('is taken over from a connection that this process gave up', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const source = sourceOf(db)
    await source.prepare()
    await using _ = await source.open(NEW_SLOT, NEVER)
    await assert.rejects(source.open(NEW_SLOT, NEVER), { code: 'SLOT_IN_USE' })
    await until(
      db,
      `select 1 where not exists (
      select from pg_replication_slots where slot_name = '${db.name}' and active)`,
    )
    await using again = await source.open(NEW_SLOT, NEVER)
    assert.equal(again.snapshot, null)
  })

  test('is never taken from another process', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const [ours, theirs] = [sourceOf(db), sourceOf(db)]
    await theirs.prepare()
    await using _ = await theirs.open(NEW_SLOT, NEVER)
    const pid = 'select active_pid from pg_replication_slots where slot_name = $1'
    const before = await db.query(pid, [db.name])
    for (let i = 0; i < 2; i++) {
      await assert.rejects(ours.open(NEW_SLOT, NEVER), { code: 'SLOT_IN_USE' })
    }
    assert.deepEqual(await db.query(pid, [db.name]), before)
  })
})

describe('a look at the slot', () => {
  test('that is closed leaves no connection, whether it was made or is being made', async () => {
    await using db = await testDatabase()
    await db.query(TABLE)
    const source = sourceOf(db)
    await source.prepare()
    const watch = source.watch()
    assert.equal((await watch.read()).slot, null)
    watch.close()
    await noConnections(db)
    // Nobody waits for the answer of a look that was given up.
    const looking = watch.read().catch(() => {})
    watch.close()
    await looking
    await noConnections(db)
    watch.close()
    assert.equal((await watch.read()).slot, null)
    watch.close()
  })
})

describe('a url that leads to another server since the stream began', () => {
  test('gives no snapshot for a load', async () => {
    await using db = await testDatabase()
    await using other = await testServer()
    await using there = await other.database()
    let url = db.url
    const source = sourceOf(db, { url: () => Promise.resolve(url) })
    await db.query(TABLE)
    await source.prepare()
    await using slot = await source.open(NEW_SLOT, NEVER)
    await (await source.snapshot(NEVER))[Symbol.asyncDispose]()
    url = there.url
    await assert.rejects(source.snapshot(NEVER), { code: 'SOURCE_CHANGED' })
    assert.equal(await slots(there), 0)
    url = db.url
    await (await source.snapshot(NEVER))[Symbol.asyncDispose]()
    assert.ok(slot.snapshot)
  })
})

describe('a server that has gone without a word', () => {
  test('is noticed by its silence', async () => {
    await using server = await testServer({ wal_sender_timeout: '300ms' })
    await using db = await server.database()
    await db.query(TABLE)
    const source = sourceOf(db)
    await source.prepare()
    await using slot = await source.open(NEW_SLOT, NEVER)
    const [{ pid } = {}] = await db.query(
      'select active_pid as pid from pg_replication_slots where slot_name = $1',
      [db.name],
    )
    const failed = assert.rejects(readToTheEnd(slot.stream), {
      code: 'CONNECTION_LOST',
      message: /has not answered for/,
    })
    process.kill(Number(pid), 'SIGSTOP')
    try {
      await failed
    } finally {
      process.kill(Number(pid), 'SIGCONT')
    }
  })
})

async function readToTheEnd(stream: { next(): Promise<Buffer | null> }): Promise<void> {
  while ((await stream.next()) !== null);
}
