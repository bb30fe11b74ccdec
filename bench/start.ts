/**
 * How long it takes to begin: the first start on 100 tables, and the start after a kill.
 *
 * From the start of the process to the log line that says that capture streams. The floor is the
 * same program when it has nothing to do but to tell its version.
 */

import type { Bench } from './bench.ts'
import { runFloor } from './floor-process.ts'
import { awaitManifest } from './lake-watch.ts'
import { median } from './measurement.ts'
import { MillraceProcess, PROGRAM_COMMAND } from './millrace-process.ts'
import type { Figure, Report } from './report.ts'
import { endOfWorkload } from './source-table.ts'
import { drop } from './stream.ts'

const TABLES = 100
const SLOT = 'bench_start'
const PUBLICATION = 'bench_start'
const STREAMING = 'capture began to stream'
const ROWS = 100

interface Round {
  readonly floor: number
  readonly first: number
  readonly again: number
}

export async function benchStart(bench: Bench): Promise<Report> {
  await createTables(bench)
  const rounds: Round[] = []
  for (let i = 0; i < bench.options.rounds; i++) rounds.push(await oneRound(bench))
  const floor = rounds.map((round) => round.floor)
  const first = rounds.map((round) => round.first)
  const again = rounds.map((round) => round.again)
  const line = (name: string, values: readonly number[]): string[] => [
    name,
    `${(median(values) / median(floor)).toFixed(2)}x`,
    ...[median(values), Math.min(...values), Math.max(...values)].map((s) => s.toFixed(2)),
  ]
  return {
    name: 'start',
    title: `Start to streaming, ${TABLES} tables`,
    how: 'Lake in a folder, load: cdc. Before the kill, 100 rows of every table are in the lake; after it, as many are waiting.',
    figures: [
      figure('start to streaming', median(first), 1.5),
      figure('kill -9 to streaming again', median(again), 3),
    ],
    table: [
      ['', 'to floor', 'median s', 'min s', 'max s'],
      line('floor: millrace version', floor),
      line('first start', first),
      line('start after kill -9', again),
    ],
  }
}

async function oneRound(bench: Bench): Promise<Round> {
  await using folder = await bench.newFolder()
  const { seconds: floor } = await runFloor(
    { name: 'millrace version', command: [...PROGRAM_COMMAND, 'version'] },
    false,
  )
  const millrace = await start(bench, folder.path)
  await using _ = millrace
  const first = await streaming(millrace)
  await insertEverywhere(bench)
  const end = await endOfWorkload(bench)
  await awaitManifest(
    folder.path,
    ({ confirm }) => confirm >= end,
    () => millrace.isRunning(),
  )
  await insertEverywhere(bench)
  await millrace.kill('SIGKILL')
  const restarted = await start(bench, folder.path)
  const again = await streaming(restarted)
  await restarted.kill('SIGTERM')
  await drop(bench, SLOT)
  return { floor, first, again }
}

async function start(bench: Bench, folder: string): Promise<MillraceProcess> {
  return MillraceProcess.start({
    folder,
    url: bench.url,
    slot: SLOT,
    publication: PUBLICATION,
    tables: ['bench_start.*', 'bench.mark'],
    lake: { format: 'csv', flush: { every: '100ms' } },
    profiles: bench.options.profiles,
  })
}

async function streaming(millrace: MillraceProcess): Promise<number> {
  return ((await millrace.logged(STREAMING)) - millrace.startedAt) / 1000
}

function figure(what: string, seconds: number, reach: number): Figure {
  return {
    what,
    measured: `${seconds.toFixed(2)} s`,
    reach: `<= ${reach} s`,
    isReached: seconds <= reach,
  }
}

async function createTables(bench: Bench): Promise<void> {
  await bench.sql(`
    drop publication if exists ${PUBLICATION};
    drop schema if exists bench_start cascade;
    create schema bench_start;
    create schema if not exists bench;
    create table if not exists bench.mark (id int4 primary key);
    insert into bench.mark select 1 where not exists (select from bench.mark)`)
  await bench.sql(`do $$ begin
    for i in 1..${TABLES} loop
      execute format('create table bench_start.t%s (id bigserial primary key, a text, b numeric)', i);
    end loop;
    execute 'create publication ${PUBLICATION} for tables in schema bench_start, table bench.mark with (publish_via_partition_root = true)';
  end $$`)
}

async function insertEverywhere(bench: Bench): Promise<void> {
  await bench.sql(`do $$ begin
    for i in 1..${TABLES} loop
      execute format('insert into bench_start.t%s (a, b) select ''text'', i from generate_series(1, ${ROWS}) i', i);
    end loop;
  end $$`)
}
