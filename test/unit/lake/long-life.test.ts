/** Memory over a long life: what a process keeps must not grow with what it has written or read. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { LogFacts } from '../../../src/apply/log.ts'
import { LogWindow, readBatch } from '../../../src/apply/read-batch.ts'
import { lsn } from '../../../src/core/lsn.ts'
import type { ChangesEntry, Manifest } from '../../../src/core/manifest.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { RequestCosts } from '../../../src/task/request-costs.ts'
import { Statistics } from '../../../src/task/statistics.ts'
import { wire } from '../../support/wire.ts'
import { LARGE } from '../apply/desk.ts'
import { SampleLake } from './sample-lake.ts'

const EARLY = 10_000
const MANIFESTS = 20_000
/** Fifty bytes for each manifest. The first thousands still warm the caches up. */
const MAY_GROW = 500_000

setFlagsFromString('--expose-gc')
const collectGarbage: unknown = runInNewContext('gc')

function heapUsed(): number {
  if (typeof collectGarbage === 'function') collectGarbage()
  return process.memoryUsage().heapUsed
}

test(`memory does not grow over ${MANIFESTS} manifests and their files`, async () => {
  // The store is no part of the process, so it forgets what everybody has read.
  const store = new MemoryStore()
  const lake = new SampleLake({ store })
  const writer = await lake.open()
  const shapes = new Shapes(store)
  const reader = new LogReader({ store, shapes, rollupEvery: 1000 })
  const clock = { now: () => lake.nowMs, sleep: async () => {} }
  const facts = new LogFacts(reader, clock)
  const window = new LogWindow(reader)
  const statistics = new Statistics({
    task: 'shop',
    now: clock.now,
    load: 'cdc',
    lakeUrl: store.url,
    lakeCosts: new RequestCosts({
      counts: () => ({ puts: 1, gets: 1, lists: 0, deletes: 0 }),
      isCharged: true,
    }),
    targets: [{ name: 'warehouse', type: 'memory' }],
  })
  let read = 1

  /** One flush or heartbeat, its statistics, and a target that takes it. */
  const live = async (): Promise<void> => {
    const isBusy = read % 5 === 0
    const manifest = isBusy
      ? await lake.commit(writer, wire.insert(1, [String(read), 'Ada']))
      : await writer.heartbeat(lsn((lake.at += 0x10n)))
    statistics.apply({ type: 'manifest-written', manifest, bytes: 1, seconds: 0, latencyMs: 1 })
    statistics.tick()
    const batch = await readBatch(window, read, LARGE)
    for (const one of batch) await take(one)
    read = batch.at(-1)!.n
    window.forget(read)
  }

  const take = async (manifest: Manifest): Promise<void> => {
    facts.note(manifest)
    const { n } = manifest
    const tally = { n, asOfMs: lake.nowMs, rows: 1, changes: 1, seconds: 0 }
    statistics.apply({ type: 'applied', target: 'warehouse', ...tally })
    for (const entry of manifest.entries) await store.delete((entry as ChangesEntry).path)
    // A start reads what follows the last roll-up.
    if (n % 1000 === 0) await forgetBelow(n)
  }

  const forgetBelow = async (n: number): Promise<void> => {
    for await (const key of store.list('_millrace/manifests/')) {
      if (Number(key.slice(-25, -5)) < n) await store.delete(key)
    }
  }

  const liveUntil = async (n: number): Promise<void> => {
    for (let left = n - read; left > 0; left--) await live()
    assert.equal(read, n)
  }

  await liveUntil(EARLY)
  await reader.recover()
  const early = heapUsed()
  await liveUntil(MANIFESTS)
  assert.equal((await reader.recover()).n, MANIFESTS)
  const grown = heapUsed() - early
  assert.ok(grown < MAY_GROW, `${grown} bytes more`)
  assert.equal(statistics.view().lake.head, MANIFESTS)
})
