/**
 * Encoding: how fast the changes of a table become data files, by format, and files rows again.
 *
 * Without source and store: tuples as they wait in memory are encoded, compressed, hashed and thrown
 * away. The floor is our own CSV. For comparison the same Parquet columns go through hyparquet-writer,
 * which wants a JavaScript value for each value.
 */

import { parquetWriteBuffer } from 'hyparquet-writer'

import { BlockPool, ChangeLog, OP } from '../src/core/change-log.ts'
import { lsn } from '../src/core/lsn.ts'
import type { ObjectStore } from '../src/core/object-store.ts'
import type { Shape } from '../src/core/table.ts'
import { KIND, TupleCursor } from '../src/core/tuple.ts'
import type { ColumnType } from '../src/core/type.ts'
import { rowReader } from '../src/lake/codecs/decoder.ts'
import { encodeFile } from '../src/lake/codecs/encoder.ts'
import { elementsOf, fileColumns } from '../src/lake/codecs/parquet-columns.ts'
import { PARQUET_DEFAULTS } from '../src/lake/codecs/parquet-options.ts'
import { readChanges } from '../src/lake/codecs/row-reader.ts'
import { writeDataFile, type DataFormat } from '../src/lake/data-file.ts'
import type { Bench } from './bench.ts'
import { cpuRatio, interleave, medianOf, speedRatio, type Measurement } from './measurement.ts'
import { atLeast, millions, seriesTable, times, type Report } from './report.ts'
import { createTable } from './source-table.ts'

const FILE_ROWS = 100_000
const TRANSACTION_ROWS = 1_000
const FORMATS: readonly DataFormat[] = ['csv', 'csv.gz', 'parquet']

export async function benchEncode(bench: Bench): Promise<Report> {
  const { rounds, rows } = bench.options
  const files = Math.max(1, Math.round(rows / FILE_ROWS))
  await createTable(bench, FILE_ROWS)
  const table = await readTable(bench)
  const encoded = await interleave(
    [
      ...FORMATS.map((format) => [format, () => encode(table, files, format)] as const),
      ['parquet by hyparquet-writer', () => encodeByLibrary(table, files)] as const,
    ],
    rounds,
    bench.say,
  )
  const decoded = await interleave(
    (['csv', 'parquet'] as const).map((format) => [
      `${format} read back`,
      () => decode(table, files, format),
    ]),
    rounds,
    bench.say,
  )
  const [csv, gzip, parquet, library] = encoded
  const sizes = await Promise.all(FORMATS.map((format) => sizeOf(table, format)))
  const texts = table.tuples.reduce((sum, tuple) => sum + tuple.length, 0)
  const rate = medianOf(csv!, (m) => (m.rows * texts) / FILE_ROWS / m.seconds / 2 ** 20)
  return {
    name: 'encode',
    title: `Encoding ${millions(files * FILE_ROWS)} changes`,
    how:
      `Files of ${millions(FILE_ROWS)} rows, in memory, SHA-256 included; csv.gz compresses in threads. ` +
      `CSV takes in ${rate.toFixed(0)} MiB/s of tuples. A file has ` +
      `${FORMATS.map((format, i) => `${(sizes[i]! / 2 ** 20).toFixed(1)} MiB as ${format}`).join(', ')}. ` +
      `hyparquet-writer has ${times(speedRatio(library!, parquet!))} of the speed of our Parquet and ` +
      `${times(cpuRatio(library!, parquet!))} of its CPU.`,
    figures: [
      atLeast('speed, csv.gz', speedRatio(gzip!, csv!), 0.25),
      atLeast('speed, parquet', speedRatio(parquet!, csv!), 0.15),
    ],
    table: [...seriesTable(encoded), ...seriesTable(decoded).slice(1)],
  }
}

interface Table {
  readonly shape: Shape
  readonly tuples: readonly Buffer[]
}

/** The rows as the stream brings them: every value is its text. */
async function readTable(bench: Bench): Promise<Table> {
  const columns = await bench.sql<ColumnType & { column: string }>(
    `select attname as column, atttypid::int as oid, typname as name, atttypmod as modifier
       from pg_attribute join pg_type on pg_type.oid = atttypid
      where attrelid = 'bench.rows'::regclass and attnum > 0 order by attnum`,
  )
  const list = columns.map(({ column }) => `${column}::text`).join(', ')
  const rows = await bench.sql<{ row: (string | null)[] }>(
    `select array[${list.replaceAll('is_active::text', `left(is_active::text, 1)`)}] as row
       from bench.rows order by id`,
  )
  const shape: Shape = {
    table: { namespace: 'bench', name: 'rows' },
    oid: 1,
    number: 1,
    key: [0],
    columns: columns.map(({ column, ...type }, wire) => ({ name: column, type, wire })),
  }
  return { shape, tuples: rows.map(({ row }) => tupleOf(row)) }
}

