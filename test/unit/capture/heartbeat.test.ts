/** A heartbeat says that the source has nothing below it that is not in the lake. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { Generation } from '../../../src/capture/generation.ts'
import { Spool } from '../../../src/capture/stream/spool.ts'
import { TrackedTables } from '../../../src/capture/tables/tracked-tables.ts'
import { BlockPool } from '../../../src/core/change-log.ts'
import { lsn } from '../../../src/core/lsn.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { LogWriter } from '../../../src/lake/log/log-writer.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { collect } from '../../support/collect.ts'
import { RUN } from '../../support/manifests.ts'
import { keepalive, wire, xlogData } from '../../support/wire.ts'
import { ScriptedCatalog } from './feed.ts'
import { ManualClock, settled } from './manual-clock.ts'
import { ScriptedStream } from './scripted-stream.ts'

const limits = { everyMs: 1000, rows: 100, bytes: 1 << 20, heartbeatMs: 10_000 }

test('a heartbeat does not step over a transaction that was just received', async (t) => {
  // A keepalive stood behind a commit in one block. Between the two and the moment at which the
  // change began to wait, the spool is drained: a writer woken there confirmed the change unwritten.
  const store = new MemoryStore()
  const shapes = new Shapes(store)
  const reader = new LogReader({ store, shapes, rollupEvery: 1000 })
  const clock = new ManualClock()
  const parts = { store, shapes, reader, rollups: reader.rollups, clock }
  const log = new LogWriter({ ...parts, writer: 'w1', format: 'csv' })
  await log.open(await reader.recover(), RUN, { lsn: lsn(0x50n), timeline: 1 })
  const stream = new ScriptedStream()
  const folder = await mkdtemp(join(tmpdir(), 'millrace-heartbeat-'))
  t.after(() => rm(folder, { recursive: true }))
  await using spool = await Spool.open(folder)
  let release = (): void => {}
  spool.drain = () =>
    new Promise((resolve) => {
      release = resolve
    })
  const generation = new Generation({
    slot: {
      timeline: 1,
      confirmed: lsn(0x50n),
      snapshot: null,
      isStreaming: true,
      stream,
      [Symbol.asyncDispose]: async () => {},
    },
    spool,
    log,
    tables: new TrackedTables({ isSelected: () => true, catalog: new ScriptedCatalog() }),
    clock,
    limits,
    emit: () => {},
    pool: new BlockPool(),
  })
  const stop = new AbortController()
  const done = generation.run(stop.signal)

  stream.send(
    xlogData(wire.begin({ commitLsn: 0x100n })),
    xlogData(wire.relation({ oid: 1, name: 'customers', columns: ['id'] })),
    xlogData(wire.insert(1, ['1'])),
    xlogData(wire.commit({ commitLsn: 0x100n, endLsn: 0x108n })),
    keepalive(0x200n),
  )
  await settled()
  generation.want(lsn(0x180n)) // a heartbeat would reach it at once
  await settled()
  assert.deepEqual(
    stream.confirmed.filter((at) => at > 0x50n),
    [],
  )

  release()
  await settled()
  stop.abort()
  await done
  const kinds = (await collect(reader.manifests(2))).map(({ kind }) => kind)
  assert.equal(kinds[0], 'changes')
})
