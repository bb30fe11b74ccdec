/** The last step from a document to a configuration: names that follow from the task, full paths. */

import { dirname, resolve } from 'node:path'

import { fail } from '../core/errors.ts'
import type { Config, TargetConfig } from './config.ts'
import { noteText } from './dms-files-target.ts'
import { UNRESOLVED } from './document-secrets.ts'
import { folderPlace, isBucketUrl, lakeUrlOf, parseLakeUrl, type LakePlace } from './lake-place.ts'
import { type Mistake, mistake } from './mistakes.ts'
import type { ConfigDocument } from './schema.ts'
import { fileOf } from './secrets.ts'
import { tableSettings } from './target-tables.ts'

/** `references`: what stood in the places of secrets, by key. */
export function finishConfig(
  document: ConfigDocument,
  file: string,
  references: ReadonlyMap<string, string>,
): Config {
  const { task, load, source, lake, fullLoad, server } = document
  const folder = dirname(resolve(file))
  const name = `millrace_${task}`
  return {
    file,
    task,
    load,
    source: {
      url: source.url,
      urlFile: fileOf(references.get('source.url') ?? '', folder),
      auth: source.auth,
      tables: source.tables,
      columns: Object.entries(source.columns).map(([tables, rule]) => ({ tables, ...rule })),
      slot: source.slot ?? name,
      publication: { name: source.publication ?? name, isOurs: source.publication === undefined },
      ddl: source.ddl,
      heartbeatMs: source.heartbeat,
      lookEveryMs: source.lookEvery,
      walBudget: source.walBudget ?? null,
      failover: source.failover,
      spoolFolder: resolve(folder, source.spool ?? `.millrace/${task}/spool`),
    },
    lake: {
      place: placeOf(lake, folder),
      format: lake.format,
      parquet: lake.parquet,
      keep: { keepMs: lake.keep ?? null, keepLoads: lake.keepLoads ?? null },
      flush: flushOf(lake),
    },
    targets: targetsOf(document, folder, references),
    fullLoad: { ...fullLoad, maxRowsPerSecond: fullLoad.maxRowsPerSecond ?? null },
    server: server && { ...server.listen, token: server.token ?? null },
  }
}

/**
 * Two targets must not share a place: each would write the tables of the other. And the source must
 * not be a target: it would be loaded into itself.
 */
export function placeMistakes(document: ConfigDocument, folder: string): readonly Mistake[] {
  const lake = lakeUrlOf(placeOf(document.lake, folder))
  const users = new Map([[lake, 'the lake']])
  const mistakes: Mistake[] = []
  for (const target of targetsOf(document, folder, new Map())) {
    const { name } = target
    if (target.type === 'postgres') {
      if (!isSamePlace(target.url, document.source.url)) continue
      mistakes.push(mistake(['targets', name, 'url'], 'is the source, which cannot be a target'))
      continue
    }
    if (target.type === 'redshift') {
      if (target.stage.type === 's3') continue
      const message = 'is needed, since the lake is in a folder: a bucket such as s3://bucket/stage'
      mistakes.push(mistake(['targets', name, 'stage'], message))
      continue
    }
    const isFile = target.type === 'duckdb'
    const place = isFile ? target.path : lakeUrlOf(target.place)
    const other = users.get(place)
    if (other === undefined) users.set(place, `targets.${name}`)
    else {
      const path = ['targets', name, isFile ? 'path' : 'url']
      mistakes.push(mistake(path, `is the ${isFile ? 'file' : 'place'} of ${other} too`))
    }
  }
  return mistakes
}

/** Whether two urls name one database of one server, in whatever they say themselves. */
function isSamePlace(a: string, b: string): boolean {
  if (a === UNRESOLVED || b === UNRESOLVED) return false
  if (!URL.canParse(a) || !URL.canParse(b)) return a === b
  const [one, two] = [new URL(a), new URL(b)]
  return (
    one.hostname === two.hostname &&
    (one.port || DEFAULT_PORT) === (two.port || DEFAULT_PORT) &&
    one.pathname === two.pathname &&
    one.searchParams.get('host') === two.searchParams.get('host')
  )
}

