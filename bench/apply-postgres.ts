/**
 * Applying to PostgreSQL: inserts into a table with a primary key, against a COPY of the same rows.
 *
 * An empty table is loaded first; then the inserts go into the lake alone; then a target that has
 * nothing else to do catches up, and that is what is measured: folded, staged, and keys looked for.
 * The floor copies a file with the rows into the same table. Both begin with a fresh copy of the
 * database, on the same server.
 */

import { open } from 'node:fs/promises'
import { join } from 'node:path'

import { connect } from '../src/postgres/connect.ts'
import { CopyStream, FrameCursor } from '../src/postgres/copy-stream.ts'
import type { Bench } from './bench.ts'
import { ownReader, runFloor } from './floor-process.ts'
import { awaitManifest } from './lake-watch.ts'
import { interleave, speedRatio, type Measurement } from './measurement.ts'
import { applied, MillraceProcess } from './millrace-process.ts'
import { atLeast, memory, millions, seriesTable, type Report } from './report.ts'
import { createTable, endOfWorkload, insertSql, PUBLICATION } from './source-table.ts'
import { drop } from './stream.ts'

const SLOT = 'bench_apply_postgres'
const PREPARED = 'bench_prepared'
const WAREHOUSE = 'bench_warehouse'

export async function benchApplyPostgres(bench: Bench): Promise<Report> {
  const { rows, rounds } = bench.options
  await using folder = await bench.newFolder()
  const file = join(folder.path, 'rows.csv')
  await prepare(bench, folder.path, rows)
  await copyOut(bench.url, file)
  const [floor, ours] = await interleave(
    [
      ['COPY of the same rows', () => copyByFloor(bench, rows, file)],
      ['millrace', () => applyByUs(bench, folder.path, rows)],
    ],
    rounds,
    bench.say,
  )
  await drop(bench, SLOT)
  for (const name of [PREPARED, WAREHOUSE]) await bench.sql(`drop database ${name} with (force)`)
  return {
    name: 'apply-postgres',
    title: `Applying ${millions(rows)} inserts to PostgreSQL`,
    how:
      'csv in a folder; from the start of the target to the ledger at the end. The floor copies the ' +
      'rows over one connection into the same table, with its primary key, on the same server.',
    figures: [
      atLeast('speed of COPY', speedRatio(ours!, floor!), 0.5),
      memory('peak RSS', [ours!], 400),
    ],
    table: seriesTable([floor!, ours!]),
  }
}

/** Makes the empty table in a database that every round begins with, and the lake. */
async function prepare(bench: Bench, folder: string, rows: number): Promise<void> {
  await createTable(bench, 0)
  await bench.sql(`create database ${WAREHOUSE}`)
  bench.say('  making the empty table')
  await (await start(bench, { folder, isTargeted: true })).ended()
  await bench.sql(`alter database ${WAREHOUSE} rename to ${PREPARED}`)
  bench.say('  writing the inserts to the lake')
  const capturing = await start(bench, { folder, isTargeted: false })
  await bench.sql(insertSql(1, rows))
  const end = await endOfWorkload(bench)
  await awaitManifest(
    folder,
    ({ confirm }) => confirm >= end,
    () => capturing.isRunning(),
  )
  await capturing.kill('SIGTERM')
}

async function copyOut(url: string, path: string): Promise<void> {
  const client = await connect({ url, applicationName: 'bench' })
  const copy = client.query(new CopyStream('COPY bench.rows TO STDOUT (FORMAT csv)'))
  await using file = await open(path, 'w')
  const frames = new FrameCursor()
  for (let block = await copy.next(); block !== null; block = await copy.next()) {
    const pieces: Buffer[] = []
    frames.open(block)
    while (frames.next()) pieces.push(block.subarray(frames.start, frames.end))
    await file.writeFile(Buffer.concat(pieces))
  }
  await client.end()
}

async function freshWarehouse(bench: Bench): Promise<void> {
  await bench.sql(`drop database if exists ${WAREHOUSE} with (force)`)
  await bench.sql(`create database ${WAREHOUSE} template ${PREPARED}`)
  await bench.sql('checkpoint')
}

function warehouseUrl(bench: Bench): string {
  const url = new URL(bench.url)
  url.pathname = `/${WAREHOUSE}`
  return url.href
}

async function copyByFloor(bench: Bench, rows: number, file: string): Promise<Measurement> {
  await freshWarehouse(bench)
  const command = ownReader('copy-file', warehouseUrl(bench), 'bench.rows', file)
  const { cpuSeconds, peakRss, output } = await runFloor({ name: 'COPY', command }, true)
  const { rows: copied, seconds } = JSON.parse(output) as { rows: number; seconds: number }
  if (copied !== rows) throw new Error(`COPY took ${copied} rows`)
  return { rows, seconds, cpuSeconds, peakRss }
}

async function applyByUs(bench: Bench, folder: string, rows: number): Promise<Measurement> {
  await freshWarehouse(bench)
  const millrace = await start(bench, { folder, isTargeted: true })
  await using _ = millrace
  return { rows, ...(await applied(millrace)) }
}

async function start(
  bench: Bench,
  { folder, isTargeted }: { readonly folder: string; readonly isTargeted: boolean },
): Promise<MillraceProcess> {
  const target = { type: 'postgres', url: warehouseUrl(bench), interval: '100ms' }
  return MillraceProcess.start({
    folder,
    url: bench.url,
    load: 'full-load-and-cdc',
    slot: SLOT,
    publication: PUBLICATION,
    tables: ['bench.rows', 'bench.mark'],
    lake: { format: 'csv', flush: { every: '1s' } },
    ...(isTargeted && { targets: { warehouse: target } }),
    untilCaughtUp: isTargeted,
    profiles: bench.options.profiles,
  })
}
