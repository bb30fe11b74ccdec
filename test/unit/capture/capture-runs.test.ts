/** Runs of capture against a scripted source: the first, later ones, stopped ones, broken ones. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Capture } from '../../../src/capture/capture.ts'
import type {
  LoadableTable,
  LoadSnapshot,
  OpenSlot,
  Source,
  TableCopy,
} from '../../../src/capture/source.ts'
import { CodedError } from '../../../src/core/errors.ts'
import type { CaptureState, TaskEvent } from '../../../src/core/events.ts'
import { lsn } from '../../../src/core/lsn.ts'
import type { Manifest, RunInfo } from '../../../src/core/manifest.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { LogWriter } from '../../../src/lake/log/log-writer.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { collect } from '../../support/collect.ts'
import { RUN } from '../../support/manifests.ts'
import { TEXT } from '../../support/tuples.ts'
import { keepalive, wire, xlogData } from '../../support/wire.ts'
import { ScriptedCatalog } from './feed.ts'
import { ManualClock, settled } from './manual-clock.ts'
import { blockOf, ScriptedStream } from './scripted-stream.ts'

const CUSTOMERS: LoadableTable = {
  oid: 1,
  name: { namespace: 'public', name: 'customers' },
  estimatedRows: 2,
  estimatedBytes: 100,
}

/** A source with one slot; every part of it is what the test says. */
class ScriptedSource implements Source {
  readonly catalog = new ScriptedCatalog()
  run: RunInfo = RUN
  tables: readonly LoadableTable[] = [CUSTOMERS]
  confirmed = 0x50n
  /** The slot does not exist yet. */
  isNew = true
  /** Thrown by the next `open`. */
  failure: CodedError | null = null
  /** Lines of CSV; `null` for a table whose rows never come. */
  rows: readonly string[] | null = ['1,Ada\n', '2,Bob\n']
  /** Names of tables whose rows never come, whatever `rows` says. */
  readonly stuck = new Set<string>()
  /** Thrown when a snapshot is asked for. */
  snapshotFailure: CodedError | null = null
  /** Thrown when a table is opened for its load. */
  loadFailure: CodedError | null = null
  /** What each `open` was allowed to make. */
  readonly opened: boolean[] = []
  readonly streams: ScriptedStream[] = []
  openSnapshots = 0
  openCopies = 0

  async prepare() {
    return { run: this.run, tables: this.tables }
  }

  async open({ mayCreate }: { readonly mayCreate: boolean }): Promise<OpenSlot> {
    this.opened.push(mayCreate)
    const { failure } = this
    this.failure = null
    if (failure !== null) throw failure
    const stream = new ScriptedStream()
    this.streams.push(stream)
    const snapshot = this.isNew ? await this.snapshot() : null
    this.isNew = false
    return {
      timeline: 1,
      confirmed: lsn(this.confirmed),
      snapshot,
      stream,
      isStreaming: false,
      [Symbol.asyncDispose]: async () => {
        stream.break(new CodedError('CONNECTION_LOST', 'closed'))
        await snapshot?.[Symbol.asyncDispose]()
      },
    }
  }

  get stream(): ScriptedStream {
    return this.streams.at(-1)!
  }

  async snapshot(): Promise<LoadSnapshot> {
    if (this.snapshotFailure !== null) throw this.snapshotFailure
    const ended = new AbortController()
    this.openSnapshots++
    return {
      lsn: lsn(0x60n),
      open: async ({ name }) => {
        if (this.loadFailure !== null) throw this.loadFailure
        return this.#copy(name, ended.signal)
      },
      [Symbol.asyncDispose]: async () => {
        if (!ended.signal.aborted) this.openSnapshots--
        ended.abort()
      },
    }
  }

  #copy(name: LoadableTable['name'], ended: AbortSignal): TableCopy {
    const columns = ['id', 'name'].map((column) => ({ name: column, type: TEXT }))
    const rows = this.stuck.has(name.name) ? null : this.rows
    this.openCopies++
    return {
      name,
      facts: { columns, key: ['id'] },
      rows: async function* () {
        if (rows !== null) {
          yield blockOf(rows.map((row) => Buffer.from(row)))
          return
        }
        await new Promise<void>((_, reject) => {
          const lost = (): void => reject(new CodedError('CONNECTION_LOST', 'closed'))
          ended.addEventListener('abort', lost, { once: true })
        })
      },
      [Symbol.asyncDispose]: async () => void this.openCopies--,
    }
  }
}

class Task implements AsyncDisposable {
  readonly source: ScriptedSource
  readonly store: MemoryStore
  readonly clock = new ManualClock(1_795_428_000_000)
  readonly events: TaskEvent[] = []
  readonly reader: LogReader
  readonly done: Promise<void>
  readonly #stop = new AbortController()

