/**
 * From a configuration to running parts: the only file that knows every class.
 *
 * `openTask` checks everything that can be checked before anything runs, the source, the lake, the
 * files of the targets, so that a mistake is one message at the start. `openLake` is for commands
 * that only look.
 */

import { randomBytes } from 'node:crypto'

import { Applier } from './apply/applier.ts'
import { treated } from './apply/treatment.ts'
import { Capture } from './capture/capture.ts'
import { currentLsn } from './capture/postgres/current-lsn.ts'
import { PostgresSource } from './capture/postgres/postgres-source.ts'
import { checkSource, type CheckedSource } from './capture/preflight/check-source.ts'
import type { Finding } from './capture/preflight/finding.ts'
import { GuardedCapture } from './capture/slot/guarded-capture.ts'
import type { NewEpochParts } from './capture/slot/new-epoch.ts'
import { SlotGuard } from './capture/slot/slot-guard.ts'
import { exclusionsOf, openStore, requirePlace } from './compose-stores.ts'
import {
  closeTargets,
  consumerName,
  openFiles,
  openTargets,
  requireFiles,
  serverOf,
  type ConsumerParts,
  type OpenTarget,
} from './compose-targets.ts'
import type { Config } from './config/config.ts'
import { BlockPool } from './core/change-log.ts'
import type { Emit, TaskEvent } from './core/events.ts'
import { selectTables } from './core/table-selection.ts'
import { LakeClaim } from './lake/lake-claim.ts'
import { readLakeOf } from './lake/lake-info.ts'
import { LogReader } from './lake/log/log-reader.ts'
import { LogWriter, type LogWriterParts } from './lake/log/log-writer.ts'
import { listRequests, Requests } from './lake/requests.ts'
import { Resumes } from './lake/resumes.ts'
import { writeRegistration } from './lake/retention/consumers.ts'
import { Retention } from './lake/retention/retention-loop.ts'
import { Shapes } from './lake/shapes.ts'
import { describeAddress, parseAddress } from './postgres/address.ts'
import { CountedStore } from './storage/counted-store.ts'
import { systemClock } from './system-clock.ts'
import { RequestCosts } from './task/request-costs.ts'
import { Statistics } from './task/statistics.ts'
import { Supervisor } from './task/supervisor.ts'

export interface Lake {
  readonly store: CountedStore
  readonly shapes: Shapes
  readonly reader: LogReader
}

export interface Task extends AsyncDisposable {
  readonly statistics: Statistics
  readonly targets: ReadonlyMap<string, OpenTarget>
  /** What was found at the source that does not keep the task from running. */
  readonly warnings: readonly Finding[]
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
  const store = new CountedStore(openStore(lake.place))
  const shapes = new Shapes(store)
  return { store, shapes, reader: new LogReader({ store, shapes, rollupEvery: ROLLUP_EVERY }) }
}

/**
 * `watch` hears everything that happens. `ready` is called once everything was checked and nothing is
 * made yet, neither at the source nor in the lake: it may refuse.
 */
export async function openTask(
  config: Config,
  watch: Emit,
  ready: (statistics: Statistics) => Promise<void> = () => Promise.resolve(),
): Promise<Task> {
  const lake = openLake(config)
  const source = openSource(config, lake)
  const { warnings, ...from } = await checkSource(source)
  const claim = await planLake(config, lake, from)
  await requireLake(config, lake)
  await requireFiles(config, newId)
  const statistics = await openStatistics(config, lake)
  await ready(statistics)
  const listeners: Emit[] = [(event) => statistics.apply(event), watch]
  const emit = (event: TaskEvent): void => listeners.forEach((listen) => listen(event))
  const targets = await openTargets(config, claim.info, emit)
  try {
    await source.prepare()
    await claim.make(from)
  } catch (error) {
    await closeTargets(targets)
    throw error
  }
  const appliers = [...targets.values()].map((target) => applier({ config, lake, target }, emit))
  const files = openFiles(config, claim.info, consumerParts(lake, emit))
  const supervisor = new Supervisor({
    statistics,
    targets: [...appliers, ...files],
    capture: guarded({ config, source }, capture({ config, lake, source, claim }, emit), emit),
  })
  listeners.push(supervisor.hear)
  return {
    statistics,
    targets,
    warnings,
    run: (signal) =>
      retention(config, lake, emit).beside(
        () => supervisor.run(signal),
        () => supervisor.stop(),
      ),
    endWhenCaughtUp: async () =>
      supervisor.endAt(await currentLsn(serverOf(config.source), config.task)),
    [Symbol.asyncDispose]: () => closeTargets(targets),
  }
}

