/**
 * Latency: from a commit on the source to the durable manifest that holds it, at 10,000 changes a
 * second.
 *
 * Nobody has to tell when: each row in the lake has its commit time, each manifest has the time at
 * which it was linked into place, and both are of one clock. The floor is what the disk takes to
 * make two files of that size durable, one after the other.
 */

import { open, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { Client } from 'pg'

import { parseCommitTime } from '../src/lake/codecs/commit-time.ts'
import { ROW } from '../src/lake/codecs/row-columns.ts'
import { manifestKey } from '../src/lake/layout.ts'
import type { Bench } from './bench.ts'
import { awaitManifest, readManifest } from './lake-watch.ts'
import { quantile } from './measurement.ts'
import { MillraceProcess } from './millrace-process.ts'
import { thousands, type Report } from './report.ts'
import { createTable, endOfWorkload, insertSql, PUBLICATION } from './source-table.ts'
import { drop } from './stream.ts'

const SLOT = 'bench_latency'
const EVERY_MS = 100
const TRANSACTION_ROWS = 100
const TRANSACTIONS_PER_SECOND = 100
const SECONDS = 20
/** A process that has just begun is not what is measured. */
const WARM_UP_SECONDS = 3
const REACH_MS = 250

export async function benchLatency(bench: Bench): Promise<Report> {
  await createTable(bench, 1_000)
  await bench.sql(`select pg_create_logical_replication_slot('${SLOT}', 'pgoutput')`)
  await using folder = await bench.newFolder()
  const millrace = await MillraceProcess.start({
    folder: folder.path,
    url: bench.url,
    slot: SLOT,
    publication: PUBLICATION,
    tables: ['bench.rows', 'bench.mark'],
    lake: { format: 'csv', flush: { every: `${EVERY_MS}ms` } },
    profiles: bench.options.profiles,
  })
  await using _ = millrace
  await millrace.logged('capture began to stream')
  const warmUntil = Date.now() + WARM_UP_SECONDS * 1000
  const rate = await write(bench)
  const end = await endOfWorkload(bench)
  await awaitManifest(
    folder.path,
    ({ confirm }) => confirm >= end,
    () => millrace.isRunning(),
  )
  await millrace.kill('SIGTERM')
  await drop(bench, SLOT)
  const latencies = await latenciesIn(folder.path, warmUntil)
  const floors = await diskFloor(folder.path)
  const p99 = quantile(latencies, 0.99)
  const line = (name: string, values: readonly number[]): string[] => [
    name,
    ...[0.5, 0.99, 1].map((q) => quantile(values, q).toFixed(1)),
    `${(quantile(values, 0.99) / quantile(floors, 0.99)).toFixed(1)}x`,
  ]
  return {
    name: 'latency',
    title: 'Latency from commit to durable file',
    how:
      `${thousands(rate)} changes a second in transactions of ${TRANSACTION_ROWS}, ` +
      `flush.every: ${EVERY_MS}ms, csv in a folder; ${latencies.length} rows after a warm-up of ` +
      `${WARM_UP_SECONDS} s. A change waits up to ${EVERY_MS} ms by that setting alone.`,
    figures: [
      {
        what: 'p99',
        measured: `${p99.toFixed(0)} ms`,
        reach: `<= ${REACH_MS} ms`,
        isReached: rate >= 9_000 ? p99 <= REACH_MS : null,
      },
    ],
    table: [
      ['', 'p50 ms', 'p99 ms', 'max ms', 'p99 to floor'],
      line('floor: two files written and synced', floors),
      line('millrace, csv', latencies),
    ],
  }
}

/** Writes at the wanted rate, as far as the machine keeps up. Resolves to rows per second. */
async function write({ url }: Bench): Promise<number> {
  const client = new Client({ connectionString: url })
  await client.connect()
  // The server of the benchmarks is made to write its log lazily, and streams no log before that.
  await client.query('set synchronous_commit = on')
  const count = SECONDS * TRANSACTIONS_PER_SECOND
  const startedAt = performance.now()
  for (let i = 0; i < count; i++) {
    const from = 10_000 + i * TRANSACTION_ROWS
    await client.query(insertSql(from, from + TRANSACTION_ROWS - 1))
    const aheadMs = ((i + 1) / TRANSACTIONS_PER_SECOND) * 1000 - (performance.now() - startedAt)
    if (aheadMs > 1) await sleep(aheadMs)
  }
  const seconds = (performance.now() - startedAt) / 1000
  await client.end()
  return (count * TRANSACTION_ROWS) / seconds
}

const POSTGRES_EPOCH_MS = 946_684_800_000

/** Of every row that was committed after `from`, in ms. */
async function latenciesIn(folder: string, from: number): Promise<number[]> {
  const latencies: number[] = []
  for (let n = 1; ; n++) {
    const manifest = await readManifest(folder, n)
    if (manifest === null) return latencies
    const { ctimeMs } = await stat(join(folder, 'lake', manifestKey(n)))
    for (const entry of manifest.entries) {
      if (entry.type !== 'changes' || entry.table !== 'bench.rows') continue
      for (const at of await commitTimes(join(folder, 'lake', entry.path))) {
        if (at >= from) latencies.push(ctimeMs - at)
      }
    }
  }
}

/** The columns before it need no quotes, and no value of the table has a line break. */
async function commitTimes(file: string): Promise<number[]> {
  const [, ...lines] = (await readFile(file, 'utf8')).trimEnd().split('\n')
  return lines.map((line) => {
    const micros = parseCommitTime(line.split(',', ROW.committedAt + 1)[ROW.committedAt]!)
    return Number(micros) / 1000 + POSTGRES_EPOCH_MS
  })
}

const DISK_ROUNDS = 100

async function diskFloor(folder: string): Promise<number[]> {
  const data = Buffer.alloc(EVERY_MS * 10 * 250)
  const times: number[] = []
  for (let i = 0; i < DISK_ROUNDS; i++) {
    const startedAt = performance.now()
    await writeDurably(folder, `data-${i}`, data)
    await writeDurably(folder, `manifest-${i}`, data.subarray(0, 1_000))
    times.push(performance.now() - startedAt)
  }
  return times
}

async function writeDurably(folder: string, name: string, bytes: Buffer): Promise<void> {
  const path = join(folder, name)
  {
    await using file = await open(`${path}.draft`, 'w')
    await file.writeFile(bytes)
    await file.sync()
  }
  await rename(`${path}.draft`, path)
  await using directory = await open(folder)
  await directory.sync()
}
