/** The last step from a document to a configuration: names that follow from the task, full paths. */

import { dirname, resolve } from 'node:path'

import { fail } from '../core/errors.ts'
import type { Config, TargetConfig } from './config.ts'
import { UNRESOLVED } from './document-secrets.ts'
import { folderPlace, isBucketUrl, parseLakeUrl, type LakePlace } from './lake-place.ts'
import { type Mistake, mistake } from './mistakes.ts'
import type { ConfigDocument } from './schema.ts'
import { fileOf } from './secrets.ts'

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
 * Two targets must not share a file: each would write the tables of the other. And the source must not
 * be a target: it would be loaded into itself.
 */
export function placeMistakes(document: ConfigDocument, folder: string): readonly Mistake[] {
  const users = new Map<string, string>()
  const mistakes: Mistake[] = []
  for (const target of targetsOf(document, folder, new Map())) {
    const { name } = target
    if (target.type === 'postgres') {
      if (!isSamePlace(target.url, document.source.url)) continue
      mistakes.push(mistake(['targets', name, 'url'], 'is the source, which cannot be a target'))
      continue
    }
    const other = users.get(target.path)
    if (other === undefined) users.set(target.path, name)
    else mistakes.push(mistake(['targets', name, 'path'], `is the file of targets.${other} too`))
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

function targetsOf(
  { targets }: ConfigDocument,
  folder: string,
  references: ReadonlyMap<string, string>,
): TargetConfig[] {
  return Object.entries(targets).map(([name, { interval, ...target }]): TargetConfig => {
    const every = { name, tables: target.tables, intervalMs: interval }
    if (target.type === 'duckdb') {
      return { ...every, type: target.type, path: resolve(folder, target.path) }
    }
    const { type, url, auth, schema } = target
    const urlFile = fileOf(references.get(`targets.${name}.url`) ?? '', folder)
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

function placeOf({ url, s3, unfenced }: ConfigDocument['lake'], folder: string): LakePlace {
  const parsed = parseLakeUrl(url)
  if ('problem' in parsed) return fail('CONFIG_INVALID', `lake.url: ${parsed.problem}`)
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
