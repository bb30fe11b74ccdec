/** The last step from a document to a configuration: names that follow from the task, full paths. */

import { dirname, resolve } from 'node:path'

import type { Config, TargetConfig } from './config.ts'
import { type Mistake, mistake } from './mistakes.ts'
import type { ConfigDocument } from './schema.ts'

export function finishConfig(document: ConfigDocument, file: string): Config {
  const { task, load, source, lake, fullLoad, server } = document
  const folder = dirname(resolve(file))
  const name = `millrace_${task}`
  return {
    file,
    task,
    load,
    source: {
      url: source.url,
      tables: source.tables,
      slot: source.slot ?? name,
      publication: { name: source.publication ?? name, isOurs: source.publication === undefined },
      heartbeatMs: source.heartbeat,
      spoolFolder: resolve(folder, source.spool ?? `.millrace/${task}/spool`),
    },
    lake: {
      folder: resolve(folder, lake.url),
      format: lake.format,
      flush: { everyMs: lake.flush.every, rows: lake.flush.rows, bytes: lake.flush.bytes },
    },
    targets: targetsOf(document, folder),
    fullLoad,
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
