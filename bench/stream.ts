/**
 * Streaming: the same stretch of WAL, read by the floor and by us, each through a slot of its own.
 *
 * The slots are made before the changes, so every contender reads the same bytes. Time and CPU
 * count from the moment the slot is in use to the manifest that confirms the last change; the
 * floor's count until it has ended, its fsync included.
 */

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { formatLsn, type Lsn } from '../src/core/lsn.ts'
import type { Bench } from './bench.ts'
import { runFloor, streamFloor } from './floor-process.ts'
import { awaitManifest } from './lake-watch.ts'
import { cpuRatio, interleave, speedRatio, type Measurement, type Series } from './measurement.ts'
import { MillraceProcess, usedSince } from './millrace-process.ts'
import { atLeast, atMost, memory, millions, seriesTable, type Report } from './report.ts'
import {
  changeInManyTransactions,
  changeInOneTransaction,
  createTable,
  endOfWorkload,
  PUBLICATION,
} from './source-table.ts'

const FORMATS = ['csv', 'csv.gz'] as const
type Format = (typeof FORMATS)[number]

interface Workload {
  readonly bench: Bench
  readonly rows: number
  readonly end: Lsn
}

export async function benchStream(bench: Bench): Promise<Report> {
  const { rows } = bench.options
  await createTable(bench, rows / 2)
  const [floor, csv, gzip] = await contest(bench, changeInManyTransactions)
  return {
    name: 'stream',
    title: `Streaming ${millions(rows)} changes in transactions of 1,000`,
    how: HOW,
    figures: [
      atLeast('speed, csv', speedRatio(csv, floor), 0.95),
      atMost('CPU, csv', cpuRatio(csv, floor), 1.8),
      atMost('CPU, csv.gz', cpuRatio(gzip, floor), 2.5),
      memory('peak RSS', [csv, gzip], 300),
    ],
    table: seriesTable([floor, csv, gzip]),
  }
}

export async function benchTransaction(bench: Bench): Promise<Report> {
  const { rows } = bench.options
  await createTable(bench, rows)
  const [floor, csv, gzip] = await contest(bench, changeInOneTransaction)
  return {
    name: 'transaction',
    title: `Streaming one transaction of ${millions(rows)} updates`,
    how: HOW,
    figures: [
      atLeast('speed, csv', speedRatio(csv, floor), 1),
      memory('peak RSS', [csv, gzip], 300),
    ],
    table: seriesTable([floor, csv, gzip]),
  }
}

const HOW =
  'The same WAL through slots of its own for each contender and round, TCP over loopback; the floor ' +
  'by protocol 1, ours as it chooses. Lake in a folder with default settings, fsync and manifests ' +
  'included. CPU is user and system time of the client process from the start of the stream.'

async function contest(
  bench: Bench,
  change: (bench: Bench, rows: number) => Promise<void>,
): Promise<[Series, Series, Series]> {
  const { rounds, rows } = bench.options
  const names = ['floor', ...FORMATS]
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      await bench.sql(
        `select pg_create_logical_replication_slot('${slotName(name, round)}', 'pgoutput')`,
      )
    }
  }
  await change(bench, rows)
  const workload = { bench, rows, end: await endOfWorkload(bench) }
  const [floor, csv, gzip] = await interleave(
    [
      [floorName(workload), (round) => readByFloor(workload, slotName('floor', round))],
      ...FORMATS.map(
        (format) =>
          [`millrace, ${format}`, (round: number) => readByUs(workload, format, round)] as const,
      ),
    ],
    rounds,
    bench.say,
  )
  return [floor!, csv!, gzip!]
}

function slotName(name: string, round: number): string {
  return `bench_${name.replace('.', '_')}_${round}`
}

function floorName(workload: Workload): string {
  return floorOf(workload, '', '').name
}

function floorOf({ bench: { url }, end }: Workload, slot: string, file: string) {
  return streamFloor({ url, slot, publication: PUBLICATION, end: formatLsn(end), file })
}

async function readByFloor(workload: Workload, slot: string): Promise<Measurement> {
  const { bench, rows } = workload
  await using folder = await bench.newFolder()
  const floor = floorOf(workload, slot, join(folder.path, 'stream'))
  const startedAt = performance.now()
  const running = runFloor(floor, false)
  const activeAt = await active(bench, slot)
  const { seconds, cpuSeconds, peakRss } = await running
  await drop(bench, slot)
  return { rows, seconds: seconds - (activeAt - startedAt) / 1000, cpuSeconds, peakRss }
}

async function readByUs(workload: Workload, format: Format, round: number): Promise<Measurement> {
  const { bench, rows, end } = workload
  const slot = slotName(format, round)
  await using folder = await bench.newFolder()
  const millrace = await MillraceProcess.start({
    folder: folder.path,
    url: bench.url,
    slot,
    publication: PUBLICATION,
    tables: ['bench.rows', 'bench.mark'],
    lake: { format },
    untilCaughtUp: true,
    profiles: bench.options.profiles,
  })
  await using _ = millrace
  const activeAt = await active(bench, slot, () => millrace.isRunning())
  const before = millrace.usage()
  await awaitManifest(
    folder.path,
    ({ confirm }) => confirm >= end,
    () => millrace.isRunning(),
  )
  const seconds = (performance.now() - activeAt) / 1000
  const used = usedSince(before, millrace.usage())
  await millrace.ended()
  await drop(bench, slot)
  return { rows, seconds, ...used }
}

const POLL_MS = 3

/** Resolves to when somebody began to read the slot. */
export async function active(bench: Bench, slot: string, isRunning = () => true): Promise<number> {
  for (;;) {
    const [row] = await bench.sql<{ active: boolean }>(
      `select active from pg_replication_slots where slot_name = '${slot}'`,
    )
    if (row!.active) return performance.now()
    if (!isRunning()) throw new Error(`nobody read the slot ${slot}`)
    await sleep(POLL_MS)
  }
}

/** The server may take a moment to notice that the reader has gone. */
export async function drop(bench: Bench, slot: string): Promise<void> {
  for (let left = 500; ; left--) {
    const dropped = await bench.sql(
      `select pg_drop_replication_slot(slot_name) from pg_replication_slots
        where slot_name = '${slot}' and not active`,
    )
    if (dropped.length > 0) return
    if (left === 0) throw new Error(`the slot ${slot} stays in use`)
    await sleep(10)
  }
}
