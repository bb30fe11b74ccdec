/**
 * Lakes that something happened to: a clear code, and nothing written after it. Each case is tried on
 * memory and on a folder; test/unit/storage has what a bucket answers.
 */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { BlockPool } from '../../../src/core/change-log.ts'
import { CodedError, type ErrorCode } from '../../../src/core/errors.ts'
import type { ObjectStore } from '../../../src/core/object-store.ts'
import { history } from '../../../src/lake/history/history.ts'
import { encodeJson } from '../../../src/lake/json-lsn.ts'
import { createOrCheck, readLakeInfo } from '../../../src/lake/lake-info.ts'
import { LAKE_INFO_KEY, manifestKey } from '../../../src/lake/layout.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { summarize } from '../../../src/lake/summary.ts'
import { FolderStore } from '../../../src/storage/folder-store.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { collect } from '../../support/collect.ts'
import { RUN } from '../../support/manifests.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { wire } from '../../support/wire.ts'
import { CUSTOMERS, SampleLake } from './sample-lake.ts'

const SOURCE = { systemId: RUN.systemId, database: RUN.database }
const OURS = { id: 'x', createdAt: '2026-11-23T10:00:00.000Z', task: 'shop', source: SOURCE }
const CHANGES = 'public/customers/cdc/'

/** A task that may read everything and write nothing. */
class ReadOnly implements ObjectStore {
  readonly url: string
  readonly #inner: ObjectStore

  constructor(inner: ObjectStore) {
    this.url = inner.url
    this.#inner = inner
  }

  put(key: string): Promise<void> {
    return Promise.reject(new CodedError('LAKE_UNWRITABLE', `${key}: access denied`))
  }

  delete(key: string): Promise<void> {
    return this.put(key)
  }

  get(key: string): Promise<Buffer | null> {
    return this.#inner.get(key)
  }

  read(key: string): AsyncIterable<Buffer> {
    return this.#inner.read(key)
  }

  list(prefix: string, after?: string): AsyncIterable<string> {
    return this.#inner.list(prefix, after)
  }

  localPath(key: string): string | null {
    return this.#inner.localPath(key)
  }
}

interface Case {
  readonly name: string
  readonly code: ErrorCode
  readonly says: RegExp
  /** Left out: the lake is as it was written. */
  readonly harm?: (store: ObjectStore) => Promise<void>
  readonly does: (store: ObjectStore) => Promise<unknown>
}

function readerOf(store: ObjectStore): LogReader {
  return new LogReader({ store, shapes: new Shapes(store), rollupEvery: 4 })
}

async function fileOf(store: ObjectStore): Promise<string> {
  return (await collect(store.list(CHANGES)))[0] ?? assert.fail('there is no file')
}

async function alter(store: ObjectStore, edit: (bytes: Buffer) => Buffer): Promise<void> {
  const key = await fileOf(store)
  const bytes = edit((await store.get(key))!)
  await store.delete(key)
  await store.put(key, bytes)
}

/** Reads all changes, as a consumer does. */
async function readAll(store: ObjectStore): Promise<void> {
  const reader = readerOf(store)
  for await (const { entries } of reader.manifests(1)) {
    for (const entry of entries) {
      if (entry.type === 'changes') (await reader.readChanges(entry, new BlockPool())).release()
    }
  }
}

async function writeOn(store: ObjectStore): Promise<void> {
  const lake = new SampleLake({ store })
  lake.at = 0x1000n
  await lake.commit(await lake.open('w2'), wire.insert(1, ['9', 'Zoe']))
}

