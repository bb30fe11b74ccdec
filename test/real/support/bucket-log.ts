/** One process's view of a log: its own store, its own slot's rows, its own writer. */

import { lsn } from '../../../src/core/lsn.ts'
import type { Manifest } from '../../../src/core/manifest.ts'
import type { ObjectStore } from '../../../src/core/object-store.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { LogWriter } from '../../../src/lake/log/log-writer.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { systemClock } from '../../../src/system-clock.ts'
import { RUN } from '../../support/manifests.ts'
import { wire } from '../../support/wire.ts'
import { Feed } from '../../unit/capture/feed.ts'

const START = { lsn: lsn(0x50n), timeline: 1 }
/** 2026-11-23, as the server counts. */
const COMMITTED_AT = 848_743_200_000_000n

export class BucketLog {
  readonly reader: LogReader
  readonly #store: ObjectStore
  readonly #shapes: Shapes
  readonly #feed = new Feed()

  constructor(store: ObjectStore) {
    this.#store = store
    this.#shapes = new Shapes(store)
    this.reader = new LogReader({ store, shapes: this.#shapes, rollupEvery: 1000 })
  }

  writer(name: string): LogWriter {
    return new LogWriter({
      store: this.#store,
      shapes: this.#shapes,
      reader: this.reader,
      rollups: this.reader.rollups,
      clock: systemClock,
      writer: name,
      format: 'csv.gz',
    })
  }

  async open(name: string): Promise<LogWriter> {
    const writer = this.writer(name)
    await this.opened(writer)
    return writer
  }

  /** Resolves to the `open` manifest of the writer. */
  async opened(writer: LogWriter): Promise<Manifest> {
    return writer.open(await this.reader.recover(), RUN, START)
  }

  /** One transaction with some rows in each of the tables. */
  async batch(commitLsn: bigint, tables: number, rows = 1) {
    const messages: Buffer[] = []
    for (let oid = 1; oid <= tables; oid++) {
      messages.push(wire.relation({ oid, name: `table_${oid}`, columns: ['id', 'name'] }))
      for (let row = 0; row < rows; row++) {
        messages.push(wire.insert(oid, [`${commitLsn}${row}`, `name ${row}`]))
      }
    }
    await this.#feed.take(
      wire.begin({ commitLsn, committedAt: COMMITTED_AT }),
      ...messages,
      wire.commit({ commitLsn, endLsn: commitLsn + 8n }),
    )
    const changes = this.#feed.pending.take()
    return { changes, loads: [] }
  }
}
