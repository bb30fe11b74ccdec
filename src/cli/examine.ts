/**
 * Looks at everything a task needs, without changing any of it: what `doctor` prints.
 *
 * The parts are looked at one after the other, and one that fails does not keep the others from
 * being looked at: whoever sets a task up wants to know everything at once.
 */

import { randomBytes } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname } from 'node:path'

import type { SourceFacts } from '../capture/preflight-facts.ts'
import { openLake, openSource } from '../compose.ts'
import type { Config, TargetConfig } from '../config/config.ts'
import { CodedError, hasCode } from '../core/errors.ts'
import type { ObjectStore } from '../core/object-store.ts'
import { readLakeInfo } from '../lake/lake-info.ts'
import type { LogState } from '../lake/log-state.ts'
import { requireConditionalWrites } from '../storage/s3/conditional-writes.ts'
import { DuckdbTarget } from '../targets/duckdb/target.ts'
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
  for (const target of config.targets) targets.push(await examineTarget(target, isRunning))
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

interface Found {
  readonly facts: SourceFacts
  readonly systemId: string
}

async function examineSource(
  config: Config,
): Promise<{ diagnoses: Diagnosis[]; found: Found | null }> {
  try {
    const { checks, ...found } = await openSource(config).examine()
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
    const info = await readLakeInfo(store)
    const { systemId } = info.source
    if (info.task !== config.task || (found?.systemId && found.systemId !== systemId)) {
      const message = `the lake at ${store.url} belongs to task ${info.task} of another source`
      return [failed('lake', new CodedError('LAKE_FOREIGN', message))]
    }
    const state = await reader.recover()
    const head = ok('lake', `${store.url} is ours, up to manifest ${formatCount(state.n)}`)
    return [head, ...(await examinePlace(config, store)), ...slotAgainst(state, found)]
  } catch (error) {
    if (!hasCode(error, 'LAKE_MISSING')) return [failed('lake', error)]
    return [
      ok('lake', `${store.url} will be made at the first start`),
      ...(await examinePlace(config, store)),
    ]
  }
}

/** A folder that is not there yet is made in the nearest one that is. */
async function examinePlace({ lake: { place } }: Config, store: ObjectStore): Promise<Diagnosis[]> {
  if (place.type === 's3') return examineBucket(store, place.unfenced)
  let folder = place.folder
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder)
  return [await examineFolder('lake', folder)]
}

/** A few bytes are written, and deleted again. */
async function examineBucket(store: ObjectStore, unfenced: boolean): Promise<Diagnosis[]> {
  try {
    await requireConditionalWrites(store, randomBytes(8).toString('hex'))
    return [ok('lake', `${store.url} can be written, and nothing is overwritten there`)]
  } catch (error) {
    if (!unfenced || !hasCode(error, 'LAKE_UNFENCED')) return [failed('lake', error)]
    const { message } = error
    return [{ ...failed('lake', error), severity: 'warning', code: null, message }]
  }
}

async function examineFolder(area: Area, folder: string): Promise<Diagnosis> {
  try {
    await access(folder, constants.W_OK | constants.X_OK)
    return ok(area, `${folder} can be written`)
  } catch (cause) {
    const code = area === 'lake' ? 'LAKE_UNWRITABLE' : 'FILE_UNWRITABLE'
    return failed(area, new CodedError(code, `${folder} cannot be written`, { cause }))
  }
}

/** A slot and a lake belong together: one without the other lacks changes. */
function slotAgainst({ n, confirm }: LogState, found: Found | null): Diagnosis[] {
  if (found === null || n === 0) return []
  const { slot } = found.facts
  if (slot === null) {
    const message = 'the replication slot is gone, and the lake goes on from it'
    return [failed('lake', new CodedError('SLOT_LOST', message))]
  }
  if (confirm !== null && slot.confirmed !== null && slot.confirmed > confirm) {
    const message = 'the slot was confirmed beyond what the lake holds'
    return [failed('lake', new CodedError('SLOT_MOVED', message))]
  }
  return [ok('lake', 'the slot goes on from where the lake ends')]
}

/** A file that is not there yet is not made. */
async function examineTarget({ name, path }: TargetConfig, isRunning: boolean): Promise<Diagnosis> {
  const about = `${name}: ${path}`
  if (!existsSync(path)) {
    let folder = dirname(path)
    while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder)
    const place = await examineFolder('targets', folder)
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
