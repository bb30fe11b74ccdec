/** The doorbells of a lake in a folder. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'

import { doorbellsIn } from '../../../../src/consume/doorbells/decode.ts'
import { FolderWatch } from '../../../../src/consume/doorbells/folder-watch.ts'
import { s3Event, type Notice } from '../../../../src/consume/doorbells/notice.ts'
import type { ObjectStore } from '../../../../src/core/object-store.ts'
import { manifestKey, parseManifestKey } from '../../../../src/lake/layout.ts'
import { FolderStore } from '../../../../src/storage/folder-store.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { UnreliableBells } from '../../../support/unreliable-bells.ts'
import { ManualClock, settled } from '../../capture/manual-clock.ts'

const EVERY_MS = 2000
const SENDER = { region: 'local', account: '000000000000', configurationId: 'lake', requestId: '1' }

/** A folder that is watched while the test writes to it. */
class Watched implements AsyncDisposable {
  readonly clock = new ManualClock(1_795_428_000_000)
  readonly notices: Notice[] = []
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  readonly #store: ObjectStore
  #heard = () => {}

  constructor(store: ObjectStore, after = 0) {
    this.#store = store
    const { clock } = this
    const ring = (notice: Notice): void => {
      this.notices.push(notice)
      this.#heard()
    }
    const watch = new FolderWatch({ store, bucket: 'lake', after, clock, everyMs: EVERY_MS, ring })
    this.#done = watch.run(this.#stop.signal)
  }

  get numbers(): (number | null)[] {
    return this.notices.map(({ key }) => parseManifestKey(key))
  }

  async until(rings: number): Promise<void> {
    while (this.notices.length < rings) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
  }

  write(...numbers: readonly number[]): Promise<void> {
    return write(this.#store, ...numbers)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#done
  }
}

async function write(store: ObjectStore, ...numbers: readonly number[]): Promise<void> {
  for (const n of numbers) await store.put(manifestKey(n), Buffer.from(`manifest ${n}`))
}

describe('a lake in a folder', () => {
  test('rings for each manifest as soon as the file system tells of it', async () => {
    const store = new FolderStore(temporaryFolder('bells'))
    await write(store, 1)
    await using watched = new Watched(store)
    await watched.until(1)
    await watched.write(2, 3)
    await watched.until(3)
    assert.deepEqual(watched.numbers, [1, 2, 3])
  })

  test('rings though the file system tells nothing, when its time has come', async () => {
    await using watched = new Watched(new MemoryStore())
    await settled()
    await watched.write(1, 2)
    await watched.clock.pass(EVERY_MS - 1)
    assert.deepEqual(watched.numbers, [])
    await watched.clock.pass(1)
    assert.deepEqual(watched.numbers, [1, 2])
    await watched.clock.pass(EVERY_MS)
    assert.deepEqual(watched.numbers, [1, 2])
  })

  test('does not ring for what was there before, nor for what is kept no more', async () => {
    const store = new MemoryStore()
    await write(store, 7, 8, 9)
    await using after = new Watched(store, 8)
    await using behind = new Watched(store, 2)
    await after.until(1)
    await behind.until(3)
    assert.deepEqual(after.numbers, [9])
    assert.deepEqual(behind.numbers, [7, 8, 9])
  })

  test('says what S3 says of an object', async () => {
    await using other = new Watched(new MemoryStore(), 254)
    await settled()
    await other.write(255)
    await other.clock.pass(EVERY_MS)
    assert.deepEqual(other.notices, [
      {
        bucket: 'lake',
        key: '_millrace/manifests/00000000000000000255.json',
        size: 12,
        eTag: createHash('md5').update('manifest 255').digest('hex'),
        at: 1_795_428_000_000 + EVERY_MS,
        sequencer: '00000000000000FF',
      },
    ])
    const [bell] = doorbellsIn(s3Event(other.notices[0]!, SENDER))
    assert.equal(bell?.type === 'object' && parseManifestKey(bell.key), 255)
  })
})

describe('an unreliable way', () => {
  const events = Array.from({ length: 1000 }, (_, i) => i)

  /** What arrives of a thousand events, sent one each millisecond. */
  function arriving(
    knobs: Omit<ConstructorParameters<typeof UnreliableBells>[0], 'seed'>,
    seed = 7,
  ) {
    const arrived: number[] = []
    const bells = new UnreliableBells<number>({ seed, ...knobs }, (event) => arrived.push(event))
    for (const event of events) {
      bells.send(event)
      bells.pass(1)
    }
    bells.pass(1e6)
    return arrived
  }

  test('changes nothing if nothing is said', () => {
    assert.deepEqual(arriving({}), events)
  })

  test('loses some', () => {
    const arrived = arriving({ loss: 0.1 })
    assert.ok(arrived.length > 850 && arrived.length < 950, String(arrived.length))
    assert.deepEqual(
      arrived,
      arrived.toSorted((a, b) => a - b),
    )
  })

  test('doubles some', () => {
    const arrived = arriving({ duplicates: 0.1 })
    assert.ok(arrived.length > 1050 && arrived.length < 1150)
    assert.equal(new Set(arrived).size, 1000)
  })

  test('delays all, and so brings them out of order', () => {
    const arrived = arriving({ delayMs: 50 })
    assert.deepEqual(
      arrived.toSorted((a, b) => a - b),
      events,
    )
    assert.notDeepEqual(arrived, events)
    assert.ok(arrived.every((event, i) => Math.abs(event - i) <= 50))
  })

  test('brings those out of order that are sent together', () => {
    const arrived: number[] = []
    const bells = new UnreliableBells<number>({ seed: 1, reordering: 0.5 }, (event) =>
      arrived.push(event),
    )
    for (const event of events) bells.send(event)
    assert.deepEqual(arrived, [])
    bells.pass(0)
    assert.notDeepEqual(arrived, events)
    assert.deepEqual(
      arrived.toSorted((a, b) => a - b),
      events,
    )
  })

  test('is the same again from the same seed, and another from another', () => {
    const knobs = { loss: 0.1, duplicates: 0.2, reordering: 0.2, delayMs: 20 }
    assert.deepEqual(arriving(knobs), arriving(knobs))
    assert.notDeepEqual(arriving(knobs), arriving(knobs, 8))
  })
})