export function openSource(config: Config, lake: Pick<Lake, 'store'>): PostgresSource {
  const { task, load, source } = config
  return new PostgresSource({
    task,
    load,
    ...serverOf(source),
    slot: source.slot,
    publication: source.publication,
    isSelected: selectTables(source.tables),
    patterns: source.tables,
    ...exclusionsOf(config, lake),
    failover: source.failover,
    clock: systemClock,
    newId,
  })
}

interface CaptureOf {
  readonly config: Config
  readonly lake: Lake
  readonly source: PostgresSource
  readonly claim: LakeClaim
}

function capture({ config, lake, source, claim }: CaptureOf, emit: Emit): Capture {
  const { store, shapes, reader } = lake
  const { flush } = config.lake
  return new Capture({
    source,
    reader,
    shapes,
    newWriter: writers(config, lake, emit),
    isSelected: selectTables(config.source.tables),
    ...(source.exclusions && { exclusions: source.exclusions }),
    ddl: config.source.ddl,
    spoolFolder: config.source.spoolFolder,
    requests: () => listRequests(store),
    claimLake: (run) => claim.make(run),
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

/** The writers of this process, one for each try. */
function writers({ lake: { format, parquet } }: Config, lake: Lake, emit?: Emit): () => LogWriter {
  const { rollups } = lake.reader
  const parts = { ...lake, rollups, format, parquet, clock: systemClock, writer: newId() }
  const onUnfit: LogWriterParts['onUnfit'] = (table, values) =>
    emit?.({ type: 'values-unfit', table, ...values })
  return () => new LogWriter({ ...parts, onUnfit })
}

/** What it takes to begin another epoch of a lake of ours. */
export async function openEpochs(config: Config, lake: Lake): Promise<NewEpochParts> {
  await readLakeOf(lake.store, config.task)
  await requireLake(config, lake)
  const newWriter = writers(config, lake)
  return { source: openSource(config, lake), reader: lake.reader, newWriter, clock: systemClock }
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
  { config, lake, target }: { config: Config; lake: Lake; target: OpenTarget },
  emit: Emit,
): Applier {
  const found = config.targets.find(({ name }) => name === target.name)!
  const { type, intervalMs, tables } = found
  return new Applier({
    ...consumerParts(lake, emit),
    consumer: consumerName(config, target.name),
    ...treated(target, 'treatment' in found ? found.treatment : {}),
    resumes: new Resumes(lake.store),
    pool: new BlockPool(),
    limits: APPLY_LIMITS,
    intervalMs,
    // Each batch costs about the same, however little is in it.
    ...(type === 'redshift' && { gatherMs: intervalMs }),
    isSelected: selectTables(tables),
  })
}

/** What every consumer of the lake is put together from. */
function consumerParts({ store, shapes, reader }: Lake, emit: Emit): ConsumerParts {
  return {
    log: reader,
    shapes,
    requests: new Requests(store, isoNow),
    registry: {
      write: (consumer, above) => writeRegistration(store, { consumer, above, at: isoNow() }),
    },
    clock: systemClock,
    emit,
  }
}

async function planLake(
  { task }: Config,
  lake: Lake,
  { systemId, database }: Omit<CheckedSource, 'warnings'>,
): Promise<LakeClaim> {
  const source = { systemId, database }
  return LakeClaim.plan(lake, { id: newId(), createdAt: isoNow(), task, source })
}

/** Removes from the lake what nobody needs any more. */
function retention(config: Config, { store, reader }: Lake, emit: Emit): Retention {
  const consumers = config.targets.map(({ name }) => consumerName(config, name))
  const rules = config.lake.keep
  return new Retention({ store, reader, rules, consumers, clock: systemClock, emit })
}

function requireLake({ lake: { place } }: Config, { store }: Lake): Promise<void> {
  return requirePlace(place, store, { id: newId(), unwritable: 'LAKE_UNWRITABLE' })
}

/** They begin with what earlier runs have loaded. */
async function openStatistics(config: Config, { store, reader }: Lake): Promise<Statistics> {
  const { place } = config.lake
  const statistics = new Statistics({
    task: config.task,
    now: () => systemClock.now(),
    load: config.load,
    source: describeAddress(parseAddress(config.source.url, process.env)),
    lakeUrl: store.url,
    lakeCosts: new RequestCosts({
      counts: () => store.counts,
      isCharged: place.type === 's3' && place.endpoint === null,
    }),
    targets: config.targets,
  })
  const { n, tables } = await reader.recover()
  const loaded = [...tables].map(([table, { newestLoad }]) => ({
    table,
    loadedRows: newestLoad?.rows ?? 0,
    isComplete: newestLoad !== null,
  }))
  statistics.seed(loaded)
  statistics.seedLake({ head: n, rows: 0, bytes: 0, files: 0, lastManifestAt: null })
  return statistics
}

function isoNow(): string {
  return new Date(systemClock.now()).toISOString()
}

function newId(): string {
  return randomBytes(8).toString('hex')
}
