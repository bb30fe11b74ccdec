/** Reading the log: recovery, roll-ups, data files. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'

import { BlockPool, ChangeCursor } from '../../../../src/core/change-log.ts'
import { CodedError } from '../../../../src/core/errors.ts'
import type { Manifest } from '../../../../src/core/manifest.ts'
import type { ObjectStore, PutOptions } from '../../../../src/core/object-store.ts'
import { encodeChanges } from '../../../../src/lake/codecs/csv-encoder.ts'
import { manifestKey, rollupKey } from '../../../../src/lake/layout.ts'
import { LogReader } from '../../../../src/lake/log/log-reader.ts'
import { advance, initialState, type LogState } from '../../../../src/lake/log/log-state.ts'
import { encodeManifest } from '../../../../src/lake/log/manifest-json.ts'
import { Shapes } from '../../../../src/lake/shapes.ts'
import { CountedStore } from '../../../../src/storage/counted-store.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import { collect } from '../../../support/collect.ts'
import {
  changesEntry,
  changesManifest,
  loadBegin,
  loadPart,
  openManifest,
  ORDERS,
  USERS,
} from '../../../support/manifests.ts'
import { logOf, shapeOf, valuesOf } from '../../../support/tuples.ts'

const EVERY = 4
const SHAPE = shapeOf(['id', 'note'])

describe('recovery', () => {
  test('of an empty lake is the state before the first manifest', async () => {
    const { reader } = await lake(0)
    assert.deepEqual(await reader.recover(), initialState)
    assert.equal(await reader.first(), 1)
  })

  for (const length of [1, 3, 4, 5, 8, 40, 71]) {
    test(`of ${length} manifests is the state after the last, with and without roll-ups`, async () => {
      const { store, reader, states } = await lake(length)
      assert.deepEqual(await reader.recover(), states[length])
      const rollups = await collect(store.list('_millrace/rollups/'))
      const expected = Array.from({ length: Math.floor(length / EVERY) }, (_, i) => (i + 1) * EVERY)
      assert.deepEqual(rollups, expected.map(rollupKey))
      assert.deepEqual(await newReader(store).recover(), states[length])
    })
  }

  test('reads nothing before the newest roll-up, not even the shapes', async () => {
    const { store, reader, states } = await lake(10)
    await reader.recover()
    const gets: string[] = []
    const get = store.get.bind(store)
    store.get = (key) => {
      gets.push(key)
      return get(key)
    }
    const shapes = new Shapes(store)
    const again = new LogReader({ store, shapes, rollupEvery: EVERY })
    assert.deepEqual(await again.recover(), states[10])
    const wanted = [rollupKey(8), ...[9, 10, 11].map(manifestKey)]
    assert.deepEqual(gets.slice(0, 4), wanted)
    assert.ok(
      gets.slice(4).every((key) => key > manifestKey(10)),
      gets.join(),
    )
    assert.deepEqual(await shapes.read([...states[10]!.tables.values()][0]!.shape), SHAPE)
    assert.ok(!gets.some((key) => key.includes('shapes')))
  })

  test('of the same reader again asks only for what came since', async () => {
    const { store } = await lake(7)
    const counted = new CountedStore(store)
    const again = newReader(counted)
    assert.equal((await again.recover()).n, 7)
    const first = counted.counts
    for (const n of [8, 9]) await write(store, changesManifest(n))
    assert.equal((await again.recover()).n, 9)
    assert.ok(counted.counts.gets - first.gets <= 7, String(counted.counts.gets - first.gets))
    assert.deepEqual(await again.recover(), await newReader(store).recover())
  })

  test('writes a missing roll-up with the same bytes that it had', async () => {
    const { store, reader } = await lake(9)
    await reader.recover()
    const [first, second] = [await store.get(rollupKey(4)), await store.get(rollupKey(8))]
    await store.delete(rollupKey(4))
    await store.delete(rollupKey(8))
    await newReader(store).recover()
    assert.deepEqual(
      [await store.get(rollupKey(4)), await store.get(rollupKey(8))],
      [first, second],
    )
  })

  test('goes on when it may not write roll-ups', async () => {
    const { store, states } = await lake(9)
    store.put = async () => {
      throw new CodedError('LAKE_UNWRITABLE', 'read only')
    }
    assert.deepEqual(await newReader(store).recover(), states[9])
  })

  test('finds a manifest that is missing in the middle', async () => {
    const { store } = await lake(9)
    await store.delete(manifestKey(6))
    await assert.rejects(newReader(store).recover(), {
      code: 'LAKE_DAMAGED',
      message: 'manifest 6 is missing, but 7 is there',
    })
  })

  test('takes in what is written while it looks for the head', async () => {
    const { store, reader, manifests, states } = await lake(6)
    for (const n of [5, 6]) await store.delete(manifestKey(n))
    const late = manifests.filter(({ n }) => n > 4)
    const list = store.list.bind(store)
    store.list = async function* (prefix, after) {
      const landing = prefix.includes('manifests') ? late.splice(0) : []
      for (const manifest of landing) await write(store, manifest)
      yield* list(prefix, after)
    }
    assert.deepEqual(await reader.recover(), states[6])
  })

  test('is LAKE_DAMAGED when a roll-up is cut off, and names it', async () => {
    const { store, reader } = await lake(4)
    await reader.recover()
    const bytes = (await store.get(rollupKey(4)))!
    for (const damaged of [bytes.subarray(0, -9), gzipSync('{}'), Buffer.from('{}')]) {
      await store.put(rollupKey(4), damaged)
      await assert.rejects(newReader(store).recover(), (error: CodedError) => {
        return error.code === 'LAKE_DAMAGED' && error.message.startsWith(rollupKey(4))
      })
    }
  })
})

describe('a reader of the log', () => {
  test('knows the state at every manifest', async () => {
    const { reader, states } = await lake(10)
    await reader.recover()
    for (const [n, state] of states.entries()) assert.deepEqual(await reader.stateAt(n), state)
  })

  test('says LOG_EXPIRED for what is no longer kept, and LAKE_DAMAGED for what never was', async () => {
    const { store, states } = await lake(10)
    await newReader(store).recover()
    for (const n of [1, 2, 3, 4, 5]) await store.delete(manifestKey(n))
    await store.delete(rollupKey(4))
    const reader = newReader(store)
    assert.equal(await reader.first(), 6)
    assert.equal(await reader.manifest(5), null)
    await assert.rejects(reader.stateAt(5), { code: 'LOG_EXPIRED' })
    await assert.rejects(reader.stateAt(11), { code: 'LAKE_DAMAGED' })
    assert.deepEqual(await reader.stateAt(9), states[9])
    assert.deepEqual(await reader.recover(), states[10])
    const span = { table: ORDERS, load: 'l1', beganAt: 3, endedAt: 7 }
    await assert.rejects(reader.loadParts(span), { code: 'LOG_EXPIRED' })
  })

  test('yields manifests up to the head, or to a given one', async () => {
    const { reader, manifests } = await lake(40)
    assert.deepEqual(await collect(reader.manifests(1)), manifests)
    assert.deepEqual(await collect(reader.manifests(3, 22)), manifests.slice(2, 22))
    assert.deepEqual(await collect(reader.manifests(41)), [])
    assert.deepEqual(await collect(reader.manifests(5, 4)), [])
  })

  test('remembers manifests, but not that one was missing', async () => {
    const { store, reader, manifests } = await lake(2)
    assert.equal(await reader.manifest(3), null)
    const third = changesManifest(3)
    await write(store, third)
    assert.deepEqual(await reader.manifest(3), third)
    for (const n of [1, 2, 3]) await reader.manifest(n)
    for (const n of [1, 2, 3]) await store.delete(manifestKey(n))
    assert.deepEqual(await reader.manifest(1), manifests[0])
    await collect(reader.manifests(4))
    assert.deepEqual(await reader.manifest(3), third)
  })

  test('finds the parts of a load among all others', async () => {
    const { store, reader } = await lake(1)
    const [a, b] = [loadPart('l1'), loadPart('l1', { path: 'b' })]
    const others = [loadPart('l2'), loadPart('l1', { table: USERS })]
    await write(store, changesManifest(2, { entries: [loadBegin('l1'), ...others, b] }))
    await write(store, changesManifest(3, { entries: others }))
    await write(store, changesManifest(4, { entries: [a] }))
    const span = { table: ORDERS, load: 'l1', beganAt: 2 }
    assert.deepEqual(await reader.loadParts({ ...span, endedAt: 4 }), [b, a])
    assert.deepEqual(await reader.loadParts({ ...span, endedAt: 3 }), [b])
    assert.deepEqual(await reader.loadParts({ ...span, endedAt: null }), [b, a])
    await assert.rejects(reader.loadParts({ ...span, endedAt: 5 }), { code: 'LAKE_DAMAGED' })
  })
})

describe('a data file', () => {
  const csv = Buffer.concat([
    ...encodeChanges(
      {
        shape: SHAPE,
        changes: logOf([
          { op: 'insert', lsn: 100n, ordinal: 2, values: ['1', 'a,b'] },
          { op: 'insert', lsn: 200n, ordinal: 2, values: ['2', null] },
        ]),
      },
      1000,
    ),
  ])

  for (const path of ['a/x.csv', 'a/x.csv.gz']) {
    test(`${path} is read as changes and as a part of a load`, async () => {
      const { reader, entry } = await withFile(path, csv)
      const pool = new BlockPool()
      const changes = await reader.readChanges(entry, pool)
      assert.deepEqual(rowsOf([...changes.blocks()]), [
        [100n, ['1', 'a,b']],
        [200n, ['2', null]],
      ])
      changes.release()
      assert.equal(pool.bytesInUse, 0)

      const part = reader.readLoadPart(
        loadPart('l1', { ...entry, type: 'load-part', rows: 2 }),
        SHAPE,
      )
      assert.deepEqual([part.path, part.localPath, part.rows], [path, null, 2])
      assert.equal(part.format, path.slice(4))
      const rows: unknown[] = []
      for await (const { bytes, starts } of part.read()) {
        for (const start of starts.slice(0, -1)) rows.push(valuesOf(bytes, start))
      }
      assert.deepEqual(rows, [
        ['1', 'a,b'],
        ['2', null],
      ])
    })
  }

  test('that is gone is OBJECT_MISSING', async () => {
    const { store, reader, entry } = await withFile('a/x.csv.gz', csv)
    await store.delete(entry.path)
    await assert.rejects(reader.readChanges(entry, new BlockPool()), { code: 'OBJECT_MISSING' })
    const part = reader.readLoadPart(loadPart('l1', { path: entry.path }), SHAPE)
    await assert.rejects(collect(part.read()), { code: 'OBJECT_MISSING' })
  })

  const damages: [string, string, (bytes: Buffer) => Buffer][] = [
    ['cut off', 'csv', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['cut off', 'csv.gz', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['empty', 'csv', () => Buffer.alloc(0)],
    ['empty', 'csv.gz', () => Buffer.alloc(0)],
    ['longer than it was', 'csv', (bytes) => Buffer.concat([bytes, bytes])],
    ['longer than it was', 'csv.gz', (bytes) => Buffer.concat([bytes, Buffer.alloc(100_000, 1)])],
    ['altered', 'csv', (bytes) => Buffer.from(bytes.toString().replace('a,b', 'a,c'))],
    ['packed again', 'csv.gz', (bytes) => gzipSync(gunzipSync(bytes), { level: 0 })],
    ['not gzip', 'csv.gz', (bytes) => gunzipSync(bytes)],
  ]
  for (const [name, format, damage] of damages) {
    test(`of ${format} that is ${name} is LAKE_DAMAGED by name, and gives its memory back`, async () => {
      const { store, reader, entry } = await withFile(`a/x.${format}`, csv)
      await store.put(entry.path, damage((await store.get(entry.path))!))
      const pool = new BlockPool()
      const isNamed = (error: CodedError) =>
        error.code === 'LAKE_DAMAGED' && error.message.startsWith(`${entry.path}: `)
      await assert.rejects(reader.readChanges(entry, pool), isNamed)
      assert.equal(pool.bytesInUse, 0)
      const part = reader.readLoadPart(
        loadPart('l1', { ...entry, type: 'load-part', rows: 2 }),
        SHAPE,
      )
      await assert.rejects(collect(part.read()), isNamed)
    })
  }

  test('that has the right hash but other columns than its shape is LAKE_DAMAGED by name', async () => {
    const { reader, entry } = await withFile('a/x.csv.gz', Buffer.from('a,b\n1,2\n'))
    await assert.rejects(reader.readChanges(entry, new BlockPool()), (error: CodedError) => {
      return error.code === 'LAKE_DAMAGED' && error.message.startsWith('a/x.csv.gz: ')
    })
  })

  test('is let go when a reader stops early', async () => {
    const { reader, entry } = await withFile('a/x.csv.gz', csv)
    const part = reader.readLoadPart(
      loadPart('l1', { ...entry, type: 'load-part', rows: 2 }),
      SHAPE,
    )
    for await (const { starts } of part.read()) {
      assert.equal(starts.length, 3)
      break
    }
  })
})

/** A lake of so many manifests, with a table that is loaded and changes; `states[n]` is that at n. */
async function lake(length: number) {
  const store = new MemoryStore()
  const shape = await new Shapes(store).write(SHAPE)
  const manifests: Manifest[] = []
  const states: LogState[] = [initialState]
  for (let n = 1; n <= length; n++) {
    const manifest =
      n === 1 ? openManifest(1) : changesManifest(n, { entries: entriesAt(n, shape) })
    await write(store, manifest)
    manifests.push(manifest)
    states.push(advance(states.at(-1)!, manifest))
  }
  return { store, reader: newReader(store), manifests, states }
}

