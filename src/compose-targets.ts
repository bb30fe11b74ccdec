/**
 * The targets of a configuration, by their types: beside `compose.ts` the only file that knows every
 * class of them. A type that is new gets a case in `openTarget`.
 */

import type { Config, TargetConfig } from './config/config.ts'
import { currentSecret } from './config/secrets.ts'
import { unreachable } from './core/errors.ts'
import type { Target } from './core/target.ts'
import type { LakeInfo } from './lake/lake-info.ts'
import type { Server } from './postgres/connect.ts'
import { rdsToken } from './postgres/rds-iam.ts'
import { DuckdbTarget } from './targets/duckdb/target.ts'
import { PostgresTarget } from './targets/postgres/target.ts'

/** A target that can be asked. */
export interface OpenTarget extends Target {
  /** Rows of any query, by the names of their columns. */
  query(sql: string): Promise<Readonly<Record<string, unknown>>[]>
}

interface OpenParts {
  readonly lake: LakeInfo
  readonly consumer: string
  /** The slot of the source, by which a target can see that it is the source. */
  readonly slot: string
}

export async function openTargets(
  config: Config,
  lake: LakeInfo,
): Promise<ReadonlyMap<string, OpenTarget>> {
  const targets = new Map<string, OpenTarget>()
  const { slot } = config.source
  try {
    for (const target of config.targets) {
      const parts = { lake, slot, consumer: consumerName(config, target.name) }
      targets.set(target.name, await openTarget(target, parts))
    }
  } catch (error) {
    await closeTargets(targets)
    throw error
  }
  return targets
}

async function openTarget(target: TargetConfig, parts: OpenParts): Promise<OpenTarget> {
  const { lake, consumer, slot } = parts
  const who = { name: target.name, lakeId: lake.id, consumer }
  switch (target.type) {
    case 'duckdb':
      return DuckdbTarget.open({ ...who, path: target.path })
    case 'postgres': {
      const source = { slot, systemId: lake.source.systemId }
      return new PostgresTarget({ ...who, ...serverOf(target), schema: target.schema, source })
    }
    default:
      return unreachable(target)
  }
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
