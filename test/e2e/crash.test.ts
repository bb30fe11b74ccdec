/**
 * The crash proof: whatever dies, and whenever, nothing is lost and nothing is there twice.
 *
 * A random load runs on the source. The program is killed by SIGKILL again and again, in its first
 * load too, while a table is loaded again, and while a transaction is streamed that has not ended, and
 * PostgreSQL once. Then the load stops, the program catches up, and every row of the
 * source must be in the warehouse, and nothing else; the lake must be what its format promises.
 *
 *   CRASH_SEED=17 CRASH_KILLS=200 CRASH_FORMAT=parquet npm test -- e2e/crash
 */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as timer } from 'node:timers/promises'

import type { Entry } from '../../src/core/manifest.ts'
import { seededRandom, type Random } from '../../src/demo/random.ts'
import { testServer, type TestDatabase, type TestServer } from '../support/postgres.ts'
import { runCli, startCli, type CliProcess } from './support/cli.ts'
import { auditLake, untilManifests } from './support/lake-audit.ts'
import { ADDED_COLUMNS, createMillTables } from './support/mill-tables.ts'
import { startRandomLoad } from './support/random-load.ts'
import { taskFolder, type TaskFolder } from './support/task-folder.ts'
import { compareAll, differencesIn } from './support/warehouse.ts'

const SEED = Number(process.env['CRASH_SEED'] ?? Math.trunc(Math.random() * 1e6))
const KILLS = Number(process.env['CRASH_KILLS'] ?? 16)
/** Of the lake. What Parquet cannot hold stands beside its columns. */
const FORMAT = process.env['CRASH_FORMAT'] ?? 'csv.gz'
const KILLS_WHILE_LOADING = 6

test('nothing is lost and nothing is there twice, whenever the program or PostgreSQL is killed', async (t) => {
  t.diagnostic(`CRASH_SEED=${SEED} CRASH_KILLS=${KILLS} CRASH_FORMAT=${FORMAT}`)
  // Large transactions are streamed before they end, by way of the spool.
  await using server = await testServer({ logical_decoding_work_mem: '64kB' })
  await using source = await server.database()
  await createMillTables(source)
  await using folder = await taskFolder(source.url, {
    source: { lookEvery: '100ms' },
    lake: {
      flush: { every: '100ms', rows: 500 },
      format: FORMAT,
      ...(FORMAT === 'parquet' && { parquet: { unfit: 'text' } }),
    },
    fullLoad: { parallel: 1 },
  })

  await using load = startRandomLoad(source.url, SEED)
  const { spooled } = await killAgainAndAgain({ server, source, folder })
  await load.stop()
  const last = await runCli(['run', '--config', folder.config, '--until-caught-up'])
  assert.equal(last.code, 0, last.stderr + last.stdout)

  assert.deepEqual(differencesIn(await compareAll(source, folder.warehouse)), [])
  const { drafts, ...facts } = await auditLake(folder.lake)
  assert.deepEqual(drafts, [])
  const { stdout: checked } = await runCli(['lake', 'check', '--config', folder.config])
  // What a kill leaves behind is found, and is no damage.
  const findings = checked.split('\n').filter((line) => /^(?!FILE_UNNAMED)[A-Z_]+ {2}/.test(line))
  assert.deepEqual(findings, [])
  assert.match(checked, / were read$/m)
  const { manifests, changes, generations, cancelledLoads, cuts } = facts
  const reloads = manifests.flatMap(({ entries }) => entries).filter(isReload).length
  t.diagnostic(
    `${load.commits} commits, ${load.rollbacks} rollbacks; ${manifests.length} manifests, ${changes} changes, ` +
      `${generations} generations, ${cancelledLoads} cancelled loads, ${reloads} reloads, ` +
      `${cuts} cut transactions, ${spooled} kills with a spool`,
  )
  // Without these the test would have proved less than its name says.
  assert.ok(load.commits > 500 && load.rollbacks > 50)
  assert.ok(cancelledLoads > 0, 'a kill met an open load')
  assert.ok(cuts > 0, 'a transaction was cut')
  assert.ok(reloads > 0, 'a table was loaded again')
  assert.ok(spooled > 0, 'a kill met a streamed transaction')
  assert.ok(generations > KILLS / 2, 'most runs got as far as to own the slot')
})

interface Parts {
  readonly server: TestServer
  readonly source: TestDatabase
  readonly folder: TaskFolder
}

