/**
 * `npm run bench`: measures the product against floors, in the same run on the same machine.
 *
 * Each benchmark runs its contenders in interleaved rounds and prints ratios; what a ratio is made
 * of stands beside it. Results go to bench/results.md.
 */

import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { startEmbeddedPostgres } from '../src/demo/embedded-server.ts'
import { benchApplyPostgres } from './apply-postgres.ts'
import { benchApply } from './apply.ts'
import { Bench } from './bench.ts'
import { benchEncode } from './encode.ts'
import { benchFlushS3 } from './flush-s3.ts'
import { benchIdle } from './idle.ts'
import { benchLarge } from './large.ts'
import { benchLatency } from './latency.ts'
import { benchLoad } from './load.ts'
import { benchLongLake } from './long-lake.ts'
import { describeMachine } from './machine.ts'
import { readOptions, USAGE, type BenchmarkName, type Options } from './options.ts'
import { figuresTable, markdownTable, type Report } from './report.ts'
import { keepResults } from './results.ts'
import { benchStart } from './start.ts'
import { benchStream, benchTransaction } from './stream.ts'

/** `null` where something is missing that it needs; it has said so. */
const RUN: Record<BenchmarkName, (bench: Bench) => Promise<Report | null>> = {
  stream: benchStream,
  transaction: benchTransaction,
  large: benchLarge,
  load: benchLoad,
  latency: benchLatency,
  start: benchStart,
  idle: benchIdle,
  apply: benchApply,
  'apply-postgres': benchApplyPostgres,
  encode: benchEncode,
  'long-lake': benchLongLake,
  'flush-s3': benchFlushS3,
}

/** This file is build/bench/main.js when it runs. */
const RESULTS = fileURLToPath(new URL('../../bench/results.md', import.meta.url))

/** The server shall not be what varies: no autovacuum, no checkpoint in the middle. */
const SERVER_SETTINGS = {
  autovacuum: 'off',
  checkpoint_timeout: '1h',
  max_wal_size: '32GB',
  shared_buffers: '512MB',
}

function say(line: string): void {
  console.log(line)
}

async function main(options: Options): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => giveUp(folder))
  try {
    await using server = await startEmbeddedPostgres({
      dataDir: join(folder, 'postgres'),
      isThrowaway: true,
      settings: SERVER_SETTINGS,
    })
    const where = describeMachine(server.version)
    say(where)
    const reports: Report[] = []
    for (const name of options.only) {
      say(`\n${name}`)
      await using bench = await Bench.open({ url: server.url, folder, options, say })
      const report = await RUN[name](bench)
      if (report === null) continue
      reports.push(report)
      print(report)
      if (options.isKept) await keepResults(RESULTS, [report], where)
    }
    const missed = reports.flatMap(({ figures }) =>
      figures.filter((one) => one.isReached === false),
    )
    say(`\nfigures not reached: ${missed.length}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The server goes by itself when we are gone, and what we started ends with its server. */
function giveUp(folder: string): never {
  rmSync(folder, { recursive: true, force: true })
  process.exit(130)
}

function print({ title, figures, table }: Report): void {
  say(`\n${title}`)
  if (figures.length > 0) say(`\n${figuresTable(figures)}`)
  if (table.length > 0) say(`\n${markdownTable(table)}`)
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options === null) say(USAGE)
  else await main(options)
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
