/**
 * 5,000 idle tables: what they cost in memory, in files and at the start.
 *
 * The same program on the same server, once with the one table that is written to, once with 5,000
 * more that nobody writes to. Memory is compared after a while of streaming; files are counted over
 * that while, in which the busy table gets a row now and then.
 */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { Bench } from './bench.ts'
import { awaitManifest, readManifest } from './lake-watch.ts'
import { MillraceProcess } from './millrace-process.ts'
import type { Report } from './report.ts'
import { markEnd } from './source-table.ts'
import { drop } from './stream.ts'
import { currentRss } from './usage.ts'

const SLOT = 'bench_idle'
const STREAMING = 'capture began to stream'
const ROWS = 200
const MIB = 1024 * 1024
const REACH_MIB = 50
const REACH_START_S = 5

interface Run {
  readonly rss: number
  readonly startSeconds: number
  /** Files of tables that nothing was written to. */
  readonly idleFiles: number
  readonly manifests: number
}

export async function benchIdle(bench: Bench): Promise<Report> {
  const { idleTables } = bench.options
  await createTables(bench, idleTables)
  const alone = await run(bench, ['bench.mark'])
  const all = await run(bench, ['bench.mark', 'bench_idle.*'])
  const more = (all.rss - alone.rss) / MIB
  const isFull = idleTables >= 5_000
  const line = (name: string, { rss, startSeconds, idleFiles, manifests }: Run): string[] => [
    name,
    startSeconds.toFixed(2),
    `${Math.round(rss / MIB)} MiB`,
    String(idleFiles),
    String(manifests),
  ]
  return {
    name: 'idle',
    title: `${idleTables.toLocaleString('en')} idle tables`,
    how: `Lake in a folder, load: cdc, started again on a lake that knows all tables; ${ROWS} transactions on the one busy table. Start is to the first byte of the stream.`,
    figures: [
      {
        what: 'RSS more than without them',
        measured: `${more.toFixed(0)} MiB`,
        reach: `<= ${REACH_MIB} MiB`,
        isReached: isFull ? more <= REACH_MIB : null,
      },
      {
        what: 'files of idle tables',
        measured: String(all.idleFiles),
        reach: '0',
        isReached: isFull ? all.idleFiles === 0 : null,
      },
      {
        what: 'start to streaming',
        measured: `${all.startSeconds.toFixed(2)} s`,
        reach: `<= ${REACH_START_S} s`,
        isReached: isFull ? all.startSeconds <= REACH_START_S : null,
      },
    ],
    table: [
      ['', 'start s', 'RSS', 'files of idle tables', 'manifests'],
      line('floor: one busy table', alone),
      line(`and ${idleTables} idle ones`, all),
    ],
  }
}

async function run(bench: Bench, tables: readonly string[]): Promise<Run> {
  await using folder = await bench.newFolder()
  const start = (): Promise<MillraceProcess> =>
    MillraceProcess.start({
      folder: folder.path,
      url: bench.url,
      slot: SLOT,
      tables,
      lake: { format: 'csv', flush: { every: '50ms' } },
      profiles: bench.options.profiles,
    })
  const first = await start()
  await first.logged(STREAMING)
  await first.kill('SIGTERM')
  const millrace = await start()
  await using _ = millrace
  const startSeconds = ((await millrace.logged(STREAMING)) - millrace.startedAt) / 1000
  for (let i = 0; i < ROWS; i++) {
    const end = await markEnd(bench)
    await awaitManifest(
      folder.path,
      ({ confirm }) => confirm >= end,
      () => millrace.isRunning(),
    )
  }
  const rss = currentRss(millrace.pid) ?? Number.NaN
  await millrace.kill('SIGTERM')
  await drop(bench, SLOT)
  await bench.sql('drop publication if exists millrace_bench')
  return { rss, startSeconds, ...(await filesIn(folder.path)) }
}

async function filesIn(folder: string): Promise<{ idleFiles: number; manifests: number }> {
  const found = await readdir(join(folder, 'lake'), { recursive: true })
  const idleFiles = found.filter((path) => path.startsWith('bench_idle') && path.endsWith('.csv'))
  let manifests = 0
  while ((await readManifest(folder, manifests + 1)) !== null) manifests++
  return { idleFiles: idleFiles.length, manifests }
}

async function createTables(bench: Bench, count: number): Promise<void> {
  await bench.sql(`
    drop schema if exists bench_idle cascade;
    create schema bench_idle;
    create schema if not exists bench;
    create table if not exists bench.mark (id int4 primary key);
    insert into bench.mark select 1 where not exists (select from bench.mark)`)
  await bench.sql(`do $$ begin
    for i in 1..${count} loop
      execute format('create table bench_idle.t%s (id bigint primary key, tenant int, name text,
        amount numeric(12,2), note text, created_at timestamptz)', i);
      if i % 500 = 0 then commit; end if;
    end loop;
  end $$`)
}