  constructor(source = new ScriptedSource(), store = new MemoryStore(), lookEveryMs = 1e9) {
    this.source = source
    this.store = store
    const shapes = new Shapes(store)
    this.reader = new LogReader({ store, shapes, rollupEvery: 1000 })
    const { reader, clock } = this
    const parts = { store, shapes, reader, rollups: reader.rollups, clock }
    let ids = 0
    const capture = new Capture({
      source,
      reader,
      shapes,
      clock,
      newWriter: () => new LogWriter({ ...parts, writer: 'w1', format: 'csv' }),
      isSelected: () => true,
      claimLake: async () => {},
      spoolFolder: '',
      requests: () => Promise.resolve([]),
      limits: {
        everyMs: 1000,
        rows: 1000,
        bytes: 1 << 20,
        heartbeatMs: 10_000,
        parallel: 2,
        rangeBytes: 1 << 28,
        maxRowsPerSecond: null,
        partBytes: 1 << 20,
        lookEveryMs,
      },
      newId: () => `load${++ids}`,
      emit: (event) => void this.events.push(event),
    })
    this.done = capture.run(this.#stop.signal)
    this.done.catch(() => {})
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.done
  }

  get states(): CaptureState[] {
    return this.events.flatMap((event) => (event.type === 'capture-state' ? [event.state] : []))
  }

  manifests(): Promise<Manifest[]> {
    return collect(this.reader.manifests(1))
  }

  /** The kind of each manifest and the types of its entries. */
  async lines(): Promise<string[]> {
    return (await this.manifests()).map(({ kind, entries }) =>
      [kind, ...entries.map(({ type }) => type)].join(' '),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.done.catch(() => {})
  }
}

const TRANSACTION = [
  xlogData(wire.begin({ commitLsn: 0x100n })),
  xlogData(wire.relation({ oid: 1, name: 'customers', columns: ['id', 'name'] })),
  xlogData(wire.insert(1, ['3', 'Eve'])),
  xlogData(wire.commit({ commitLsn: 0x100n, endLsn: 0x108n })),
]

describe('a first run', () => {
  test('makes the slot, writes its open manifest, loads under the slot’s snapshot, and streams', async () => {
    await using task = new Task()
    await task.clock.pass(1000)
    assert.deepEqual(await task.lines(), ['open', 'changes load-begin load-part load-end'])
    const [begin] = (await task.manifests())[1]!.entries
    assert.ok(begin?.type === 'load-begin')
    assert.deepEqual([begin.lsn, begin.since], [0x60n, 1])
    const { opened, openSnapshots, openCopies } = task.source
    assert.deepEqual(opened, [true])
    assert.deepEqual(task.states, ['starting', 'loading', 'streaming'])
    assert.deepEqual([openSnapshots, openCopies], [0, 0])
  })

  test('gives all rows of a load the unused tick of the manifest before it', async () => {
    await using task = new Task()
    await task.clock.pass(1000)
    const [open, loaded] = await task.manifests()
    const part = loaded!.entries.find(({ type }) => type === 'load-part')
    assert.ok(part?.type === 'load-part')
    const [, ...rows] = String(await task.store.get(part.path))
      .trim()
      .split('\n')
    const tick = String(open!.clock - 1)
    assert.deepEqual(
      rows.map((row) => row.split(',').slice(0, 4)),
      [
        ['I', tick, '96', '0'],
        ['I', tick, '96', '0'],
      ],
    )
  })

  test('tells of its open manifest, which may be all that there is to tell', async () => {
    // With a log that had everything already, `--until-caught-up` waited for a manifest for ever.
    await using task = new Task()
    await settled()
    const first = task.events.find(({ type }) => type === 'manifest-written')
    assert.equal(first?.type === 'manifest-written' && first.manifest.kind, 'open')
  })

  test('that loads nothing does not hold the snapshot that came with the slot', async () => {
    // It was held for as long as the run lasted, and with it all dead rows of the source.
    const source = new ScriptedSource()
    source.run = { ...RUN, load: 'cdc' }
    await using task = new Task(source)
    await settled()
    assert.deepEqual(task.states, ['starting', 'streaming'])
    assert.equal(source.openSnapshots, 0)
  })

  test('that fails before it streams is not tried again', async () => {
    const source = new ScriptedSource()
    source.failure = new CodedError('CONNECTION_LOST', 'no')
    await using task = new Task(source)
    await assert.rejects(task.done, { code: 'CONNECTION_LOST' })
  })

  test('waits for a slot that is in use', async () => {
    const source = new ScriptedSource()
    source.failure = new CodedError('SLOT_IN_USE', 'by a process that was killed')
    await using task = new Task(source)
    await settled()
    assert.deepEqual(task.states, ['starting', 'retrying'])
    await task.clock.pass(100)
    assert.equal(task.states.at(-1), 'streaming')
  })
})

describe('a run that is stopped', () => {
  test('ends well in the middle of a load, which the next run begins again', async () => {
    // The signal's own error came out of the load: the task failed at every Ctrl-C during a load.
    const source = new ScriptedSource()
    source.rows = null
    const first = new Task(source)
    await first.clock.pass(1000)
    await first.stop()
    assert.equal(first.states.at(-1), 'stopped')
    assert.deepEqual(await first.lines(), ['open', 'changes load-begin'])
    assert.deepEqual([source.openSnapshots, source.openCopies], [0, 0])
    source.rows = ['1,Ada\n']
    await using next = new Task(source, first.store)
    await next.clock.pass(1000)
    assert.deepEqual((await next.lines()).slice(2), [
      'open',
      'changes load-cancel load-begin load-part load-end',
    ])
  })

  test('ends well between two attempts', async () => {
    await using task = new Task()
    await task.clock.pass(1000)
    task.source.stream.end()
    await settled()
    assert.equal(task.states.at(-1), 'retrying')
    await task.stop()
    assert.equal(task.states.at(-1), 'stopped')
  })

  test('writes what was read', async () => {
    await using task = new Task()
    await task.clock.pass(1000)
    task.source.stream.send(...TRANSACTION)
    await settled()
    await task.stop()
    assert.equal((await task.lines()).at(-1), 'changes changes')
    assert.equal(task.source.stream.confirmed.at(-1), 0x108n)
  })
})

describe('a later run', () => {
  async function ranOnce(): Promise<{ source: ScriptedSource; store: MemoryStore }> {
    const task = new Task()
    await task.clock.pass(1000)
    task.source.stream.send(...TRANSACTION)
    await settled()
    await task.stop()
    const { source, store } = task
    source.confirmed = 0x108n
    return { source, store }
  }

  test('goes on: it may not make the slot, and loads nothing again', async () => {
    const { source, store } = await ranOnce()
    await using task = new Task(source, store)
    await settled()
    assert.deepEqual(source.opened, [true, false])
    assert.deepEqual(task.states, ['starting', 'streaming'])
    task.source.stream.send(...TRANSACTION, keepalive(0x200n))
    await task.clock.pass(10_000)
    assert.deepEqual((await task.lines()).slice(-2), ['open', 'heartbeat'])
  })

  const refused: [name: string, change: (source: ScriptedSource) => void, code: string][] = [
    ['a slot that is ahead of the lake', (one) => void (one.confirmed = 0x109n), 'SLOT_MOVED'],
    ['another server', (one) => void (one.run = { ...RUN, systemId: 'another' }), 'SOURCE_CHANGED'],
  ]
  for (const [name, change, code] of refused) {
    test(`refuses ${name}, and writes nothing`, async () => {
      const { source, store } = await ranOnce()
      change(source)
      const before = await collect(store.list(''))
      await using task = new Task(source, store)
      await assert.rejects(task.done, { code })
      assert.deepEqual(await collect(store.list('')), before)
    })
  }

  test('refuses other settings only while a transaction is half written', async () => {
    const first = new Task()
    await first.clock.pass(1000)
    first.source.stream.send(...TRANSACTION.slice(0, 3))
    await settled()
    await first.stop()
    const { source, store } = first
    const options = { tables: 'app.*, !app.audit' }
    source.run = { ...RUN, options }
    await using changed = new Task(source, store)
    await assert.rejects(changed.done, { code: 'CONFIG_MID_TRANSACTION' })
    source.run = RUN
    const same = new Task(source, store)
    await settled()
    source.stream.send(...TRANSACTION)
    await settled()
    await same.stop()
    source.run = { ...RUN, options }
    source.confirmed = 0x108n
    await using after = new Task(source, store)
    await settled()
    assert.equal(after.states.at(-1), 'streaming')
  })
})

describe('a table that appears while the server has no slot or connection for its load', () => {
  for (const code of ['NO_FREE_SLOT', 'NO_FREE_SENDER'] as const) {
    test(`waits, and stops nobody (${code})`, async () => {
      const source = new ScriptedSource()
      await using task = new Task(source, new MemoryStore(), 5000)
      await task.clock.pass(1000)
      const orders = { ...CUSTOMERS, oid: 2, name: { namespace: 'public', name: 'orders' } }
      source.tables = [CUSTOMERS, orders]
      source.snapshotFailure = new CodedError(code, 'all are in use')
      await task.clock.pass(5000)
      const told = task.events.find(({ type }) => type === 'look-failed')
      assert.deepEqual(told?.type === 'look-failed' && told.waiting, ['public.orders'])
      assert.deepEqual(task.states, ['starting', 'loading', 'streaming'])
      source.snapshotFailure = null
      await task.clock.pass(5000)
      await task.clock.pass(1000)
      assert.equal(source.streams.length, 1)
      const loaded = task.events.filter(({ type }) => type === 'load-ended')
      assert.equal(loaded.length, 2)
    })
  }

  test('is not said to be loaded, at the start neither', async () => {
    const source = new ScriptedSource()
    source.isNew = false
    source.snapshotFailure = new CodedError('NO_FREE_SLOT', 'all are in use')
    await using task = new Task(source, new MemoryStore(), 5000)
    await task.clock.pass(5000)
    assert.deepEqual(task.states, ['starting', 'loading'])
    source.snapshotFailure = null
    await task.clock.pass(5000)
    assert.deepEqual(task.states, ['starting', 'loading', 'streaming'])
  })
})

describe('a url that leads to another server while we run', () => {
  test('is the end, and nothing of that server comes into the log', async () => {
    const source = new ScriptedSource()
    await using task = new Task(source, new MemoryStore(), 5000)
    await task.clock.pass(1000)
    const before = await task.lines()
    source.run = { ...RUN, systemId: '999' }
    source.tables = [{ ...CUSTOMERS, oid: 77 }]
    await task.clock.pass(5000)
    await task.clock.pass(5000)
    await assert.rejects(task.done, { code: 'SOURCE_CHANGED' })
    assert.deepEqual(await task.lines(), before)
  })
})

describe('a run that breaks', () => {
  test('is followed by another generation after a while', async () => {
    await using task = new Task()
    await task.clock.pass(1000)
    task.source.stream.end()
    await task.clock.pass(99)
    assert.equal(task.source.streams.length, 1)
    await task.clock.pass(1)
    assert.equal(task.source.streams.length, 2)
    const opens = (await task.manifests()).filter(({ kind }) => kind === 'open')
    assert.deepEqual(
      opens.map(({ generation }) => generation),
      [1, 3],
    )
  })

  test('is the end if a load fails for good', async () => {
    const source = new ScriptedSource()
    source.loadFailure = new CodedError('PERMISSION_DENIED', 'no')
    await using task = new Task(source)
    await assert.rejects(task.done, { code: 'PERMISSION_DENIED' })
    assert.equal(source.openSnapshots, 0)
  })

  // Elsewhere a place that could not be stored in the middle of a snapshot sent the task back to the
  // first of a hundred tables. A load whose end is in the log is never read again.
  test('does not load the tables again whose loads had ended, though the lake could not be written', async () => {
    const source = new ScriptedSource()
    const orders = { ...CUSTOMERS, oid: 2, name: { namespace: 'public', name: 'orders' } }
    source.tables = [CUSTOMERS, orders]
    source.stuck.add('orders')
    const store = new MemoryStore()
    await using task = new Task(source, store)
    await task.clock.pass(1000)
    const put = store.put.bind(store)
    store.put = () => Promise.reject(new CodedError('LAKE_UNREACHABLE', 'no answer'))
    source.stream.send(...TRANSACTION)
    await task.clock.pass(1000)
    assert.deepEqual(task.states, ['starting', 'loading', 'retrying'])
    store.put = put
    source.stuck.clear()
    await task.clock.pass(100)
    await task.clock.pass(1000)
    const loads = (await task.manifests()).flatMap(({ n, entries }) =>
      entries.flatMap(({ type, table }) => (type === 'load-part' ? [] : [`${n} ${type} ${table}`])),
    )
    assert.deepEqual(loads, [
      '2 load-begin public.customers',
      '2 load-begin public.orders',
      '2 load-end public.customers',
      '4 load-cancel public.orders',
      '4 load-begin public.orders',
      '4 load-end public.orders',
    ])
  })

  test('cancels the load that was under way, and begins it again', async () => {
    const source = new ScriptedSource()
    source.rows = null
    await using task = new Task(source)
    await task.clock.pass(1000)
    assert.deepEqual(await task.lines(), ['open', 'changes load-begin'])
    source.rows = ['1,Ada\n']
    source.stream.break(new CodedError('CONNECTION_LOST', 'the server went away'))
    await task.clock.pass(100)
    await task.clock.pass(1000)
    assert.deepEqual((await task.lines()).slice(2), [
      'open',
      'changes load-cancel load-begin load-part load-end',
    ])
    assert.deepEqual([source.openSnapshots, source.openCopies], [0, 0])
  })
})
