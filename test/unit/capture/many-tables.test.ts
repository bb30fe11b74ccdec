/** Thousands of tables of which a few are busy: what the others cost. */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { lsn } from '../../../src/core/lsn.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { LogWriter } from '../../../src/lake/log/log-writer.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { CountedStore } from '../../../src/storage/counted-store.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { RUN } from '../../support/manifests.ts'
import { wire } from '../../support/wire.ts'
import { Feed } from './feed.ts'

const TABLES = 2000
const BUSY = 20

test(`of ${TABLES} tables of which ${BUSY} are busy, the others cost no request at all`, async () => {
  const store = new CountedStore(new MemoryStore())
  const shapes = new Shapes(store)
  const reader = new LogReader({ store, shapes, rollupEvery: 1000 })
  const clock = { now: () => 1_795_428_000_000, sleep: async () => {} }
  const parts = { store, shapes, reader, rollups: reader.rollups, clock }
  const writer = new LogWriter({ ...parts, writer: 'w1', format: 'csv' })
  await writer.open(await reader.recover(), RUN, { lsn: lsn(0x50n), timeline: 1 })
  const feed = new Feed()
  let at = 0x100n

  /** One transaction with a row in each of the first tables, and its flush. */
  const flush = async (tables: number) => {
    at += 0x100n
    await feed.take(wire.begin({ commitLsn: at }))
    for (let oid = 1; oid <= tables; oid++) {
      await feed.take(
        wire.relation({ oid, name: `table_${oid}`, columns: ['id', 'name'] }),
        wire.insert(oid, ['1', 'Ada']),
      )
    }
    await feed.take(wire.commit({ commitLsn: at, endLsn: at + 8n }))
    const before = store.counts
    const { manifest } = await writer.write({ changes: feed.pending.take(), loads: [] })
    assert.equal(manifest.entries.length, tables)
    const { puts, gets, lists, deletes } = store.counts
    return {
      puts: puts - before.puts,
      others: gets + lists + deletes - before.gets - before.lists - before.deletes,
    }
  }

  await flush(TABLES)
  for (let i = 0; i < 5; i++) assert.deepEqual(await flush(BUSY), { puts: BUSY + 1, others: 0 })
})
