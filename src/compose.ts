/**
 * From a configuration to running parts: the only file that knows every class.
 *
 * `openTask` checks everything that can be checked before anything runs, the source, the lake, the
 * files of the targets, so that a mistake is one message at the start. `openLake` is for commands
 * that only look.
 */

import { randomBytes } from 'node:crypto'

import { Applier } from './apply/applier.ts'
import type { LoadRequests } from './apply/log.ts'
import { Capture } from './capture/capture.ts'
import { GuardedCapture } from './capture/guarded-capture.ts'
import { PostgresSource } from './capture/postgres-source.ts'
import { SlotGuard } from './capture/slot-guard.ts'
import type { Config, TargetConfig } from './config/config.ts'
import type { LakePlace } from './config/lake-place.ts'
import { currentSecret } from './config/secrets.ts'
import { BlockPool } from './core/change-log.ts'
import type { Emit, TaskEvent } from './core/events.ts'
import { lsn, parseLsn, type Lsn } from './core/lsn.ts'
import type { RunInfo } from './core/manifest.ts'
import type { ObjectStore } from './core/object-store.ts'
import { selectTables } from './core/table-selection.ts'
import { createOrCheck, type LakeInfo } from './lake/lake-info.ts'
import { LogReader } from './lake/log-reader.ts'
import type { LogState } from './lake/log-state.ts'
import { LogWriter } from './lake/log-writer.ts'
import { deleteRequest, listRequests, writeRequest } from './lake/requests.ts'
import { Shapes } from './lake/shapes.ts'
import { describeAddress, parseAddress } from './postgres/address.ts'
import { withConnection, type Server } from './postgres/connect.ts'
import { rdsToken } from './postgres/rds-iam.ts'
import { FolderStore } from './storage/folder-store.ts'
import { S3Store } from './storage/s3-store.ts'
import { requireConditionalWrites } from './storage/s3/conditional-writes.ts'
import { systemClock } from './system-clock.ts'
import { DuckdbTarget } from './targets/duckdb/target.ts'
import { Statistics } from './task/statistics.ts'
import { Supervisor } from './task/supervisor.ts'

export interface Lake {
  readonly store: ObjectStore
  readonly shapes: Shapes
  readonly reader: LogReader
}

export interface Task extends AsyncDisposable {
  readonly statistics: Statistics
  readonly targets: ReadonlyMap<string, DuckdbTarget>
  /** Resolves when it has ended; to false if a target failed. */
  run(signal: AbortSignal): Promise<boolean>
  /** Ends the run once every target has what the source has now. */
  endWhenCaughtUp(): Promise<void>
}

const ROLLUP_EVERY = 1000
const PART_BYTES = 64 * 1024 * 1024
/** A bucket gets a part in one request, so the whole of it is held until then. */
const BUCKET_PART_BYTES = 32 * 1024 * 1024
/** One batch of an applier: rows of the log, bytes of its files, and manifests. */
const APPLY_LIMITS = { rows: 500_000, bytes: 64 * 1024 * 1024, manifests: 1000 }

export function openLake({ lake }: Config): Lake {
  const store = openStore(lake.place)
  const shapes = new Shapes(store)
  return { store, shapes, reader: new LogReader({ store, shapes, rollupEvery: ROLLUP_EVERY }) }
}

function openStore(place: LakePlace): ObjectStore {
  if (place.type === 'folder') return new FolderStore(place.folder)
  return new S3Store(place, { clock: systemClock, random: Math.random })
}

/** `watch` hears everything that happens. */
export async function openTask(config: Config, watch: Emit): Promise<Task> {
  const lake = openLake(config)
  const source = openSource(config)
  const { run } = await source.prepare()
  const info = await claimLake(config, lake, run)
  await requireFence(config, lake)
  const statistics = new Statistics({
    task: config.task,
    now: () => systemClock.now(),
    load: config.load,
    source: describeAddress(parseAddress(config.source.url, process.env)),
    lakeUrl: lake.store.url,
    targets: config.targets,
  })
  seedStatistics(statistics, await lake.reader.recover())
  const targets = await openTargets(config, info)
  const listeners: Emit[] = [(event) => statistics.apply(event), watch]
  const emit = (event: TaskEvent): void => listeners.forEach((listen) => listen(event))
  const appliers = [...targets.values()].map((target) => applier({ config, lake, target }, emit))
  const supervisor = new Supervisor({
    statistics,
    targets: appliers,
    capture: guarded({ config, source }, capture({ config, lake, source }, emit), emit),
  })
  listeners.push(supervisor.hear)
  return {
    statistics,
    targets,
    run: (signal) => supervisor.run(signal),
    endWhenCaughtUp: async () => supervisor.endAt(await currentLsn(config)),
    [Symbol.asyncDispose]: () => closeAll(targets),
  }
}

export function openSource({ task, load, source }: Config): PostgresSource {
  return new PostgresSource({
    task,
    load,
    ...serverOf(source),
    slot: source.slot,
    publication: source.publication,
    isSelected: selectTables(source.tables),
    patterns: source.tables,
    failover: source.failover,
    clock: systemClock,
    newId,
  })
}

