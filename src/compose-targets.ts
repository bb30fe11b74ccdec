/**
 * The targets of a configuration, by their types: beside `compose.ts` the only file that knows every
 * class of them. A type that is new gets a case in `openTarget`.
 */

import { randomBytes } from 'node:crypto'

import { OrderedDrain } from './apply/ordered/drain.ts'
import { LedgerChain } from './apply/ordered/ledger-chain.ts'
import type { OrderedDrainOptions } from './apply/ordered/options.ts'
import { openStore, requirePlace } from './compose-stores.ts'
import type {
  Config,
  DmsFilesTargetConfig,
  RedshiftTargetConfig,
  TargetConfig,
} from './config/config.ts'
import { currentSecret } from './config/secrets.ts'
import { BlockPool } from './core/change-log.ts'
import { unreachable } from './core/errors.ts'
import type { Emit } from './core/events.ts'
import { selectTables } from './core/table-selection.ts'
import type { TableName } from './core/table.ts'
import type { Target } from './core/target.ts'
import type { LakeInfo } from './lake/lake-info.ts'
import { STAGE_FOLDER } from './lake/layout.ts'
import type { Server } from './postgres/connect.ts'
import { rdsToken } from './postgres/rds-iam.ts'
import { DmsFiles } from './targets/dms-files/taker.ts'
import { DuckdbTarget } from './targets/duckdb/target.ts'
import { PostgresTarget } from './targets/postgres/target.ts'
import { iamLogin } from './targets/redshift/iam.ts'
import { RedshiftTarget } from './targets/redshift/target.ts'

/** A target that can be asked. */
export interface OpenTarget extends Target {
  /** Rows of any query, by the names of their columns. */
  query(sql: string): Promise<Readonly<Record<string, unknown>>[]>
}

interface OpenParts {
  readonly lake: LakeInfo
  readonly consumer: string
  readonly emit: Emit
  /** The slot of the source, by which a target can see that it is the source. */
  readonly slot: string
}

export async function openTargets(
  config: Config,
  lake: LakeInfo,
  emit: Emit,
): Promise<ReadonlyMap<string, OpenTarget>> {
  const targets = new Map<string, OpenTarget>()
  const { slot } = config.source
  try {
    for (const target of config.targets) {
      if (target.type === 'dms-files') continue
      const parts = { lake, slot, emit, consumer: consumerName(config, target.name) }
      targets.set(target.name, await openTarget(target, parts))
    }
  } catch (error) {
    await closeTargets(targets)
    throw error
  }
  return targets
}

async function openTarget(
  target: Exclude<TargetConfig, DmsFilesTargetConfig>,
  parts: OpenParts,
): Promise<OpenTarget> {
  const { lake, consumer, slot, emit } = parts
  const who = { name: target.name, lakeId: lake.id, consumer }
  switch (target.type) {
    case 'duckdb':
      return DuckdbTarget.open({ ...who, path: target.path })
    case 'postgres': {
      const source = { slot, systemId: lake.source.systemId }
      return new PostgresTarget({ ...who, ...serverOf(target), schema: target.schema, source })
    }
    case 'redshift':
      return new RedshiftTarget({
        ...who,
        ...redshiftOf(target, lake),
        schema: target.schema,
        onUnfit: (unfit) => emit({ type: 'values-unfit', target: target.name, ...unfit }),
      })
    default:
      return unreachable(target)
  }
}

/** A cluster of the configuration, and the way of rows into it. */
export function redshiftOf(target: RedshiftTargetConfig, { id }: Pick<LakeInfo, 'id'>) {
  const { name, url, urlFile, auth, iamRole, stage, unfit, layout } = target
  return {
    url: currentSecret(url, urlFile),
    ...(auth === 'iam' && { login: iamLogin() }),
    iamRole,
    region: stage.type === 's3' ? stage.region : null,
    stage: { store: openStore(stage), prefix: `${STAGE_FOLDER}${name}/${id}-`, newId: randomId },
    unfit,
    layoutOf: (table: TableName) => layout[`${table.namespace}.${table.name}`] ?? null,
  }
}

function randomId(): string {
  return randomBytes(8).toString('hex')
}

/** What consumers of one lake share. */
export type ConsumerParts = Pick<
  OrderedDrainOptions,
  'log' | 'shapes' | 'requests' | 'registry' | 'clock' | 'emit'
>

/** More would not fit well into memory; a batch ends there, whatever its interval. */
const MOST_MANIFESTS = 10_000
const LOOK_EVERY_MS = 1000

/** Rejects if a target that is files cannot be written. */
export async function requireFiles({ targets }: Config, newId: () => string): Promise<void> {
  for (const target of targets) {
    if (target.type !== 'dms-files') continue
    const { place } = target
    const how = { id: newId(), unwritable: 'FILE_UNWRITABLE' } as const
    await requirePlace(place, openStore(place), how)
  }
}

/** Targets that take the log as it is: see `core/ordered.ts`. */
export function openFiles(
  config: Config,
  lake: LakeInfo,
  parts: ConsumerParts,
): readonly OrderedDrain[] {
  return config.targets.flatMap((target) => {
    if (target.type !== 'dms-files') return []
    const { name, settings, tables } = target
    const consumer = consumerName(config, name)
    const store = openStore(target.place)
    return new OrderedDrain({
      ...parts,
      consumer,
      taker: new DmsFiles({ name, store, settings }),
      ledger: new LedgerChain(store, { lakeId: lake.id, consumer }),
      isSelected: selectTables(tables),
      pool: new BlockPool(),
      limits: { intervalMs: settings.cdcMaxBatchIntervalMs, manifests: MOST_MANIFESTS },
      lookEveryMs: LOOK_EVERY_MS,
    })
  })
}

export async function closeTargets(targets: ReadonlyMap<string, OpenTarget>): Promise<void> {
  for (const target of targets.values()) await target.close()
}

/** How the target calls itself in its ledger and in the lake. */
export function consumerName({ task }: Pick<Config, 'task'>, target: string): string {
  return `${task}/${target}`
}

/** A server of the configuration, with secrets that are read again when they change. */
export function serverOf(server: {
  readonly url: string
  readonly urlFile: string | null
  readonly auth: 'password' | 'rds-iam'
}): Server {
  return {
    url: currentSecret(server.url, server.urlFile),
    ...(server.auth === 'rds-iam' && { password: rdsToken() }),
  }
}
