/** The last step from a document to a configuration: names that follow from the task, full paths. */

import { dirname, resolve } from 'node:path'

import { fail } from '../core/errors.ts'
import type { Config, TargetConfig } from './config.ts'
import { folderPlace, parseLakeUrl, type LakePlace } from './lake-place.ts'
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
      flush: { everyMs: lake.flush.every, rows: lake.flush.rows, bytes: lake.flush.bytes },
    },
    targets: targetsOf(document, folder),
    fullLoad: { ...fullLoad, maxRowsPerSecond: fullLoad.maxRowsPerSecond ?? null },
    server: server && { ...server.listen, token: server.token ?? null },
  }
}

/** Two targets must not share a file: each would write the tables of the other. */
export function pathMistakes(document: ConfigDocument, folder: string): readonly Mistake[] {
  const users = new Map<string, string>()
  const mistakes: Mistake[] = []
  for (const { name, path } of targetsOf(document, folder)) {
    const other = users.get(path)
    if (other === undefined) users.set(path, name)
    else mistakes.push(mistake(['targets', name, 'path'], `is the file of targets.${other} too`))
  }
  return mistakes
}

function targetsOf({ targets }: ConfigDocument, folder: string): TargetConfig[] {
  return Object.entries(targets).map(([name, { type, path, interval }]) => ({
    name,
    type,
    path: resolve(folder, path),
    intervalMs: interval,
  }))
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
