import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { FilesAhead } from '../../../src/apply/files-ahead.ts'
import { readBatch, LogWindow } from '../../../src/apply/read-batch.ts'
import { stepsOf } from '../../../src/apply/steps.ts'
import { BlockPool, ChangeLog, OP } from '../../../src/core/change-log.ts'
import { lsn } from '../../../src/core/lsn.ts'
import type { ChangesEntry } from '../../../src/core/manifest.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { DistantStore } from '../../support/distant-store.ts'
import { changesEntry } from '../../support/manifests.ts'
import { wire } from '../../support/wire.ts'
import { CUSTOMERS, SampleLake } from '../lake/sample-lake.ts'
import { LARGE } from './desk.ts'

const LIMITS = { rows: 1000, bytes: 160_000 }

/** Files of so many rows and bytes; each is read only when the test lets it. */
class Shelf {
  readonly pool = new BlockPool()
  readonly begun: string[] = []
  readonly entries: ChangesEntry[]
  broken: string | null = null

  constructor(files: readonly (readonly [rows: number, bytes: number])[]) {
    this.entries = files.map(([i, bytes], at) =>
      changesEntry({ path: String(at), rows: { i, u: 0, d: 0 }, bytes }),
    )
  }

  read = async ({ path }: ChangesEntry): Promise<ChangeLog> => {
    this.begun.push(path)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    if (this.broken === path) throw new Error(`broken: ${path}`)
    const changes = new ChangeLog(this.pool)
    changes.begin(lsn(1n), 0n)
    changes.append(OP.insert, Number(path) + 2, Buffer.from('tuple'), 0, 5)
    return changes
  }
}

describe('reading files ahead', () => {
  const cases: [name: string, files: [number, number][], ahead: number][] = [
    ['of small ones', Array.from({ length: 40 }, () => [1, 100]), 16],
    ['ends with the last', [[1, 100], [1, 100], [1, 100]], 2], // prettier-ignore
    ['of a tenth of the rows that one fold takes', Array.from({ length: 40 }, () => [30, 100]), 3],
    ['of a part of its bytes', Array.from({ length: 40 }, () => [1, 2500]), 4],
    ['of none that is large', [[1, 100], [101, 100], [1, 100]], 0], // prettier-ignore
  ]
  for (const [name, files, ahead] of cases) {
    test(name, async () => {
      const shelf = new Shelf(files)
      await using reading = new FilesAhead(shelf.entries, { read: shelf.read, limits: LIMITS })
      const changes = await reading.take()
      assert.equal(shelf.begun.length, 1 + ahead)
      changes.release()
    })
  }

  test('gives each file once, in order', async () => {
    const shelf = new Shelf(Array.from({ length: 50 }, (_, i) => [i % 7 === 0 ? 500 : 1, 100]))
    await using reading = new FilesAhead(shelf.entries, { read: shelf.read, limits: LIMITS })
    for (let i = 0; i < 50; i++) (await reading.take()).release()
    assert.deepEqual(
      shelf.begun,
      shelf.entries.map(({ path }) => path),
    )
    assert.equal(shelf.pool.bytesInUse, 0)
  })

  test('gives back what nobody takes', async () => {
    const shelf = new Shelf(Array.from({ length: 50 }, () => [1, 100]))
    shelf.broken = '3'
    {
      await using reading = new FilesAhead(shelf.entries, { read: shelf.read, limits: LIMITS })
      ;(await reading.take()).release()
    }
    assert.equal(shelf.begun.length, 17)
    assert.equal(shelf.pool.bytesInUse, 0)
  })

  test('tells of a file that is broken when its turn comes', async () => {
    const shelf = new Shelf(Array.from({ length: 5 }, () => [1, 100]))
    shelf.broken = '2'
    await using reading = new FilesAhead(shelf.entries, { read: shelf.read, limits: LIMITS })
    for (const _ of [0, 1]) (await reading.take()).release()
    await assert.rejects(reading.take(), { message: 'broken: 2' })
    ;(await reading.take()).release()
  })
})

// Each request waited for the one before it: 100 small manifests in a bucket took 200 round trips.
test('a batch of many small files takes a few round trips', async () => {
  const lake = new SampleLake()
  const writer = await lake.open()
  const MANIFESTS = 100
  for (let i = 0; i < MANIFESTS; i++) await lake.commit(writer, wire.insert(1, [String(i), 'Ada']))
  const store = new DistantStore(lake.store)
  const shapes = new Shapes(store)
  const log = new LogReader({ store, shapes, rollupEvery: 1000 })
  const manifests = await readBatch(new LogWindow(log), 1, { ...LARGE, manifests: MANIFESTS })
  assert.equal(manifests.length, MANIFESTS)
  const reading = store.take()
  assert.ok(reading.trips <= 15, `manifests: ${reading.trips} trips`)
  assert.ok(reading.requests <= MANIFESTS + 16)

  const entries = manifests.flatMap(({ entries: all }) =>
    all.flatMap((entry) => (entry.type === 'changes' ? [entry] : [])),
  )
  const { shape } = entries[0]!
  const files = entries.map((entry) => ({ entry, from: null }))
  const piece = { type: 'rows', table: CUSTOMERS, shape, isTruncated: false, files } as const
  const tally = { rows: 0, changes: 0 }
  const pool = new BlockPool()
  const parts = { log, shapes, pool, limits: LARGE }
  for await (const step of stepsOf([piece], parts, { isShadow: false, tally })) {
    assert.equal(step.type, 'fold')
  }
  assert.equal(tally.changes, MANIFESTS)
  const { trips, requests, mostUnderWay } = store.take()
  assert.equal(requests, MANIFESTS + 1)
  assert.ok(trips <= 15, `files: ${trips} trips`)
  assert.ok(mostUnderWay <= 17)
  assert.equal(pool.bytesInUse, 0)
})
