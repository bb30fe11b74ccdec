/** Capture from a test's database into a lake in memory, made of the real parts, and what the lake holds. */

import { Capture } from '../../../src/capture/capture.ts'
import type { Source } from '../../../src/capture/source.ts'
import type { Exclusions } from '../../../src/capture/stream/exclusions.ts'
import { BlockPool, ChangeCursor, OP } from '../../../src/core/change-log.ts'
import type { TaskEvent } from '../../../src/core/events.ts'
import { parseLsn, type Lsn } from '../../../src/core/lsn.ts'
import { tableId, type Shape, type TableName } from '../../../src/core/table.ts'
import type { Encoding } from '../../../src/lake/codecs/encoder.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { LogWriter } from '../../../src/lake/log/log-writer.ts'
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
  /** Rows that the stream inserted, updated or deleted, in order; a truncate has no values. */
  readonly streamed: readonly LakeRow[]
}

export interface RunOptions {
  /** A lake that is given goes on. */
  readonly store?: MemoryStore
  readonly exclusions?: Exclusions
  readonly lookEveryMs?: number
  /** CSV if it is left out. */
  readonly encoding?: Pick<Encoding, 'format' | 'parquet'>
}

export class CaptureRun implements AsyncDisposable {
  readonly events: TaskEvent[] = []
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

  static async start(
    db: Pick<TestDatabase, 'query'>,
    source: Source,
    options: RunOptions = {},
  ): Promise<CaptureRun> {
    return new CaptureRun(db, { source, ...options }, await SpoolFolder.make())
  }

  private constructor(
    db: Pick<TestDatabase, 'query'>,
    {
      source,
      store = new MemoryStore(),
      exclusions,
      lookEveryMs = 1e9,
      encoding = { format: 'csv' },
    }: RunOptions & { readonly source: Source },
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
      newWriter: () => new LogWriter({ ...parts, writer: 'w1', ...encoding }),
      isSelected: () => true,
      ...(exclusions && { exclusions }),
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
        lookEveryMs,
      },
      newId: () => `load${++ids}`,
      emit: (event) => {
        this.events.push(event)
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

  /** Resolves once it is so; looked at again at every event. */
  async until(isReached: () => boolean): Promise<void> {
    await this.#until(isReached)
  }

  /** Resolves once the table was loaded so often. */
  async loadedTimes(table: string, times: number): Promise<void> {
    const ended = () => this.events.filter((e) => e.type === 'load-ended' && e.table === table)
    await this.#until(() => ended().length >= times)
    // The end is in the log with the next manifest.
    await this.caughtUp()
  }

  /** Codes of the tables that are refused now, by name. */
  get refused(): Record<string, string> {
    const last = this.events.findLast((event) => event.type === 'tables-refused')
    return Object.fromEntries(
      (last?.refused ?? []).map(({ name, error }) => [tableId(name), error.code]),
    )
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
    await this.reached(parseLsn(String(row!['lsn'])))
  }

  /** Resolves once the lake has what is committed below; nothing is written to the WAL for it. */
  async reached(lsn: Lsn): Promise<void> {
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
    let loadShape = shape
    for await (const { entries } of this.#reader.manifests(1)) {
      for (const entry of entries) {
        if (entry.table !== id) continue
        if (entry.type === 'load-begin') loadShape = await this.#shapes.read(entry.shape)
        if (entry.type === 'load-part') {
          for await (const { bytes, starts } of this.#reader
            .readLoadPart(entry, loadShape)
            .read()) {
            for (const start of starts.slice(0, -1)) loaded.push(columnsOf(bytes, start))
          }
        } else if (entry.type === 'changes') {
          const changes = await this.#reader.readChanges(entry, pool)
          const cursor = new ChangeCursor()
          for (const block of changes.drain()) {
            cursor.open(block)
            while (cursor.next()) {
              const isEmpty = cursor.op === OP.truncate
              streamed.push(isEmpty ? [] : columnsOf(cursor.bytes, cursor.start))
            }
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
