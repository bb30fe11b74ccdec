/**
 * A lake in memory, written as capture writes it, from a few messages of the wire.
 *
 *   const lake = new SampleLake()
 *   const writer = await lake.open()
 *   await lake.load(writer, 'l1', ['1,Ada', '2,Bob'])
 *   await lake.commit(writer, wire.insert(1, ['3', 'Cy']))
 *
 * Each commit is one transaction of one second later, and one manifest.
 */

import { lsn } from '../../../src/core/lsn.ts'
import type { LoadEntry, Manifest, RunInfo } from '../../../src/core/manifest.ts'
import type { ObjectStore } from '../../../src/core/object-store.ts'
import type { Shape, TableId } from '../../../src/core/table.ts'
import type { DataFormat } from '../../../src/lake/data-file.ts'
import { createOrCheck } from '../../../src/lake/lake-info.ts'
import { LogReader } from '../../../src/lake/log/log-reader.ts'
import { LogWriter } from '../../../src/lake/log/log-writer.ts'
import { Shapes } from '../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../src/storage/memory-store.ts'
import { RUN } from '../../support/manifests.ts'
import { wire, type RelationOptions } from '../../support/wire.ts'
import { Feed, type ScriptedCatalog } from '../capture/feed.ts'

export const CUSTOMERS = 'public.customers' as TableId
/** 2026-11-23 10:00:00 UTC. */
export const NOON = 1_795_428_000_000
export const SECOND = 1000
export const HOUR = 3_600_000
const POSTGRES_EPOCH_MS = 946_684_800_000

export const SHAPE: Shape = {
  table: { namespace: 'public', name: 'customers' },
  oid: 1,
  number: 1,
  columns: ['id', 'name'].map((name, place) => ({
    name,
    type: { oid: 25, name: 'text', modifier: -1 },
    wire: place,
    attnum: place + 1,
  })),
  key: [0],
}

export interface SampleOptions {
  readonly store?: ObjectStore
  readonly rollupEvery?: number
  readonly format?: DataFormat
}

export class SampleLake {
  readonly store: ObjectStore
  readonly shapes: Shapes
  readonly reader: LogReader
  readonly feed = new Feed()
  readonly format: DataFormat
  nowMs = NOON
  /** The LSN of the last commit. */
  at = 0x100n
  relation: RelationOptions = { oid: 1, name: 'customers', columns: ['id', 'name'] }

  constructor({
    store = new MemoryStore(),
    rollupEvery = 1000,
    format = 'csv',
  }: SampleOptions = {}) {
    this.store = store
    this.format = format
    this.shapes = new Shapes(store)
    number(this.feed.catalog)
    this.reader = new LogReader({ store, shapes: this.shapes, rollupEvery })
  }

  async open(name = 'w1', run: RunInfo = RUN): Promise<LogWriter> {
    const { store, shapes, reader, format } = this
    const { systemId, database } = run
    const createdAt = new Date(this.nowMs).toISOString()
    const source = { systemId, database }
    await createOrCheck(store, { id: '6b0e4c0d9a51', createdAt, task: 'shop', source })
    const clock = { now: () => this.nowMs, sleep: async () => {} }
    const parts = { store, shapes, reader, rollups: reader.rollups, clock, format }
    const writer = new LogWriter({ ...parts, writer: name })
    const start = { lsn: lsn(0x50n), timeline: 1 }
    await writer.open(await reader.recover(), run, start)
    return writer
  }

  /** One transaction, committed a second after the last, and its manifest. */
  async commit(writer: LogWriter, ...messages: readonly Buffer[]): Promise<Manifest> {
    this.nowMs += SECOND
    this.at += 0x10n
    const commitLsn = this.at
    const committedAt = BigInt(this.nowMs - POSTGRES_EPOCH_MS) * 1000n
    await this.feed.take(
      wire.begin({ commitLsn, committedAt }),
      wire.relation(this.relation),
      ...messages,
      wire.commit({ commitLsn, endLsn: commitLsn + 8n }),
    )
    const changes = this.feed.pending.take()
    return (await writer.write({ changes, loads: [] })).manifest
  }

  /** A complete load of what the lines say, in two manifests: begin and parts, then the end. */
  async load(writer: LogWriter, load: string, lines: readonly string[]): Promise<void> {
    const { begin, part, end } = await this.loadEntries(writer, load, lines)
    await writer.write({ changes: null, loads: [begin, part] })
    await writer.write({ changes: null, loads: [end] })
  }

  async loadEntries(
    writer: LogWriter,
    load: string,
    lines: readonly string[],
  ): Promise<{ begin: LoadEntry; part: LoadEntry; end: LoadEntry }> {
    const { n: since, clock } = writer.state
    const [table, at] = [CUSTOMERS, lsn(this.at + 1n)]
    const shape = await writer.writeShape(SHAPE)
    const forms = writer.loadLines(SHAPE, { lsn: at, order: clock - 1 })
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield forms.header
      for (const line of lines) yield Buffer.concat([forms.prefix, Buffer.from(`${line}\n`)])
    }
    const rows = lines.length
    const place = { table, load, part: 0, lines: forms }
    const part = { ...(await writer.writeLoadPart(place, pieces())), rows }
    return {
      begin: { type: 'load-begin', table, load, shape, lsn: at, since, for: 'all' },
      part,
      end: { type: 'load-end', table, load, rows },
    }
  }
}

/** As columns are numbered at a source where none was ever dropped. */
function number(catalog: ScriptedCatalog): void {
  const describe = catalog.describe.bind(catalog)
  catalog.describe = async (relation) => {
    const facts = await describe(relation)
    const columns = facts.columns.map((column, i) => ({ ...column, attnum: i + 1 }))
    return { ...facts, columns }
  }
}