function capture(
  { config, lake, source }: { config: Config; lake: Lake; source: PostgresSource },
  emit: Emit,
): Capture {
  const { store, shapes, reader } = lake
  const { format, flush } = config.lake
  const parts = { store, reader, shapes, format, clock: systemClock }
  const writer = newId()
  return new Capture({
    source,
    reader,
    shapes,
    newWriter: () => new LogWriter({ ...parts, rollups: reader.rollups, writer }),
    isSelected: selectTables(config.source.tables),
    ddl: config.source.ddl,
    spoolFolder: config.source.spoolFolder,
    requests: () => listRequests(store),
    claimLake: async (run) => void (await claimLake(config, lake, run)),
    clock: systemClock,
    limits: {
      ...flush,
      heartbeatMs: config.source.heartbeatMs,
      ...config.fullLoad,
      partBytes: config.lake.place.type === 's3' ? BUCKET_PART_BYTES : PART_BYTES,
      lookEveryMs: config.source.lookEveryMs,
    },
    newId,
    emit,
  })
}

function guarded(
  { config, source }: { config: Config; source: PostgresSource },
  inner: Capture,
  emit: Emit,
): GuardedCapture {
  const budget = config.source.walBudget
  const guard = new SlotGuard({ watch: source.watch(), budget, clock: systemClock, emit })
  return new GuardedCapture(inner, guard)
}

function applier(
  { config, lake, target }: { config: Config; lake: Lake; target: DuckdbTarget },
  emit: Emit,
): Applier {
  return new Applier({
    consumer: consumerName(config, target.name),
    target,
    log: lake.reader,
    shapes: lake.shapes,
    requests: loadRequests(lake.store),
    clock: systemClock,
    pool: new BlockPool(),
    limits: APPLY_LIMITS,
    emit,
    intervalMs: config.targets.find(({ name }) => name === target.name)!.intervalMs,
  })
}

function loadRequests(store: ObjectStore): LoadRequests {
  return {
    async read(consumer, table) {
      const requests = await listRequests(store)
      return requests.find((one) => one.consumer === consumer && one.table === table) ?? null
    },
    write: (consumer, table, after) =>
      writeRequest(store, { consumer, table, after, at: isoNow() }),
    remove: (consumer, table) => deleteRequest(store, { consumer, table }),
  }
}

async function claimLake(config: Config, { store }: Lake, run: RunInfo): Promise<LakeInfo> {
  return createOrCheck(store, {
    id: newId(),
    createdAt: isoNow(),
    task: config.task,
    source: { systemId: run.systemId, database: run.database },
  })
}

/** A file system always refuses to create what is there; not every server does. */
async function requireFence({ lake: { place } }: Config, { store }: Lake): Promise<void> {
  if (place.type === 's3' && !place.unfenced) await requireConditionalWrites(store, newId())
}

async function openTargets(
  config: Config,
  { id }: LakeInfo,
): Promise<ReadonlyMap<string, DuckdbTarget>> {
  const targets = new Map<string, DuckdbTarget>()
  try {
    for (const target of config.targets)
      targets.set(target.name, await openTarget(config, target, id))
  } catch (error) {
    await closeAll(targets)
    throw error
  }
  return targets
}

async function openTarget(
  config: Config,
  { name, path }: TargetConfig,
  lakeId: string,
): Promise<DuckdbTarget> {
  return DuckdbTarget.open({ name, path, lakeId, consumer: consumerName(config, name) })
}

async function closeAll(targets: ReadonlyMap<string, DuckdbTarget>): Promise<void> {
  for (const target of targets.values()) await target.close()
}

/** How the target calls itself in its ledger and in the lake. */
export function consumerName({ task }: Config, target: string): string {
  return `${task}/${target}`
}

/** PostgreSQL's default, and a divisor of every other. */
const PAGE_BYTES = 8192n
const LONGEST_PAGE_HEADER = 40n

/**
 * Where the source is now: whatever is committed there has a commit LSN below. What was committed with
 * `synchronous_commit = off` is visible before it is flushed, so the flush LSN would not do. Between
 * two pages the insert LSN lies behind the header of the next one, where no record ends.
 */
async function currentLsn({ task, source }: Config): Promise<Lsn> {
  const connection = { ...serverOf(source), applicationName: `millrace ${task}: run` }
  return withConnection(connection, async (client) => {
    const sql = `select case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
                             else pg_current_wal_insert_lsn() end as lsn`
    const { rows } = await client.query<{ lsn: string }>(sql)
    const at = parseLsn(rows[0]!.lsn)
    const inPage = at % PAGE_BYTES
    return inPage <= LONGEST_PAGE_HEADER ? lsn(at - inPage) : at
  })
}

function serverOf({ url, urlFile, auth }: Config['source']): Server {
  return {
    url: currentSecret(url, urlFile),
    ...(auth === 'rds-iam' && { password: rdsToken() }),
  }
}

/** What earlier runs have loaded. */
function seedStatistics(statistics: Statistics, { n, tables }: LogState): void {
  const loaded = [...tables].map(([table, { newestLoad }]) => ({
    table,
    loadedRows: newestLoad?.rows ?? 0,
    isComplete: newestLoad !== null,
  }))
  statistics.seed(loaded)
  statistics.seedLake({ head: n, rows: 0, bytes: 0, files: 0, lastManifestAt: null })
}

function isoNow(): string {
  return new Date(systemClock.now()).toISOString()
}

function newId(): string {
  return randomBytes(8).toString('hex')
}