async function killAgainAndAgain(parts: Parts): Promise<{ spooled: number }> {
  const { server, source, folder } = parts
  let spooled = 0
  const random = seededRandom(SEED)
  const half = Math.trunc(KILLS / 2)
  for (let kill = 1; kill <= KILLS; kill++) {
    await using child = startCli(['run', '--config', folder.config])
    if (kill <= KILLS_WHILE_LOADING)
      await killableInLoad(child, { folder, random, isInLog: kill <= 3 })
    else if (kill === half) await crashServer(server, child)
    else if (kill % 5 === 0) await killableInReload(child, folder, random)
    else if (kill % 5 === 2) {
      await killInStreamed(child, parts, { kill, random })
      spooled++
    } else await killable(child, random)
    const column = kill > half ? ADDED_COLUMNS[kill - half - 1] : undefined
    if (column !== undefined) await alter(source, column)
    const { code, signal, stderr } = await child.end('SIGKILL')
    assert.equal(signal, 'SIGKILL', `it ended by itself with ${code}: ${stderr}`)
  }
  return { spooled }
}

/** A table is to be loaded again: at any moment of that, or before it has begun. */
async function killableInReload(
  child: CliProcess,
  folder: TaskFolder,
  random: Random,
): Promise<void> {
  await child.line('capture began to stream')
  const table = random.pick(['app.bulk', 'app.toasted', 'app.text_keys', 'app.serial_rows'])
  await untilManifests(folder.lake, (manifests) => {
    return manifests.some(({ entries }) => entries.some((e) => isBeginning(e) && e.table === table))
  })
  const { code, stderr } = await runCli(['resync', table, '--config', folder.config])
  assert.equal(code, 0, stderr)
  if (random.upTo(3) > 1) await child.line('reload began')
  await timer(random.upTo(200))
}

/** A transaction that has not ended is in the spool. It ends when nobody listens. */
async function killInStreamed(
  child: CliProcess,
  { source, folder }: Parts,
  { kill, random }: { kill: number; random: Random },
): Promise<void> {
  await child.line('capture began to stream')
  const spool = join(folder.path, '.millrace/mill/spool')
  const client = await source.client()
  const from = 5_000_000 + kill * 20_000
  await client.query(`begin; insert into app.bulk
    select g, 0, repeat(md5(g::text), 3) from generate_series(${from}, ${from + 9999}) g`)
  const watcher = watch(spool)
  const appeared = once(watcher, 'change')
  if ((await readdir(spool)).length === 0) await appeared
  watcher.close()
  if (random.upTo(2) === 1) await timer(random.upTo(50))
  await child.end('SIGKILL')
  await client.query(random.upTo(3) > 1 ? 'commit' : 'rollback')
  await client.end()
}

function isReload(entry: Entry): boolean {
  return entry.type === 'load-begin' && entry.for !== 'all'
}

/** A load has begun. At first the log must say so, while its end is missing there. */
async function killableInLoad(
  child: CliProcess,
  { folder, isInLog, random }: { folder: TaskFolder; isInLog: boolean; random: Random },
): Promise<void> {
  const { message } = await child.line(['load began', 'capture began to stream'])
  if (message !== 'load began' || !isInLog) {
    await timer(random.upTo(200))
    return
  }
  await untilManifests(folder.lake, (manifests) => {
    const open = manifests.findLastIndex(({ kind }) => kind === 'open')
    return manifests.slice(open).some(({ entries }) => entries.some(isBeginning))
  })
}

function isBeginning({ type }: Entry): boolean {
  return type === 'load-begin'
}

/** Any moment, or one after the stream has begun. */
async function killable(child: CliProcess, random: Random): Promise<void> {
  if (random.upTo(3) > 1) await child.line('capture began to stream')
  await timer(random.upTo(600))
}

/** The program must live through it, and stream again by itself. */
async function crashServer(server: TestServer, child: CliProcess): Promise<void> {
  await child.line('capture began to stream')
  const from = child.lines.length
  await server.stop('immediate')
  await server.start()
  await child.line('capture began to stream', from)
}

/** A statement that wants the table for itself may be the victim of a deadlock with the load. */
async function alter(source: TestDatabase, sql: string): Promise<void> {
  const client = await source.client()
  for (;;) {
    try {
      await client.query(sql)
      return
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || error.code !== '40P01') throw error
    }
  }
}