const CASES: readonly Case[] = [
  {
    name: 'a lake of a newer version of the format',
    code: 'LAKE_VERSION',
    says: /has version 2, we know 1/,
    harm: async (store) => {
      await store.delete(LAKE_INFO_KEY)
      await store.put(LAKE_INFO_KEY, encodeJson({ version: 2, id: 'x', what: 'is new' }))
    },
    does: readLakeInfo,
  },
  {
    name: 'the same, to write to',
    code: 'LAKE_VERSION',
    says: /has version 2, we know 1/,
    harm: async (store) => {
      await store.delete(LAKE_INFO_KEY)
      await store.put(LAKE_INFO_KEY, encodeJson({ version: 2 }))
    },
    does: writeOn,
  },
  {
    name: 'a place that holds other things',
    code: 'LAKE_FOREIGN',
    says: /is no lake, but holds other things: _millrace\/manifests/,
    harm: (store) => store.delete(LAKE_INFO_KEY),
    does: (store) => createOrCheck(store, OURS),
  },
  {
    name: 'two tasks in one place',
    code: 'LAKE_FOREIGN',
    says: /belongs to task shop, not other/,
    does: (store) => createOrCheck(store, { ...OURS, task: 'other' }),
  },
  {
    name: 'a manifest that is missing in the middle, to list the files',
    code: 'LAKE_DAMAGED',
    says: /manifest 2 is missing/,
    harm: (store) => store.delete(manifestKey(2)),
    does: (store) => summarize(readerOf(store), null),
  },
  {
    name: 'a manifest that is missing in the middle, to print the changes',
    code: 'LAKE_DAMAGED',
    says: /manifest 2 is missing/,
    harm: (store) => store.delete(manifestKey(2)),
    does: (store) => {
      const [from, to, file] = [null, null, null]
      const parts = { reader: readerOf(store), shapes: new Shapes(store) }
      return collect(history(parts, { table: CUSTOMERS, from, to, file, hasLoads: true }))
    },
  },
  {
    name: 'a file that was cut off',
    code: 'LAKE_DAMAGED',
    says: /^public\/customers\/cdc\/.*: it no longer has the \d+ bytes/,
    harm: (store) => alter(store, (bytes) => bytes.subarray(0, bytes.length - 5)),
    does: readAll,
  },
  {
    name: 'a file with one bit turned',
    code: 'LAKE_DAMAGED',
    says: /^public\/customers\/cdc\//,
    harm: (store) =>
      alter(store, (bytes) => {
        const turned = Buffer.from(bytes)
        turned[turned.length >> 1]! ^= 4
        return turned
      }),
    does: readAll,
  },
  {
    name: 'a file that a lifecycle rule deleted',
    code: 'OBJECT_MISSING',
    says: /public\/customers\/cdc\//,
    harm: async (store) => store.delete(await fileOf(store)),
    does: readAll,
  },
  {
    name: 'a manifest that is missing in the middle, at a start',
    code: 'LAKE_DAMAGED',
    says: /manifest 9 is missing, but 10 is there/,
    harm: (store) => store.delete(manifestKey(9)),
    does: writeOn,
  },
  {
    name: 'the same, below a roll-up, for who reads on from there',
    code: 'LAKE_DAMAGED',
    says: /manifest 3 is missing, but 10 is there/,
    harm: (store) => store.delete(manifestKey(3)),
    does: async (store) => {
      const reader = readerOf(store)
      await reader.recover()
      await reader.manifest(3)
    },
  },
  {
    name: 'manifests that a lifecycle rule deleted, for who needs them',
    code: 'LOG_EXPIRED',
    says: /manifest 1 is no longer kept; the log begins at 5/,
    harm: async (store) => {
      for (let n = 1; n <= 4; n++) await store.delete(manifestKey(n))
    },
    does: (store) => readerOf(store).stateAt(3),
  },
  {
    name: 'a manifest with other fields than it should have',
    code: 'LAKE_DAMAGED',
    says: /0010\.json: clock is missing/,
    harm: async (store) => {
      const { clock: _, ...rest } = JSON.parse(String(await store.get(manifestKey(10)))) as {
        clock: number
      }
      await store.delete(manifestKey(10))
      await store.put(manifestKey(10), encodeJson(rest))
    },
    does: writeOn,
  },
  {
    name: 'a lake that may only be read',
    code: 'LAKE_UNWRITABLE',
    says: /access denied/,
    does: (store) => writeOn(new ReadOnly(store)),
  },
]

const STORES: Readonly<Record<string, () => ObjectStore>> = {
  'in memory': () => new MemoryStore(),
  'in a folder': () => new FolderStore(temporaryFolder('bad input')),
}

for (const [where, newStore] of Object.entries(STORES)) {
  describe(`refused, and not written to, is ${where}`, () => {
    for (const { name, code, says, harm, does } of CASES) {
      test(name, async () => {
        const store = newStore()
        const lake = new SampleLake({ store, rollupEvery: 4, format: 'csv.gz' })
        const writer = await lake.open()
        for (let i = 0; i < 9; i++) await lake.commit(writer, wire.insert(1, [`${i}`, 'x']))
        await harm?.(store)
        const before = await collect(store.list(''))
        await assert.rejects(does(store), { code, message: says })
        assert.deepEqual(await collect(store.list('')), before)
      })
    }

    test('a log that another process writes to, by whoever was overtaken', async () => {
      const store = newStore()
      const lake = new SampleLake({ store })
      const zombie = await lake.open('w1')
      await lake.open('w2')
      const before = await collect(store.list('_millrace/manifests/'))
      await assert.rejects(zombie.write({ changes: null, loads: [] }), { code: 'FENCED' })
      await assert.rejects(zombie.heartbeat(zombie.state.confirm!), { code: 'FENCED' })
      assert.deepEqual(await collect(store.list('_millrace/manifests/')), before)
    })
  })
}

test('a lake that may only be read can be read: the log, its state, and the rows', async () => {
  const lake = new SampleLake({ rollupEvery: 4 })
  const writer = await lake.open()
  for (let i = 0; i < 9; i++) await lake.commit(writer, wire.insert(1, [`${i}`, 'x']))
  await lake.store.delete('_millrace/rollups/00000000000000000008.json.gz')
  const store = new ReadOnly(lake.store)
  assert.equal((await readerOf(store).recover()).n, 10)
  await readAll(store)
})
