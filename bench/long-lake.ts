/**
 * A lake that has been written for long: how soon capture can write to it again.
 *
 * 100,000 manifests that name 1 M files, with their roll-ups. Measured is what stands between having
 * the slot and the first manifest: reading the head of the log, and writing the `open` manifest. The
 * floor is the same on a lake of ten manifests. What a distant bucket would add is counted, not waited
 * for: requests, and how many of them stand one behind the other. Where versitygw is there, the same
 * lake is read through it too, since it keeps an object as a file.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { lsn } from '../src/core/lsn.ts'
import type { ChangesEntry, Manifest, RunInfo } from '../src/core/manifest.ts'
import type { ObjectStore } from '../src/core/object-store.ts'
import { tableId, type Shape } from '../src/core/table.ts'
import { changesKey, manifestKey } from '../src/lake/layout.ts'
import { LogReader } from '../src/lake/log/log-reader.ts'
import { advance, initialState } from '../src/lake/log/log-state.ts'
import { LogWriter } from '../src/lake/log/log-writer.ts'
import { encodeManifest } from '../src/lake/log/manifest-json.ts'
import { Shapes } from '../src/lake/shapes.ts'
import { FolderStore } from '../src/storage/folder-store.ts'
import { systemClock } from '../src/system-clock.ts'
import { DistantStore } from '../test/support/distant-store.ts'
import { startS3Server, type S3Server } from '../test/support/s3-server.ts'
import { findVersitygw } from '../test/support/versitygw.ts'
import type { Bench } from './bench.ts'
import { interleave, medianOf, type Measurement, type Series } from './measurement.ts'
import type { Figure, Report } from './report.ts'

const TABLES = 200
const BUSY = 10
const ROLLUP_EVERY = 1000
const FLUSH_MS = 5000
const TRIP_SECONDS = 0.02
/** As S3 is asked. */
const PARALLEL = 32
/** The worst place to stop: as far behind the last roll-up as it gets. */
const BEHIND = ROLLUP_EVERY - 2

const RUN: RunInfo = {
  systemId: '7290000000000000001',
  database: 'bench',
  slot: 'millrace_bench',
  publication: 'millrace_bench',
  load: 'cdc',
  options: {},
}

export async function benchLongLake(bench: Bench): Promise<Report> {
  const { isKept, rounds } = bench.options
  const manifests = (isKept ? 100_000 : 10_000) - ROLLUP_EVERY + BEHIND
  await using own = await bench.newFolder()
  await using short = await bench.newFolder()
  await using server = await startServer(bench.say)
  const bucket = await server?.bucket()
  const long = server && bucket ? join(server.folder, bucket, 'lake') : own.path
  await writeLake(short.path, 10)
  const began = performance.now()
  await writeLake(long, manifests)
  bench.say(`  the lake took ${((performance.now() - began) / 1000).toFixed(0)} s to make`)
  const series = await interleave(
    [
      ['a lake of 10 manifests', () => start(new FolderStore(short.path))],
      [`one of ${manifests}`, () => start(new FolderStore(long))],
      ...(server && bucket
        ? [['the same by S3', () => start(server.store(bucket, 'lake'))] as const]
        : []),
    ],
    rounds,
    bench.say,
  )
  const distant = new DistantStore(new FolderStore(long), { parallel: PARALLEL })
  await start(distant)
  const { requests, trips } = distant.take()
  const waited = trips * TRIP_SECONDS
  bench.say(`  a bucket: ${requests} requests, ${trips} one behind the other`)
  return reportOf({ manifests, series, requests, trips, waited })
}

async function startServer(say: Bench['say']): Promise<S3Server | null> {
  const found = await findVersitygw()
  if ('program' in found) return startS3Server(found.program)
  say(`  without a real S3 server: ${found.missing}`)
  return null
}

interface Found {
  readonly manifests: number
  readonly series: readonly Series[]
  readonly requests: number
  readonly trips: number
  readonly waited: number
}

