/**
 * Looks at everything a task needs, without changing any of it: what `doctor` prints.
 *
 * The parts are looked at one after the other, and one that fails does not keep the others from
 * being looked at: whoever sets a task up wants to know everything at once.
 */

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'

import type { Examined } from '../capture/postgres/postgres-source.ts'
import { lossIn } from '../capture/slot/guards.ts'
import { openStore } from '../compose-stores.ts'
import { redshiftOf, serverOf } from '../compose-targets.ts'
import { openLake, openSource } from '../compose.ts'
import type {
  Config,
  DuckdbTargetConfig,
  RedshiftTargetConfig,
  TargetConfig,
} from '../config/config.ts'
import type { LakePlace } from '../config/lake-place.ts'
import { CodedError, hasCode } from '../core/errors.ts'
import type { ObjectStore } from '../core/object-store.ts'
import { readLakeOf } from '../lake/lake-info.ts'
import type { LogState } from '../lake/log/log-state.ts'
import { describeAddress, parseAddress } from '../postgres/address.ts'
import { requireConditionalWrites } from '../storage/s3/conditional-writes.ts'
import { requireWritable } from '../storage/writable-folder.ts'
import { DuckdbTarget } from '../targets/duckdb/target.ts'
import { examinePostgres } from '../targets/postgres/preflight.ts'
import { examineRedshift } from '../targets/redshift/preflight.ts'
import { DEFAULT_PORT as REDSHIFT_PORT } from '../targets/redshift/session.ts'
import { formatCount } from './format.ts'

export type Area = 'configuration' | 'source' | 'lake' | 'targets'

export interface Diagnosis {
  readonly area: Area
  readonly severity: 'ok' | 'warning' | 'error'
  readonly code: string | null
  readonly message: string
  /** What to do about it. */
  readonly cure: string | null
}

export async function examine(
  config: Config,
  warnings: readonly string[],
): Promise<readonly Diagnosis[]> {
  const source = await examineSource(config)
  const isRunning = (source.found?.facts.slot?.activePid ?? null) !== null
  const targets: Diagnosis[] = []
  for (const target of config.targets) targets.push(...(await examineTarget(target, isRunning)))
  return [
    ...examineConfig(config, warnings),
    ...source.diagnoses,
    ...(await examineLake(config, source.found)),
    ...targets,
  ]
}

function examineConfig({ file }: Config, warnings: readonly string[]): Diagnosis[] {
  if (warnings.length === 0) return [ok('configuration', `${file} is valid`)]
  return warnings.map((message) => ({
    area: 'configuration',
    severity: 'warning',
    code: null,
    message,
    cure: null,
  }))
}

type Found = Pick<Examined, 'facts' | 'system'>

async function examineSource(
  config: Config,
): Promise<{ diagnoses: Diagnosis[]; found: Found | null }> {
  try {
    const { checks, ...found } = await openSource(config, openLake(config)).examine()
    const diagnoses = checks.flatMap(({ about, findings }): Diagnosis[] =>
      findings.length === 0
        ? [ok('source', about)]
        : findings.map((finding) => ({
            area: 'source',
            severity: finding.severity,
            code: finding.severity === 'error' ? finding.code : null,
            message: finding.message,
            cure: finding.cure,
          })),
    )
    return { diagnoses, found }
  } catch (error) {
    return { diagnoses: [failed('source', error)], found: null }
  }
}

async function examineLake(config: Config, found: Found | null): Promise<Diagnosis[]> {
  const { store, reader } = openLake(config)
  try {
    await readLakeOf(store, config.task)
    const state = await reader.recover()
    const head = ok('lake', `${store.url} is ours, up to manifest ${formatCount(state.n)}`)
    const going = found === null ? [] : await examineLoss(config, state, found)
    return [head, ...(await examinePlace('lake', config.lake.place)), ...going]
  } catch (error) {
    if (!hasCode(error, 'LAKE_MISSING')) return [failed('lake', error)]
    return [
      ok('lake', `${store.url} will be made at the first start`),
      ...(await examinePlace('lake', config.lake.place)),
    ]
  }
}