function tupleOf(values: readonly (string | null)[]): Buffer {
  const parts: Buffer[] = [Buffer.of(values.length >> 8, values.length)]
  for (const value of values) {
    if (value === null) parts.push(Buffer.of(KIND.null))
    else {
      const head = Buffer.of(KIND.text, 0, 0, 0, 0)
      head.writeUInt32BE(Buffer.byteLength(value), 1)
      parts.push(head, Buffer.from(value))
    }
  }
  return Buffer.concat(parts)
}

const pool = new BlockPool()

function changesOf({ tuples }: Table): ChangeLog {
  const changes = new ChangeLog(pool)
  for (const [i, tuple] of tuples.entries()) {
    const transaction = Math.floor(i / TRANSACTION_ROWS)
    changes.begin(lsn(BigInt(1_000_000 + transaction * 300_000)), BigInt(7e14 + transaction * 1e5))
    changes.append(OP.insert, 2 * (i % TRANSACTION_ROWS) + 2, tuple, 0, tuple.length)
  }
  return changes
}

/** Takes what it gets and keeps nothing. */
const nowhere: ObjectStore = {
  url: 'nowhere',
  put: async (_, body) => {
    if (body instanceof Uint8Array) return
    for await (const piece of body) if (piece.length === 0) throw new Error('a piece of nothing')
  },
  get: () => Promise.resolve(null),
  async *read() {},
  async *list() {},
  delete: () => Promise.resolve(),
  localPath: () => null,
}

async function encode(table: Table, files: number, format: DataFormat): Promise<Measurement> {
  return measured(files, async (clock) => {
    const changes = changesOf(table)
    await clock(async () => {
      const pieces = encodeFile({ shape: table.shape, changes }, 1, { format })
      await writeDataFile(nowhere, { key: 'x', format }, pieces)
    })
  })
}

async function encodeByLibrary(table: Table, files: number): Promise<Measurement> {
  const columns = fileColumns(table.shape, PARQUET_DEFAULTS).slice(6)
  const schema = [{ name: 'schema', num_children: columns.length }, ...columns.flatMap(elementsOf)]
  return measured(files, async (clock) => {
    await clock(async () => {
      const data = valuesOf(table)
      const columnData = columns.map(({ name }, i) => ({ name, data: data[i]! }))
      await Promise.resolve(parquetWriteBuffer({ schema, columnData }))
    })
  })
}

/** A JavaScript value for each value, as the library takes them. */
function valuesOf({ shape, tuples }: Table): unknown[][] {
  const columns = shape.columns.map((): unknown[] => [])
  const cursor = new TupleCursor()
  for (const tuple of tuples) {
    cursor.open(tuple, 0)
    for (let i = 0; cursor.next(); i++) {
      const bytes = tuple.subarray(cursor.start, cursor.end)
      const isNull = cursor.kind !== KIND.text
      columns[i]!.push(isNull ? null : valueOf(shape.columns[i]!.type.name, bytes))
    }
  }
  return columns
}

function valueOf(type: string, bytes: Buffer): unknown {
  switch (type) {
    case 'int8':
      return BigInt(bytes.toString('latin1'))
    case 'numeric':
      return BigInt(bytes.toString('latin1').replace('.', ''))
    case 'timestamptz':
      return BigInt(Date.parse(`${bytes.toString('latin1')}:00`)) * 1000n
    case 'bool':
      return bytes[0] === 0x74
    default:
      return bytes
  }
}

async function decode(
  table: Table,
  files: number,
  format: 'csv' | 'parquet',
): Promise<Measurement> {
  const file = Buffer.concat([
    ...encodeFile({ shape: table.shape, changes: changesOf(table) }, 1, { format }),
  ])
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < file.length; at += 65_536) yield file.subarray(at, at + 65_536)
  }
  return measured(files, async (clock) => {
    const changes = new ChangeLog(pool)
    await clock(async () => {
      await readChanges(pieces(), rowReader(format, table.shape), changes)
    })
    changes.release()
  })
}

async function sizeOf(table: Table, format: DataFormat): Promise<number> {
  const pieces = encodeFile({ shape: table.shape, changes: changesOf(table) }, 1, { format })
  return (await writeDataFile(nowhere, { key: 'x', format }, pieces)).bytes
}

type Clock = (work: () => Promise<void>) => Promise<void>

/** Counts what stands within the clock, for each file. */
async function measured(files: number, run: (clock: Clock) => Promise<void>): Promise<Measurement> {
  let seconds = 0
  let cpuSeconds = 0
  for (let i = 0; i < files; i++) {
    await run(async (work) => {
      const [before, used] = [performance.now(), process.cpuUsage()]
      await work()
      seconds += (performance.now() - before) / 1000
      const { user, system } = process.cpuUsage(used)
      cpuSeconds += (user + system) / 1e6
    })
  }
  return { rows: files * FILE_ROWS, seconds, cpuSeconds, peakRss: null }
}
