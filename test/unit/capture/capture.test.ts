/** Capture begins again and again, and others may have been there in between. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { Capture } from '../../../src/capture/capture.ts'
import type { LoadSnapshot, OpenSlot, Source } from '../../../src/capture/source.ts'
import type { TaskEvent } from '../../../src/core/events.ts'
import { lsn } from '../../../src/core/lsn.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { LogWriter } from '../../../src/lake/log/log-writer.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { RUN } from '../../support/manifests.ts'
import { TEXT } from '../../support/tuples.ts'
import { ManualClock } from './manual-clock.ts'

const START = { lsn: lsn(100n), timeline: 1 }

class Lake {
  readonly store = new MemoryStore()
  readonly shapes = new Shapes(this.store)
  readonly reader: LogReader
  readonly clock = new ManualClock()

  constructor() {
    const { store, shapes } = this
    this.reader = new LogReader({ store, shapes, rollupEvery: 1000 })
  }

  writer(name: string): LogWriter {
    const { store, shapes, reader, clock } = this
    const { rollups } = reader
    return new LogWriter({ store, shapes, reader, clock, rollups, writer: name, format: 'csv' })
  }

  /** What another process writes that has the slot for a moment. */
  async overtake(): Promise<void> {
    await this.writer('other').open(await this.reader.recover(), RUN, START)
  }
}

/** An empty table `a`, at an LSN; `opened` hears when it is copied. */
function snapshot(at: bigint, opened: (at: bigint) => void): LoadSnapshot {
  return {
    lsn: lsn(at),
    open: async ({ name }) => {
      opened(at)
      const facts = { columns: [{ name: 'id', type: TEXT }], key: ['id'] }
      async function* rows(): AsyncGenerator<Buffer> {}
      return { name, facts, rows, [Symbol.asyncDispose]: async () => {} }
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

/** The LSN of the snapshot that the first load was copied from. */
async function loadedFrom(lake: Lake, whileOpening: () => Promise<void>): Promise<bigint[]> {
  const opened: bigint[] = []
  const note = (at: bigint) => void opened.push(at)
  const name = { namespace: 'app', name: 'a' }
  const tables = [{ oid: 1, name, estimatedRows: 0, estimatedBytes: 0 }]
  const stop = new AbortController()
  const stream = { next: () => new Promise<null>(() => {}), confirm() {}, askForKeepalive() {} }
  const source: Source = {
    catalog: { describe: () => Promise.reject(new Error('nothing is streamed')) },
    prepare: async () => ({ run: RUN, tables }),
    open: async (): Promise<OpenSlot> => {
      await whileOpening()
      const confirmed = START.lsn
      const own = snapshot(100n, note)
      return {
        timeline: 1,
        confirmed,
        snapshot: own,
        stream,
        isStreaming: false,
        [Symbol.asyncDispose]: async () => {},
      }
    },
    snapshot: async () => snapshot(200n, note),
  }
  const emit = (event: TaskEvent) => void (event.type === 'load-ended' && stop.abort())
  const { reader, shapes, clock } = lake
  await new Capture({
    source,
    reader,
    shapes,
    newWriter: () => lake.writer('ours'),
    isSelected: () => true,
    claimLake: async () => {},
    clock,
    limits: {
      everyMs: 0,
      rows: 1,
      bytes: 1,
      heartbeatMs: 1000,
      parallel: 1,
      rangeBytes: 1 << 28,
      maxRowsPerSecond: null,
      partBytes: 1,
      lookEveryMs: 1e9,
    },
    spoolFolder: '',
    requests: () => Promise.resolve([]),
    newId: () => 'load1',
    emit,
  }).run(stop.signal)
  return opened
}

describe('the snapshot that came with a new slot', () => {
  test('is loaded from if nobody else had the slot', async () => {
    assert.deepEqual(await loadedFrom(new Lake(), async () => {}), [100n])
  })

  test('is not used if another process wrote to the log before us', async () => {
    // It made the slot, was held up, and another one streamed changes from it. They stood in the log
    // before our own `open`, from which the load was caught up: they were lost to every target.
    const lake = new Lake()
    assert.deepEqual(await loadedFrom(lake, () => lake.overtake()), [200n])
  })
})