async function examinePlace(area: Area, place: LakePlace): Promise<Diagnosis[]> {
  if (place.type === 's3') return examineBucket(area, openStore(place), place.unfenced)
  return [await examineFolder(area, place.folder)]
}

/** A few bytes are written, and deleted again. */
async function examineBucket(
  area: Area,
  store: ObjectStore,
  unfenced: boolean,
): Promise<Diagnosis[]> {
  try {
    await requireConditionalWrites(store, randomBytes(8).toString('hex'))
    return [ok(area, `${store.url} can be written, and nothing is overwritten there`)]
  } catch (error) {
    if (!unfenced || !hasCode(error, 'LAKE_UNFENCED')) return [failed(area, error)]
    const { message } = error
    return [{ ...failed(area, error), severity: 'warning', code: null, message }]
  }
}

async function examineFolder(area: Area, folder: string): Promise<Diagnosis> {
  try {
    const code = area === 'lake' ? 'LAKE_UNWRITABLE' : 'FILE_UNWRITABLE'
    return ok(area, `${await requireWritable(folder, code)} can be written`)
  } catch (error) {
    return failed(area, error)
  }
}

/** A source and a lake belong together: where one does not go on from the other, changes are missing. */
async function examineLoss(config: Config, head: LogState, found: Found): Promise<Diagnosis[]> {
  if (head.n === 0 || found.system === null) return []
  const { slot, server } = found.facts
  const seen = { ...found.system, database: server.database, slot }
  const loss = await lossIn(head, seen, openSource(config, openLake(config)))
  // What the server itself says of the slot was told above.
  if (loss?.code === 'SLOT_LOST' && slot !== null) return []
  return [
    loss === null ? ok('lake', 'the slot goes on from where the lake ends') : failed('lake', loss),
  ]
}

async function examineTarget(target: TargetConfig, isRunning: boolean): Promise<Diagnosis[]> {
  if (target.type === 'duckdb') return [await examineFile(target, isRunning)]
  if (target.type === 'dms-files') {
    const found = await examinePlace('targets', target.place)
    return found.map(({ message, ...rest }) => ({ ...rest, message: `${target.name}: ${message}` }))
  }
  const port = target.type === 'redshift' ? REDSHIFT_PORT : undefined
  const about = `${target.name}: ${describeAddress(parseAddress(target.url, process.env, port))}`
  try {
    const missing = await (target.type === 'redshift'
      ? examineCluster(target)
      : examinePostgres(serverOf(target)))
    if (missing.length === 0) return [ok('targets', `${about} can be written`)]
    return missing.map((error) => failed('targets', error))
  } catch (error) {
    return [failed('targets', error)]
  }
}

function examineCluster(target: RedshiftTargetConfig): Promise<CodedError[]> {
  const { stage, iamRole, region, ...server } = redshiftOf(target, { id: 'doctor' })
  return examineRedshift({ server, stage, iamRole, region })
}

/** A file that is not there yet is not made. */
async function examineFile(
  { name, path }: DuckdbTargetConfig,
  isRunning: boolean,
): Promise<Diagnosis> {
  const about = `${name}: ${path}`
  if (!existsSync(path)) {
    const place = await examineFolder('targets', dirname(path))
    return place.severity === 'ok' ? ok('targets', `${about} will be made`) : place
  }
  try {
    const target = await DuckdbTarget.open({ name, path, lakeId: '', consumer: '' })
    await target.close()
    return ok('targets', `${about} can be opened`)
  } catch (error) {
    if (isRunning && hasCode(error, 'TARGET_LOCKED')) {
      return ok('targets', `${about} is open in another process, and the task is running`)
    }
    return failed('targets', error)
  }
}

function ok(area: Area, message: string): Diagnosis {
  return { area, severity: 'ok', code: null, message, cure: null }
}

/** What has no code is a bug, and is thrown on. */
function failed(area: Area, error: unknown): Diagnosis {
  if (!(error instanceof CodedError)) throw error
  const { code, message, hint } = error
  return { area, severity: 'error', code, message, cure: hint ?? null }
}