function reportOf({ manifests, series, requests, trips, waited }: Found): Report {
  const seconds = series.map((one) => medianOf(one, (m) => m.seconds))
  const figure = (what: string, value: number): Figure => ({
    what,
    measured: `${value.toFixed(2)} s`,
    reach: '<= 5 s',
    isReached: manifests > 90_000 ? value <= 5 : null,
  })
  return {
    name: 'long-lake',
    title: 'Starting on a lake that has been written for long',
    how:
      `${manifests} manifests that name ${manifests * BUSY} files of ${TABLES} tables, ${BEHIND} of ` +
      `them after the last roll-up. From the slot to the first manifest, in a folder. On a bucket that ` +
      `takes ${TRIP_SECONDS * 1000} ms for each request, ${PARALLEL} at once, the ${requests} requests ` +
      `make ${trips} trips one behind the other; that time is calculated, not waited for, and added to ` +
      `what was measured without it.`,
    figures: [
      figure('start, folder', seconds[1]!),
      ...(seconds[2] === undefined ? [] : [figure('start, S3 server of this machine', seconds[2])]),
      figure('start, bucket of 20 ms', waited + (seconds[2] ?? seconds[1]!)),
    ],
    table: [
      ['', 'seconds', 'each round'],
      ...series.map(({ name, rounds }, i) => [
        i === 0 ? `floor: ${name}` : name,
        seconds[i]!.toFixed(2),
        rounds.map((round) => round.seconds.toFixed(2)).join(' '),
      ]),
    ],
  }
}

/** What a run of capture does before it streams. */
async function start(store: ObjectStore): Promise<Measurement> {
  const shapes = new Shapes(store)
  const reader = new LogReader({ store, shapes, rollupEvery: ROLLUP_EVERY })
  const before = performance.now()
  const { rollups } = reader
  const parts = { store, shapes, reader, rollups, clock: systemClock, format: 'csv' as const }
  const writer = new LogWriter({ ...parts, writer: 'bench' })
  await writer.open(await reader.recover(), RUN, { lsn: lsn(1n), timeline: 1 })
  const seconds = (performance.now() - before) / 1000
  await store.delete(manifestKey(writer.state.n))
  return { rows: 1, seconds, cpuSeconds: null, peakRss: null }
}

const TABLE_SHAPES = Array.from({ length: TABLES }, (_, i): Shape => {
  const columns = Array.from({ length: 12 }, (_unused, wire) => ({
    name: `column_${wire}`,
    type: { oid: 25, name: 'text', modifier: -1 },
    wire,
  }))
  return {
    table: { namespace: 'bench', name: `table_${i}` },
    oid: 1000 + i,
    number: 1,
    columns,
    key: [0],
  }
})

/** Written past the store, for a million files that are each made durable would take an hour. */
async function writeLake(folder: string, manifests: number): Promise<void> {
  const store = new FolderStore(folder)
  const shapes = new Shapes(store)
  const keys: string[] = []
  for (const shape of TABLE_SHAPES) keys.push(await shapes.write(shape))
  const { rollups } = new LogReader({ store, shapes, rollupEvery: ROLLUP_EVERY })
  const folders = new Set<string>()
  const write = (key: string, bytes: Uint8Array): void => {
    const path = join(folder, key)
    const parent = dirname(path)
    if (!folders.has(parent)) mkdirSync(parent, { recursive: true })
    folders.add(parent)
    writeFileSync(path, bytes)
  }
  let state = initialState
  const began = Date.now() - manifests * FLUSH_MS
  for (let n = 1; n <= manifests; n++) {
    const manifest = manifestAt(n, { keys, at: began + n * FLUSH_MS })
    for (const entry of manifest.entries) if ('path' in entry) write(entry.path, EMPTY)
    write(manifestKey(n), encodeManifest(manifest))
    state = advance(state, manifest)
    await rollups.writeIfDue(state)
  }
}

const EMPTY = new Uint8Array()

/** The first one names every table, the others a few in turn. */
function manifestAt(
  n: number,
  { keys, at }: { readonly keys: readonly string[]; readonly at: number },
): Manifest {
  const closedAt = new Date(at).toISOString()
  const to = { lsn: lsn(BigInt(n) * 1000n), ordinal: 2, end: true }
  const fields = { n, writer: 'bench', generation: 1, epoch: 1, timeline: 1, to, closedAt }
  const common = { ...fields, confirm: lsn(BigInt(n) * 1000n + 8n), clock: at * 1000 }
  if (n === 1) return { ...common, kind: 'open', run: RUN, entries: [] }
  const tables =
    n === 2 ? keys.keys() : Array.from({ length: BUSY }, (_, i) => (n * 7 + i) % TABLES)
  const entries = Array.from(tables, (i): ChangesEntry => {
    const table = tableId(TABLE_SHAPES[i]!.table)
    const dt = closedAt.slice(0, 10)
    return {
      type: 'changes',
      table,
      shape: keys[i]!,
      path: changesKey({ table, part: 0, format: 'csv', dt, n, generation: 1 }),
      first: to,
      last: to,
      rows: { i: 1, u: 0, d: 0 },
      unchanged: 0,
      bytes: 0,
      sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      order: at * 1000 + i,
    }
  })
  return { ...common, kind: 'changes', entries }
}
