/**
 * One transaction of 10 M updates, with a reader that is there while it runs.
 *
 * Time counts from the end of COMMIT on the source to the manifest that confirms it, so a reader
 * that takes the transaction in while it runs has the less to do after it. The floor gets it by
 * protocol 1, all of it after the commit. CPU and memory are those of the whole stretch, from before
 * the first update.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { formatLsn, lsn, parseLsn, type Lsn } from '../src/core/lsn.ts'
import type { Bench } from './bench.ts'
import { streamFloor } from './floor-process.ts'
import { awaitManifest } from './lake-watch.ts'
import { speedRatio, type Measurement, type Series } from './measurement.ts'
import { MillraceProcess } from './millrace-process.ts'
import { atLeast, memory, millions, seriesTable, type Report } from './report.ts'
import { changeInOneTransaction, createTable, markEnd, PUBLICATION } from './source-table.ts'
import { active, drop } from './stream.ts'
import { cpuSeconds, peakRss } from './usage.ts'

const SLOT = 'bench_large'
const FORMAT = 'csv.gz'

/** The floor has to be told an end; it is stopped when the server has sent it everything. */
const NEVER = lsn(0x7fff_ffff_ffff_ffffn)
const POLL_MS = 10

export async function benchLarge(bench: Bench): Promise<Report> {
  const { largeRows: rows } = bench.options
  const floor: Series = { name: floorOf(bench, '').name, rounds: [await read(bench, byFloor)] }
  const ours: Series = { name: `millrace, ${FORMAT}`, rounds: [await read(bench, byUs)] }
  return {
    name: 'large',
    title: `One transaction of ${millions(rows)} updates, read while it runs`,
    how:
      'Seconds are from the end of COMMIT to the durable manifest; of the floor, until the server ' +
      'has sent it everything. CPU and peak RSS are those of the reader from before the first ' +
      'update. Lake in a folder, flush.every: 1s, which counts. One round.',
    figures: [
      atLeast('speed after COMMIT', speedRatio(ours, floor), 1),
      memory('peak RSS', [ours], 300),
    ],
    table: seriesTable([floor, ours]),
  }
}

interface Reader extends AsyncDisposable {
  readonly pid: number
  /** Resolves when it has everything below `end`. */
  has(end: Lsn): Promise<void>
}

async function read(
  bench: Bench,
  begin: (bench: Bench, folder: string) => Promise<Reader>,
): Promise<Measurement> {
  const { largeRows: rows } = bench.options
  await createTable(bench, rows)
  await bench.sql(`select pg_create_logical_replication_slot('${SLOT}', 'pgoutput')`)
  await using folder = await bench.newFolder()
  const measured = await (async () => {
    await using reader = await begin(bench, folder.path)
    await active(bench, SLOT)
    await changeInOneTransaction(bench, rows)
    const committedAt = performance.now()
    await reader.has(await markEnd(bench))
    const seconds = (performance.now() - committedAt) / 1000
    return { rows, seconds, cpuSeconds: cpuSeconds(reader.pid), peakRss: peakRss(reader.pid) }
  })()
  await drop(bench, SLOT)
  bench.say(`  ${measured.seconds.toFixed(2)} s after COMMIT`)
  return measured
}

function floorOf({ url }: Bench, file: string) {
  return streamFloor({ url, slot: SLOT, publication: PUBLICATION, end: formatLsn(NEVER), file })
}

async function byFloor(bench: Bench, folder: string): Promise<Reader> {
  const [program, ...args] = floorOf(bench, join(folder, 'stream')).command
  const child = spawn(program!, args, { stdio: 'ignore' })
  return {
    pid: child.pid!,
    async has(end) {
      while ((await sentLsn(bench)) < end) await sleep(POLL_MS)
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** How far the server has sent the log to the one who reads the slot. */
async function sentLsn(bench: Bench): Promise<Lsn> {
  const [row] = await bench.sql<{ sent: string }>(
    `select sent_lsn::text as sent from pg_stat_replication
       join pg_replication_slots on active_pid = pid where slot_name = '${SLOT}'`,
  )
  if (row === undefined) throw new Error('the floor has ended')
  return parseLsn(row.sent)
}

async function byUs(bench: Bench, folder: string): Promise<Reader> {
  const millrace = await MillraceProcess.start({
    folder,
    url: bench.url,
    slot: SLOT,
    publication: PUBLICATION,
    tables: ['bench.rows', 'bench.mark'],
    lake: { format: FORMAT, flush: { every: '1s' } },
    profiles: bench.options.profiles,
  })
  return {
    pid: millrace.pid,
    async has(end) {
      await awaitManifest(
        folder,
        ({ confirm }) => confirm >= end,
        () => millrace.isRunning(),
      )
    },
    [Symbol.asyncDispose]: () => millrace[Symbol.asyncDispose](),
  }
}
