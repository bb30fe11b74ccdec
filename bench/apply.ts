/**
 * Applying: updates of a large table, folded and applied to DuckDB.
 *
 * The table is loaded into the lake and into DuckDB first; then the updates go into the lake alone;
 * then a target that has nothing else to do catches up, and that is what is measured. The floor is
 * DuckDB loading the same files of changes into a new table by itself.
 */

import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Manifest } from '../src/core/manifest.ts'
import type { Bench } from './bench.ts'
import { ownReader, runFloor } from './floor-process.ts'
import { awaitManifest } from './lake-watch.ts'
import { interleave, median, speedRatio, type Measurement } from './measurement.ts'
import { applied, MillraceProcess } from './millrace-process.ts'
import { millions, seriesTable, thousands, type Report } from './report.ts'
import { changeInOneTransaction, createTable, endOfWorkload, PUBLICATION } from './source-table.ts'
import { drop } from './stream.ts'

const SLOT = 'bench_apply'
const REACH = 200_000
const DESIGNED_ROWS = 1_000_000
const DESIGNED_TABLE_ROWS = 10_000_000

export async function benchApply(bench: Bench): Promise<Report> {
  const { rows, tableRows, rounds } = bench.options
  const changes = Math.min(rows, tableRows)
  await createTable(bench, tableRows)
  await using folder = await bench.newFolder()
  const files = await prepare(bench, folder.path, changes)
  const [floor, ours] = await interleave(
    [
      ['DuckDB reads the files', () => readByDuckdb(bench, changes, files)],
      ['millrace', () => applyByUs(bench, folder.path, changes)],
    ],
    rounds,
    bench.say,
  )
  await drop(bench, SLOT)
  const rate = median(ours!.rounds.map((one) => one.rows / one.seconds))
  const isDesigned = changes >= DESIGNED_ROWS && tableRows >= DESIGNED_TABLE_ROWS
  return {
    name: 'apply',
    title: `Folding and applying ${millions(changes)} updates to a table of ${millions(tableRows)} rows in DuckDB`,
    how:
      'csv in a folder; from the start of the target to the ledger at the end. ' +
      `${speedRatio(ours!, floor!).toFixed(2)}x of the speed at which DuckDB reads the files.`,
    figures: [
      {
        what: 'rows/s',
        measured: thousands(rate),
        reach: `>= ${thousands(REACH)}`,
        isReached: isDesigned || rate < REACH ? rate >= REACH : null,
      },
    ],
    table: seriesTable([floor!, ours!]),
  }
}

/** Resolves to the files of the updates. */
async function prepare(bench: Bench, folder: string, changes: number): Promise<string[]> {
  bench.say('  loading the table into DuckDB')
  const loading = await start(bench, { folder, isTargeted: true })
  await loading.ended()
  await copyFile(join(folder, 'warehouse.duckdb'), join(folder, 'loaded.duckdb'))
  bench.say('  writing the updates to the lake')
  const capturing = await start(bench, { folder, isTargeted: false })
  await changeInOneTransaction(bench, changes)
  const end = await endOfWorkload(bench)
  const files: string[] = []
  const isLast = ({ entries, confirm }: Manifest): boolean => {
    for (const entry of entries) {
      if (entry.type === 'changes' && entry.table === 'bench.rows') {
        files.push(join(folder, 'lake', entry.path))
      }
    }
    return confirm >= end
  }
  await awaitManifest(folder, isLast, () => capturing.isRunning())
  await capturing.kill('SIGTERM')
  return files
}

async function readByDuckdb(
  bench: Bench,
  rows: number,
  files: readonly string[],
): Promise<Measurement> {
  await using place = await bench.newFolder()
  const database = join(place.path, 'floor.duckdb')
  const command = ownReader('load-files', database, ...files)
  const { cpuSeconds, peakRss, output } = await runFloor({ name: 'DuckDB', command }, true)
  const { rows: loaded, seconds } = JSON.parse(output) as { rows: number; seconds: number }
  if (loaded !== rows) throw new Error(`DuckDB loaded ${loaded} rows`)
  return { rows, seconds, cpuSeconds, peakRss }
}

async function applyByUs(bench: Bench, folder: string, rows: number): Promise<Measurement> {
  await copyFile(join(folder, 'loaded.duckdb'), join(folder, 'warehouse.duckdb'))
  const millrace = await start(bench, { folder, isTargeted: true })
  await using _ = millrace
  return { rows, ...(await applied(millrace)) }
}

async function start(
  bench: Bench,
  { folder, isTargeted }: { readonly folder: string; readonly isTargeted: boolean },
): Promise<MillraceProcess> {
  return MillraceProcess.start({
    folder,
    url: bench.url,
    load: 'full-load-and-cdc',
    slot: SLOT,
    publication: PUBLICATION,
    tables: ['bench.rows', 'bench.mark'],
    lake: { format: 'csv', flush: { every: '1s' } },
    ...(isTargeted && {
      targets: { warehouse: { type: 'duckdb', path: './warehouse.duckdb', interval: '100ms' } },
    }),
    untilCaughtUp: isTargeted,
    profiles: bench.options.profiles,
  })
}