const DEFAULT_PORT = '5432'

/** To mark a deleted row, the target must have it, also if it was there before the first change. */
export function modeMistakes({ load, targets }: ConfigDocument): readonly Mistake[] {
  if (load !== 'cdc') return []
  return Object.entries(targets).flatMap(([name, target]) => {
    if (target.type === 'dms-files') return []
    const isMeant = tableSettings(target).modes.some(({ mode }) => mode === 'soft-delete')
    const message = 'soft-delete needs the rows that exist, and load: cdc loads none'
    return isMeant ? [mistake(['targets', name, 'mode'], message)] : []
  })
}

/** What of the settings of targets works but has no effect. */
export function settingNotes({ targets }: ConfigDocument): readonly Mistake[] {
  return Object.entries(targets).flatMap(([name, target]) => {
    if (target.type !== 'dms-files') return []
    const path = ['targets', name, 'settings']
    return target.settings.notes.map((note) => mistake(path, noteText(note)))
  })
}

/** Their own settings say when files are written; this is for bells that are lost. */
const LOOK_EVERY_MS = 1000

function targetsOf(
  { targets, lake }: ConfigDocument,
  folder: string,
  references: ReadonlyMap<string, string>,
): TargetConfig[] {
  return Object.entries(targets).map(([name, target]): TargetConfig => {
    if (target.type === 'dms-files') {
      const { type, tables, settings } = target
      const place = placeOf({ ...target, unfenced: false }, folder)
      return { name, type, tables, place, intervalMs: LOOK_EVERY_MS, settings: settings.settings }
    }
    const { tables, interval: intervalMs } = target
    const every = { name, tables, intervalMs, treatment: tableSettings(target) }
    if (target.type === 'duckdb') {
      return { ...every, type: target.type, path: resolve(folder, target.path) }
    }
    const urlFile = fileOf(references.get(`targets.${name}.url`) ?? '', folder)
    if (target.type === 'redshift') {
      const { type, url, auth, schema, iamRole, unfit, layout, stage } = target
      const place = stage === undefined ? lake : { url: stage, s3: target.s3, unfenced: false }
      const own = { iamRole, unfit, layout, stage: placeOf(place, folder) }
      return { ...every, type, url, urlFile, auth, schema, ...own }
    }
    const { type, url, auth, schema } = target
    return { ...every, type, url, urlFile, auth, schema }
  })
}

/** A PUT into a bucket costs money; into a folder it does not. */
const BUCKET_PUTS_PER_SECOND = 10

function flushOf({ url, flush }: ConfigDocument['lake']): Config['lake']['flush'] {
  const { every: everyMs, rows, bytes, putsPerSecond } = flush
  const otherwise = isBucketUrl(url) ? BUCKET_PUTS_PER_SECOND : null
  return { everyMs, rows, bytes, putsPerSecond: putsPerSecond ?? otherwise }
}

type PlaceDocument = Pick<ConfigDocument['lake'], 'url' | 's3' | 'unfenced'>

function placeOf({ url, s3, unfenced }: PlaceDocument, folder: string): LakePlace {
  const parsed = parseLakeUrl(url)
  if ('problem' in parsed) return fail('CONFIG_INVALID', `url: ${parsed.problem}`)
  if ('folder' in parsed) return folderPlace(folder, parsed.folder)
  return {
    type: 's3',
    ...parsed,
    region: s3.region ?? null,
    endpoint: s3.endpoint ?? null,
    pathStyle: s3.pathStyle ?? null,
    kmsKey: s3.kmsKey ?? null,
    storageClass: s3.storageClass ?? null,
    tags: s3.tags,
    requesterPays: s3.requesterPays,
    ownerAccount: s3.ownerAccount ?? null,
    unfenced,
  }
}
