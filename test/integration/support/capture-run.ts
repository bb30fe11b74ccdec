/** Capture from a test's database into a lake in memory, made of the real parts, and what the lake holds. */

import { Capture } from '../../../src/capture/capture.ts'
import type { Source } from '../../../src/capture/source.ts'
import { BlockPool, ChangeCursor } from '../../../src/core/change-log.ts'
import { parseLsn, type Lsn } from '../../../src/core/lsn.ts'
import { tableId, type Shape, type TableName } from '../../../src/core/table.ts'
import { LogReader } from '../../../src/lake/log-reader.ts'
import { LogWriter } from '../../../src/lake/log-writer.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { systemClock } from '../../../src/system-clock.ts'
import type { TestDatabase } from '../../support/postgres.ts'
import { columnsOf } from '../../support/tuples.ts'
import { SpoolFolder } from './spool-folder.ts'

/** Values as bytes, in the order of the shape's columns. */
export type LakeRow = readonly ReturnType<typeof columnsOf>[number][]

export interface LakeTable {
  readonly shape: Shape
  /** Rows of the loads. */
  readonly loaded: readonly LakeRow[]
  /** Rows that the stream inserted, updated or deleted, in order. */
  readonly streamed: readonly LakeRow[]
}

export class CaptureRun implements AsyncDisposable {
  readonly #db: Pick<TestDatabase, 'query'>
  readonly #stop = new AbortController()
  readonly #spool: SpoolFolder
  readonly #capture: Capture
  readonly #shapes: Shapes
  readonly #reader: LogReader
  readonly #running: Promise<void>
  #confirmed: Lsn | null = null
  #isStreaming = false
  #wake: (() => void) | null = null

  /** A lake that is given goes on. */
  static async start(
    db: Pick<TestDatabase, 'query'>,
    source: Source,
    store = new MemoryStore(),
  ): Promise<CaptureRun> {
    return new CaptureRun(db, { source, store }, await SpoolFolder.make())
  }

  private constructor(
    db: Pick<TestDatabase, 'query'>,
    { source, store }: { source: Source; store: MemoryStore },
    spool: SpoolFolder,
  ) {
    this.#db = db
    this.#spool = spool
    const shapes = new Shapes(store)
    const reader = new LogReader({ store, shapes, rollupEvery: 1000 })
    const parts = { store, shapes, reader, rollups: reader.rollups, clock: systemClock }
    let ids = 0
    this.#shapes = shapes
    this.#reader = reader
    this.#capture = new Capture({
      source,
      reader,
      shapes,
      newWriter: () => new LogWriter({ ...parts, writer: 'w1', format: 'csv' }),
      isSelected: () => true,
      claimLake: async () => {},
      spoolFolder: spool.path,
      requests: () => Promise.resolve([]),
      clock: systemClock,
      limits: {
        everyMs: 20,
        rows: 100_000,
        bytes: 1 << 26,
        heartbeatMs: 50,
        parallel: 2,
        rangeBytes: 1 << 28,
        maxRowsPerSecond: null,
        partBytes: 1 << 24,
        lookEveryMs: 1e9,
      },
      newId: () => `load${++ids}`,
      emit: (event) => {
        if (event.type === 'manifest-written') this.#confirmed = event.manifest.confirm
        if (event.type === 'capture-state') this.#isStreaming = event.state === 'streaming'
        this.#wake?.()
      },
    })
    this.#running = this.#capture.run(this.#stop.signal)
  }

  /** Rejects with what ended the run. */
  get running(): Promise<void> {
    return this.#running
  }

  /** The folder of transactions that are streamed before they end. */
  get spoolPath(): string {
    return this.#spool.path
  }

  /** Resolves once every table is loaded. */
  async loaded(): Promise<void> {
    await this.#until(() => this.#isStreaming)
  }

  /** Resolves once the lake has what is committed now. */
  async caughtUp(): Promise<void> {
    // The server of the tests does not wait for its disk, and streams only what is there.
    await this.#db.query('set synchronous_commit = on')
    await this.#db.query(`select pg_logical_emit_message(true, 'test', 'flush')`)
    const [row] = await this.#db.query('select pg_current_wal_flush_lsn() as lsn')
    const lsn = parseLsn(String(row!['lsn']))
    this.#capture.want(lsn)
    await this.#until(() => this.#confirmed !== null && this.#confirmed >= lsn)
  }

  async read(name: TableName): Promise<LakeTable> {
    const id = tableId(name)
    const pool = new BlockPool()
    const loaded: LakeRow[] = []
    const streamed: LakeRow[] = []
    const state = await this.#reader.recover()
    const shape = await this.#shapes.read(state.tables.get(id)!.shape)
    for await (const { entries } of this.#reader.manifests(1)) {
      for (const entry of entries) {
        if (entry.table !== id) continue
        if (entry.type === 'load-part') {
          for await (const { bytes, starts } of this.#reader.readLoadPart(entry, shape).read()) {
            for (const start of starts.slice(0, -1)) loaded.push(columnsOf(bytes, start))
          }
        } else if (entry.type === 'changes') {
          const changes = await this.#reader.readChanges(entry, pool)
          const cursor = new ChangeCursor()
          for (const block of changes.drain()) {
            cursor.open(block)
            while (cursor.next()) streamed.push(columnsOf(cursor.bytes, cursor.start))
          }
        }
      }
    }
    return { shape, loaded, streamed }
  }

  /** Rejects with what ended the run, if it was not this. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    try {
      await this.#running
    } finally {
      await this.#spool[Symbol.asyncDispose]()
    }
  }

  /** Looks again at every event. What ends the run ends the wait, too. */
  async #until(isReached: () => boolean): Promise<void> {
    while (!isReached()) {
      const event = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      await Promise.race([event, this.#running])
      if (this.#stop.signal.aborted) return
    }
  }
}
