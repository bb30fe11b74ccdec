import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { FlushLimits } from '../../../src/capture/flush-policy.ts'
import { Generation } from '../../../src/capture/generation.ts'
import { TrackedTables } from '../../../src/capture/tables/tracked-tables.ts'
import { BlockPool } from '../../../src/core/change-log.ts'
import { CodedError } from '../../../src/core/errors.ts'
import type { TaskEvent } from '../../../src/core/events.ts'
import { lsn } from '../../../src/core/lsn.ts'
import type { LoadEntry, Manifest } from '../../../src/core/manifest.ts'
import type { Body, PutOptions } from '../../../src/core/object-store.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { LogWriter } from '../../../src/lake/log/log-writer.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { collect } from '../../support/collect.ts'
import { loadBegin, RUN } from '../../support/manifests.ts'
import { keepalive, wire, xlogData } from '../../support/wire.ts'
import { ScriptedCatalog } from './feed.ts'
import { ManualClock, settled } from './manual-clock.ts'
import { ScriptedStream } from './scripted-stream.ts'

const LIMITS: FlushLimits = { everyMs: 1000, rows: 3, bytes: 1 << 20, heartbeatMs: 10_000 }
const START = 0x50n

/** Holds back the puts of keys that match, or fails them. */
class GatedStore extends MemoryStore {
  held: RegExp | null = null
  failure: CodedError | null = null
  readonly #waiting: (() => void)[] = []

  override async put(key: string, body: Body, options?: PutOptions): Promise<void> {
    if (this.held?.test(key)) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve)
      })
    }
    if (this.failure !== null) throw this.failure
    await super.put(key, body, options)
  }

  get waiting(): number {
    return this.#waiting.length
  }

  async release(): Promise<void> {
    this.held = null
    for (const go of this.#waiting.splice(0)) go()
    await settled()
  }
}

class Run implements AsyncDisposable {
  readonly stream = new ScriptedStream()
  readonly pool = new BlockPool()
  readonly events: TaskEvent[] = []
  readonly store: GatedStore
  readonly clock: ManualClock
  readonly reader: LogReader
  readonly generation: Generation
  readonly done: Promise<void>
  readonly #stop = new AbortController()