function entriesAt(n: number, shape: string): Manifest['entries'] {
  const load = `l${n - (n % 3)}`
  if (n % 3 === 0) return [loadBegin(load, { shape, for: ['shop/x'] }), changesEntry({ shape })]
  if (n % 3 === 1) return [loadPart(load)]
  return [{ type: 'load-end', table: ORDERS, load, rows: n }]
}

async function write(store: MemoryStore, manifest: Manifest): Promise<void> {
  const options: PutOptions = { ifAbsent: true }
  await store.put(manifestKey(manifest.n), encodeManifest(manifest), options)
}

function newReader(store: ObjectStore): LogReader {
  return new LogReader({ store, shapes: new Shapes(store), rollupEvery: EVERY })
}

/** A lake with one data file, and the entry that names it. */
async function withFile(path: string, csv: Buffer) {
  const store = new MemoryStore()
  const bytes = path.endsWith('.gz') ? gzipSync(csv) : csv
  await store.put(path, bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const shape = await new Shapes(store).write(SHAPE)
  const entry = changesEntry({ shape, path, bytes: bytes.length, sha256 })
  return { store, reader: newReader(store), entry }
}

function rowsOf(blocks: Buffer[]): unknown[] {
  const rows: unknown[] = []
  const cursor = new ChangeCursor()
  for (const block of blocks) {
    cursor.open(block)
    while (cursor.next()) rows.push([cursor.commitLsn, valuesOf(cursor.bytes, cursor.start)])
  }
  return rows
}
