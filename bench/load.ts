/**
 * Loading: one table, copied over one connection by the floor and by us.
 *
 * Ours counts from the copy's beginning, when the snapshot and the lock are there, to the manifest
 * with the load's end.
 */

import type { Bench } from './bench.ts'
import { copyFloor, runFloor } from './floor-process.ts'
import { awaitManifest } from './lake-watch.ts'
import { cpuRatio, interleave, speedRatio, type Measurement } from './measurement.ts'
import { MillraceProcess, usedSince } from './millrace-process.ts'
import { atLeast, memory, millions, seriesTable, times, type Report } from './report.ts'
import { createTable, PUBLICATION } from './source-table.ts'
import { drop } from './stream.ts'

const TABLE = 'bench.rows'
const SLOT = 'bench_load'
/** The end of a load waits for the next flush; that is a setting, and not what is measured. */
const FLUSH = { every: '100ms' }

export async function benchLoad(bench: Bench): Promise<Report> {
  const { loadRows, rounds } = bench.options
  await createTable(bench, loadRows)
  await bench.sql(`vacuum (freeze, analyze) ${TABLE}`)
  const floorProgram = copyFloor(bench.url, TABLE)
  const [floor, csv, gzip] = await interleave(
    [
      [
        floorProgram.name,
        async () => {
          const { seconds, cpuSeconds, peakRss } = await runFloor(floorProgram, false)
          return { rows: loadRows, seconds, cpuSeconds, peakRss }
        },
      ],
      ['millrace, csv', () => loadByUs(bench, 'csv')],
      ['millrace, csv.gz', () => loadByUs(bench, 'csv.gz')],
    ],
    rounds,
    bench.say,
  )
  return {
    name: 'load',
    title: `Loading a table of ${millions(loadRows)} rows`,
    how:
      'One connection each, TCP over loopback. The floor reads the text format and keeps nothing; ' +
      'ours is in the lake, fsync and manifest included. ' +
      `CPU against the floor: csv ${times(cpuRatio(csv!, floor!))}, csv.gz ${times(cpuRatio(gzip!, floor!))}.`,
    figures: [
      atLeast('speed, csv', speedRatio(csv!, floor!), 0.6),
      atLeast('speed, csv.gz', speedRatio(gzip!, floor!), 0.35),
      memory('peak RSS', [csv!, gzip!], 300),
    ],
    table: seriesTable([floor!, csv!, gzip!]),
  }
}

async function loadByUs(bench: Bench, format: 'csv' | 'csv.gz'): Promise<Measurement> {
  await using folder = await bench.newFolder()
  const millrace = await MillraceProcess.start({
    folder: folder.path,
    url: bench.url,
    load: 'full-load-and-cdc',
    slot: SLOT,
    publication: PUBLICATION,
    tables: [TABLE],
    lake: { format, flush: FLUSH },
    profiles: bench.options.profiles,
  })
  await using _ = millrace
  const beganAt = await millrace.logged('load began')
  const before = millrace.usage()
  let rows = 0
  await awaitManifest(
    folder.path,
    ({ entries }) => {
      for (const entry of entries) if (entry.type === 'load-part') rows += entry.rows
      return entries.some(({ type }) => type === 'load-end')
    },
    () => millrace.isRunning(),
  )
  const seconds = (performance.now() - beganAt) / 1000
  const used = usedSince(before, millrace.usage())
  await millrace.kill('SIGTERM')
  await drop(bench, SLOT)
  if (rows !== bench.options.loadRows) throw new Error(`the load has ${rows} rows`)
  return { rows, seconds, ...used }
}