  private constructor({ lake, log, limits }: { lake: Lake; log: LogWriter; limits: FlushLimits }) {
    this.store = lake.store
    this.clock = lake.clock
    this.reader = lake.reader
    const tables = new TrackedTables({
      isSelected: ({ name }) => name !== 'audit',
      catalog: new ScriptedCatalog(),
    })
    const { stream, clock, pool } = this
    const slot = {
      timeline: 1,
      confirmed: lsn(START),
      snapshot: null,
      isStreaming: false,
      stream,
      [Symbol.asyncDispose]: async () => {},
    }
    const emit = (event: TaskEvent): void => void this.events.push(event)
    this.generation = new Generation({ slot, log, tables, clock, limits, emit, pool, spool: null })
    this.done = this.generation.run(this.#stop.signal)
    this.done.catch(() => {})
  }

  static async begin(limits: Partial<FlushLimits> = {}): Promise<Run> {
    const lake = emptyLake()
    const { store, shapes, reader, clock } = lake
    const parts = { store, shapes, reader, rollups: reader.rollups, clock }
    const log = new LogWriter({ ...parts, writer: 'w1', format: 'csv' })
    await log.open(await reader.recover(), RUN, { lsn: lsn(START), timeline: 1 })
    const run = new Run({ lake, log, limits: { ...LIMITS, ...limits } })
    await settled()
    return run
  }

  stop(): void {
    this.#stop.abort()
  }

  /** The server sends a transaction of so many rows. */
  send(commitLsn: bigint, rows: number): void {
    this.stream.send(...transaction(commitLsn, rows))
  }

  manifests(): Promise<Manifest[]> {
    return collect(this.reader.manifests(2))
  }

  /** `changes 100/2 end`: kind and position of each manifest after the first. */
  async positions(): Promise<string[]> {
    return (await this.manifests()).map(
      ({ kind, to }) => `${kind} ${to.lsn.toString(16)}/${to.ordinal}${to.end ? ' end' : ''}`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop()
    await this.store.release()
    await this.done.catch(() => {})
  }
}

type Lake = ReturnType<typeof emptyLake>

function emptyLake() {
  const store = new GatedStore()
  const shapes = new Shapes(store)
  const reader = new LogReader({ store, shapes, rollupEvery: 1000 })
  return { store, shapes, reader, clock: new ManualClock(1_795_428_000_000) }
}

const relation = wire.relation({ oid: 1, name: 'customers', columns: ['id', 'name'] })
const ada = xlogData(wire.insert(1, ['1', 'Ada']))
const begin = (commitLsn: bigint) => xlogData(wire.begin({ commitLsn }))
const commit = (commitLsn: bigint) => xlogData(wire.commit({ commitLsn, endLsn: commitLsn + 8n }))

function transaction(commitLsn: bigint, rows: number): Buffer[] {
  const inserts = Array.from({ length: rows }, () => ada)
  return [begin(commitLsn), xlogData(relation), ...inserts, commit(commitLsn)]
}

describe('a batch', () => {
  test('ships when its time is over, though nothing more arrives', async () => {
    await using run = await Run.begin()
    run.send(0x100n, 1)
    await run.clock.pass(999)
    assert.deepEqual(await run.positions(), [])
    await run.clock.pass(1)
    assert.deepEqual(await run.positions(), ['changes 100/2 end'])
  })

  test('counts its time from its first change', async () => {
    await using run = await Run.begin()
    run.send(0x100n, 1)
    await run.clock.pass(600)
    run.send(0x200n, 1)
    await run.clock.pass(400)
    assert.deepEqual(await run.positions(), ['changes 200/2 end'])
  })

  test('waits longer after one that took many PUTs, unless it is full', async () => {
    await using run = await Run.begin({ putsPerSecond: 0.5 })
    run.send(0x100n, 1)
    await run.clock.pass(1000)
    assert.deepEqual(await run.positions(), ['changes 100/2 end'])
    run.send(0x200n, 1)
    await run.clock.pass(3999)
    assert.deepEqual(await run.positions(), ['changes 100/2 end'])
    await run.clock.pass(1)
    assert.deepEqual(await run.positions(), ['changes 100/2 end', 'changes 200/2 end'])
    run.send(0x300n, 3)
    await settled()
    assert.equal((await run.positions()).at(-1), 'changes 300/6 end')
  })

  test('ships at once when it is full, in the middle of a transaction too', async () => {
    await using run = await Run.begin()
    run.stream.send(begin(0x100n), xlogData(relation), ada, ada, ada)
    await settled()
    assert.deepEqual(await run.positions(), ['changes 100/6'])
    assert.deepEqual(
      (await run.manifests()).map(({ confirm }) => confirm),
      [START],
    )
    run.stream.send(commit(0x100n))
    await run.clock.pass(1000)
    assert.deepEqual(await run.positions(), ['changes 100/6', 'changes 100/6 end'])
    assert.equal(run.stream.confirmed.at(-1), 0x108n)
  })

  test('of load entries alone ships too', async () => {
    await using run = await Run.begin()
    const entry: LoadEntry = loadBegin('l1')
    run.generation.queue(entry)
    await run.clock.pass(1000)
    assert.deepEqual(
      (await run.manifests()).map(({ entries }) => entries),
      [[entry]],
    )
  })

  // `--until-caught-up` waited for the end of a batch whose time was a minute, though nothing more
  // could come before what it waited for.
  test('ships at once for who waits for a place that the server has reached', async () => {
    await using run = await Run.begin()
    run.send(0x100n, 1)
    await settled()
    run.generation.want(lsn(0x200n))
    run.stream.send(keepalive(0x1ffn))
    await settled()
    assert.deepEqual(await run.positions(), [])
    run.stream.send(keepalive(0x200n))
    await settled()
    assert.deepEqual(await run.positions(), ['changes 100/2 end', 'heartbeat 200/0 end'])
  })

  test('does not ship for who waits in the middle of a transaction, which ends behind that place', async () => {
    await using run = await Run.begin()
    run.generation.want(lsn(0x90n))
    run.stream.send(begin(0x100n), xlogData(relation), ada, keepalive(0x100n))
    await settled()
    assert.deepEqual(await run.positions(), [])
    run.stream.send(commit(0x100n), keepalive(0x108n))
    await settled()
    assert.deepEqual(await run.positions(), ['changes 100/2 end'])
  })

  test('gives its memory back', async () => {
    await using run = await Run.begin()
    run.send(0x100n, 3)
    await settled()
    assert.deepEqual(await run.positions(), ['changes 100/6 end'])
    assert.equal(run.pool.bytesInUse, 0)
  })

  test('tells how long its oldest change waited', async () => {
    await using run = await Run.begin()
    run.send(0x100n, 1)
    await run.clock.pass(1000)
    const [written] = run.events
    assert.equal(written?.type === 'manifest-written' && written.latencyMs, 1000)
  })
})

describe('a mark', () => {
  const drop = { table: loadBegin('l1').table, item: { type: 'drop' as const } }
  const placesOf = (manifests: readonly Manifest[]) =>
    manifests.flatMap(({ n, entries }) =>
      entries.flatMap((entry) => (entry.type === 'drop' ? [`${n} ${entry.position.lsn}`] : [])),
    )

  test('ships alone, where the log ends', async () => {
    await using run = await Run.begin()
    run.generation.mark(() => [drop])
    assert.equal(run.generation.isSettled, false)
    await run.clock.pass(1000)
    assert.deepEqual(await run.positions(), ['changes 50/0 end'])
    assert.deepEqual(placesOf(await run.manifests()), [`2 ${START}`])
    assert.equal(run.generation.isSettled, true)
  })

  test('ships behind the batch, where its last transaction ends', async () => {
    await using run = await Run.begin()
    run.send(0x100n, 1)
    run.generation.mark(() => [drop])
    await run.clock.pass(1000)
    assert.deepEqual(await run.positions(), ['changes 108/0 end'])
    assert.deepEqual(placesOf(await run.manifests()), [`2 ${String(0x108n)}`])
    run.send(0x108n, 1)
    await run.clock.pass(1000)
    assert.deepEqual(await run.positions(), ['changes 108/0 end', 'changes 108/2 end'])
  })

  test('waits for the end of a transaction that is half written, and is made only then', async () => {
    await using run = await Run.begin()
    let made = 0
    run.stream.send(begin(0x100n), xlogData(relation), ada, ada, ada)
    await settled()
    run.generation.mark(() => {
      made++
      return [drop]
    })
    await run.clock.pass(5000)
    assert.deepEqual(await run.positions(), ['changes 100/6'])
    assert.deepEqual([made, run.generation.isSettled], [0, false])
    run.stream.send(commit(0x100n))
    await run.clock.pass(1000)
    assert.deepEqual(await run.positions(), ['changes 100/6', 'changes 108/0 end'])
    assert.equal(made, 1)
  })

  test('that turns out to be needless leaves nothing', async () => {
    await using run = await Run.begin()
    run.generation.mark(() => [])
    await run.clock.pass(1000)
    assert.deepEqual(await run.positions(), [])
    assert.equal(run.generation.isSettled, true)
  })
})

describe('a commit time far ahead of our clock', () => {
  test('is told, with how far', async () => {
    await using run = await Run.begin()
    const committedAt = BigInt((run.clock.now() + 300_000 - 946_684_800_000) * 1000)
    run.stream.send(
      xlogData(wire.begin({ commitLsn: 0x100n, committedAt })),
      xlogData(relation),
      ada,
      commit(0x100n),
    )
    await run.clock.pass(1000)
    const told = run.events.filter(({ type }) => type === 'clock-ahead')
    assert.deepEqual(told, [{ type: 'clock-ahead', files: 1, ms: 299_000 }])
  })

  test('is no news for any other', async () => {
    await using run = await Run.begin()
    run.send(0x100n, 1)
    await run.clock.pass(1000)
    assert.ok(!run.events.some(({ type }) => type === 'clock-ahead'))
  })
})

describe('what is confirmed', () => {
  test('is at first what the log confirms, which may be more than the slot knows', async () => {
    // After a kill between a manifest and its confirmation an idle source was told nothing until its
    // next change, and held its WAL.
    await using run = await Run.begin()
    assert.deepEqual(run.stream.confirmed, [START])
  })

  test('is confirmed only once the manifest is durable', async () => {
    await using run = await Run.begin()
    run.store.held = /manifests/
    run.send(0x100n, 3)
    await settled()
    assert.equal(run.store.waiting, 1)
    assert.deepEqual(run.stream.confirmed, [START])
    await run.store.release()
    assert.deepEqual(run.stream.confirmed, [START, 0x108n])
  })

  test('is all that a server hears that asks while a flush is slow', async () => {
    await using run = await Run.begin()
    run.store.held = /cdc/
    run.send(0x100n, 3)
    run.stream.send(keepalive(0x900n, { replyRequested: true }))
    await settled()
    run.stream.send(keepalive(0x900n, { replyRequested: false }))
    await run.clock.pass(60_000)
    run.stream.send(keepalive(0x900n, { replyRequested: true }))
    await settled()
    assert.deepEqual(run.stream.confirmed, [START, START, START])
  })

  test('is the end of the last whole transaction, where a batch ends in the next', async () => {
    await using run = await Run.begin()
    run.stream.send(...transaction(0x100n, 1), begin(0x200n), ada, ada)
    await settled()
    assert.deepEqual(await run.positions(), ['changes 200/4'])
    assert.equal(run.stream.confirmed.at(-1), 0x108n)
  })
})

describe('back-pressure', () => {
  test('stops reading when the next batch is full too while one is written', async () => {
    await using run = await Run.begin()
    run.store.held = /cdc/
    for (let i = 1n; i <= 5n; i++) run.send(0x100n * i, 3)
    await settled()
    assert.equal(run.store.waiting, 1)
    assert.equal(run.stream.left, 3, 'one is written, one waits, three are left to the server')
    await run.store.release()
    assert.equal(run.stream.left, 0)
    assert.deepEqual((await run.positions()).at(-1), 'changes 500/6 end')
  })

  test('reads on while the next batch has room', async () => {
    await using run = await Run.begin()
    run.store.held = /cdc/
    run.send(0x100n, 3)
    run.send(0x200n, 2)
    await settled()
    assert.equal(run.stream.left, 0)
    assert.ok(run.stream.isWaitedFor)
  })
})

describe('a heartbeat', () => {
  test('moves an idle slot to where the server is', async () => {
    await using run = await Run.begin()
    run.stream.send(keepalive(0x900n))
    await run.clock.pass(9999)
    assert.deepEqual(await run.positions(), [])
    await run.clock.pass(1)
    assert.deepEqual(await run.positions(), ['heartbeat 900/0 end'])
    assert.equal(run.stream.confirmed.at(-1), 0x900n)
  })

  test('comes without keepalives, if transactions come that hold nothing for us', async () => {
    await using run = await Run.begin()
    await run.clock.pass(10_000)
    run.stream.send(begin(0x100n), commit(0x100n))
    await settled()
    assert.deepEqual(await run.positions(), ['heartbeat 108/0 end'])
  })

  test('waits for the end of a transaction that has begun', async () => {
    await using run = await Run.begin()
    await run.clock.pass(10_000)
    run.stream.send(begin(0x100n), keepalive(0x100n))
    await settled()
    assert.deepEqual(await run.positions(), [])
    run.stream.send(commit(0x100n))
    await settled()
    assert.deepEqual(await run.positions(), ['heartbeat 108/0 end'])
  })

  test('waits for changes that were read', async () => {
    await using run = await Run.begin({ everyMs: 20_000 })
    await run.clock.pass(10_000)
    run.stream.send(...transaction(0x100n, 1), keepalive(0x900n))
    await run.clock.pass(15_000)
    assert.deepEqual(await run.positions(), [])
    await run.clock.pass(5000)
    assert.deepEqual(await run.positions(), ['changes 100/2 end'])
    await run.clock.pass(10_000)
    assert.deepEqual(await run.positions(), ['changes 100/2 end', 'heartbeat 900/0 end'])
  })

  test('waits while the log ends within a transaction', async () => {
    await using run = await Run.begin()
    run.stream.send(begin(0x100n), xlogData(relation), ada, ada, ada)
    await settled()
    run.stream.send(keepalive(0x100n))
    await run.clock.pass(20_000)
    assert.deepEqual(await run.positions(), ['changes 100/6'])
  })

  test('comes once for a place, however often the server says it', async () => {
    await using run = await Run.begin()
    for (let i = 0; i < 3; i++) {
      run.stream.send(keepalive(0x900n))
      await run.clock.pass(10_000)
    }
    assert.deepEqual(await run.positions(), ['heartbeat 900/0 end'])
  })

  test('comes at once for who waits for the log to be there', async () => {
    await using run = await Run.begin()
    run.generation.want(lsn(0x800n))
    assert.equal(run.stream.asked, 1)
    run.stream.send(keepalive(0x7ffn))
    await settled()
    assert.deepEqual(await run.positions(), [])
    run.stream.send(keepalive(0x800n))
    await settled()
    assert.deepEqual(await run.positions(), ['heartbeat 800/0 end'])
  })

  // A load under a later snapshot than the slot's stayed out of an idle task's targets until the
  // next heartbeat, which is a minute. Found by a restart in the middle of the first load.
  test('comes as soon as the server is where a load is true', async () => {
    await using run = await Run.begin()
    run.stream.send(keepalive(0x900n))
    run.generation.queue(loadBegin('l1', { lsn: lsn(0x800n) }))
    await run.clock.pass(1000)
    const { to } = (await run.manifests()).at(-1)!
    assert.deepEqual(to, { lsn: 0x900n, ordinal: 0, end: true })
  })
})

describe('the end', () => {
  test('writes and confirms what was read, though the server is silent', async () => {
    await using run = await Run.begin()
    run.send(0x100n, 1)
    await settled()
    run.stop()
    await run.done
    assert.deepEqual(await run.positions(), ['changes 100/2 end'])
    assert.equal(run.stream.confirmed.at(-1), 0x108n)
  })

  test('comes at once if there is nothing to write', async () => {
    await using run = await Run.begin()
    run.stop()
    await run.done
    assert.deepEqual(await run.positions(), [])
    assert.equal(run.clock.sleepers, 0)
  })

  test('comes when a flush is done that is under way, and a full batch waits behind it', async () => {
    await using run = await Run.begin()
    run.store.held = /cdc/
    for (let i = 1n; i <= 3n; i++) run.send(0x100n * i, 3)
    await settled()
    run.stop()
    await run.store.release()
    await run.done
    assert.deepEqual(await run.positions(), ['changes 100/6 end', 'changes 200/6 end'])
  })

  test('of the stream is a connection that was lost, after what was read is written', async () => {
    await using run = await Run.begin()
    run.send(0x100n, 1)
    run.stream.end()
    await assert.rejects(run.done, { code: 'CONNECTION_LOST' })
    assert.deepEqual(await run.positions(), ['changes 100/2 end'])
  })

  test('of the connection is its own error', async () => {
    await using run = await Run.begin()
    run.stream.break(new CodedError('SLOT_LOST', 'gone'))
    await assert.rejects(run.done, { code: 'SLOT_LOST' })
  })

  test('comes with the failure of the writer, though the reader waits for a silent server', async () => {
    await using run = await Run.begin()
    run.store.failure = new CodedError('DISK_FULL', 'full')
    run.send(0x100n, 3)
    await assert.rejects(run.done, { code: 'DISK_FULL' })
    assert.deepEqual(run.stream.confirmed, [START])
  })

  test('comes with the failure of the writer, though the reader waits for room', async () => {
    await using run = await Run.begin()
    run.store.held = /cdc/
    for (let i = 1n; i <= 3n; i++) run.send(0x100n * i, 3)
    await settled()
    run.store.failure = new CodedError('DISK_FULL', 'full')
    await run.store.release()
    await assert.rejects(run.done, { code: 'DISK_FULL' })
  })

  test('comes with what the server must not send; what came before is written', async () => {
    await using run = await Run.begin()
    run.send(0x100n, 1)
    run.stream.send(ada)
    await assert.rejects(run.done, { code: 'PROTOCOL_VIOLATION' })
    assert.deepEqual(await run.positions(), ['changes 100/2 end'])
  })

  test('leaves nothing behind that could reject unseen', async () => {
    await using run = await Run.begin()
    run.store.failure = new CodedError('DISK_FULL', 'full')
    run.send(0x100n, 3)
    await assert.rejects(run.done, { code: 'DISK_FULL' })
    run.stream.break(new CodedError('CONNECTION_LOST', 'closed'))
    await settled()
  })
})
