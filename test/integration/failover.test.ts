/**
 * A physical standby is promoted, and the task goes on from there, or says why it must not.
 *
 * The servers are real. Failover slots, and so the way on, came with 17; before, a standby has no
 * copy of the slot.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { PostgresSource } from '../../src/capture/postgres/postgres-source.ts'
import type { Manifest } from '../../src/core/manifest.ts'
import { LogReader } from '../../src/lake/log/log-reader.ts'
import { Shapes } from '../../src/lake/shapes.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { systemClock } from '../../src/system-clock.ts'
import { CaptureRun } from './support/capture-run.ts'
import { HAS_FAILOVER_SLOTS, Pair } from './support/standby.ts'

const NAME = 'millrace_test'
const T = { namespace: 'app', name: 't' }

function sourceAt(url: string): PostgresSource {
  return new PostgresSource({
    url,
    task: 'test',
    slot: NAME,
    publication: { name: NAME, isOurs: true },
    load: 'full-load-and-cdc',
    isSelected: () => true,
    clock: systemClock,
    newId: () => 'later',
    failover: HAS_FAILOVER_SLOTS,
  })
}

interface Server {
  readonly url: string
  readonly query: (sql: string) => Promise<Record<string, unknown>[]>
}

function primaryOf(pair: Pair): Server {
  return { url: pair.primary, query: (sql) => pair.onPrimary(sql) }
}

function standbyOf(pair: Pair): Server {
  return { url: pair.standby, query: (sql) => pair.onStandby(sql) }
}

/** Captures until the lake has what the server has; `during` comes before the end. */
async function catchUp(
  lake: MemoryStore,
  { url, query }: Server,
  during = async () => {},
): Promise<string[]> {
  await using run = await CaptureRun.start({ query }, sourceAt(url), { store: lake })
  await run.loaded()
  await run.caughtUp()
  await during()
  const { streamed } = await run.read(T)
  return streamed.map(([id]) => String(id))
}

/** The run fails, and with what. */
async function refused(lake: MemoryStore, { url, query }: Server, error: object): Promise<void> {
  const run = await CaptureRun.start({ query }, sourceAt(url), { store: lake })
  await assert.rejects(run.running, error)
  await run[Symbol.asyncDispose]().catch(() => {})
}

async function manifests(lake: MemoryStore): Promise<Manifest[]> {
  const reader = new LogReader({ store: lake, shapes: new Shapes(lake), rollupEvery: 1000 })
  const found: Manifest[] = []
  for await (const manifest of reader.manifests(1)) found.push(manifest)
  return found
}

const TABLE = 'create schema app; create table app.t (id int primary key)'

describe('a standby that was promoted', () => {
  if (HAS_FAILOVER_SLOTS) {
    test('is followed in the same epoch, and nothing is lost or there twice', async () => {
      await using pair = await Pair.start({ keepsTogether: true })
      const lake = new MemoryStore()
      await pair.onPrimary(`${TABLE}; insert into app.t values (1)`)
      // A copy becomes good only while the slot moves.
      await catchUp(lake, primaryOf(pair), () => pair.synced(NAME))
      await pair.onPrimary('insert into app.t values (2)')
      assert.deepEqual(await catchUp(lake, primaryOf(pair)), ['2'])
      // What comes while we are away, and reaches the standby, is not forgotten.
      await pair.onPrimary('insert into app.t values (3)')
      await received(pair)
      await pair.crashPrimary()

      // Before it is promoted its slot is a copy, which nobody may read: that is worth waiting for.
      await assert.rejects(sourceAt(pair.standby).prepare(), { code: 'SOURCE_IS_STANDBY' })
      await pair.promote()
      await pair.onStandby('insert into app.t values (4)')
      assert.deepEqual(await catchUp(lake, standbyOf(pair)), ['2', '3', '4'])
      const log = await manifests(lake)
      assert.deepEqual([...new Set(log.map(({ epoch }) => epoch))], [1])
      assert.deepEqual([...new Set(log.map(({ timeline }) => timeline))], [1, 2])
    })

    test('with less than the lake holds is refused', async () => {
      await using pair = await Pair.start({ keepsTogether: false })
      const lake = new MemoryStore()
      await pair.onPrimary(`${TABLE}; insert into app.t values (1)`)
      await catchUp(lake, primaryOf(pair), () => pair.synced(NAME))
      await pair.stopStandby()
      await pair.onPrimary('insert into app.t values (2)')
      assert.deepEqual(await catchUp(lake, primaryOf(pair)), ['2'])
      await pair.crashPrimary()
      await pair.startStandby()
      await pair.promote()

      const before = (await manifests(lake)).length
      await refused(lake, standbyOf(pair), {
        code: 'TIMELINE_DIVERGED',
        message:
          /the server is on timeline 2; the lake holds timeline 1 up to .*, which was left at/,
      })
      assert.equal((await manifests(lake)).length, before)
    })
  }

  test('without a copy of the slot is refused', async () => {
    await using pair = await Pair.start({ keepsTogether: false })
    const lake = new MemoryStore()
    await pair.onPrimary(`${TABLE}; insert into app.t values (1)`)
    await catchUp(lake, primaryOf(pair))
    await received(pair)
    await pair.crashPrimary()
    await pair.promote()
    await pair.onStandby(
      `select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '${NAME}'`,
    )
    await refused(lake, standbyOf(pair), { code: 'SLOT_LOST', message: /is gone/ })
    // A new slot of the same name begins after the lake ends.
    await pair.onStandby(`select pg_create_logical_replication_slot('${NAME}', 'pgoutput')`)
    await refused(lake, standbyOf(pair), { code: 'SLOT_MOVED' })
  })
})

/** Waits until the standby has what the primary has now. */
async function received(pair: Pair): Promise<void> {
  const [{ lsn } = {}] = await pair.onPrimary('select pg_current_wal_flush_lsn() as lsn')
  for (;;) {
    const sql = `select pg_last_wal_replay_lsn() >= '${String(lsn)}' as is_there`
    const [{ is_there: isThere } = {}] = await pair.onStandby(sql)
    if (isThere === true) return
  }
}
