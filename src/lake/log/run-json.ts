/** How a run of capture reads the source, as JSON: a part of manifests and of roll-ups. */

import type { RunInfo } from '../../core/manifest.ts'
import type { JsonObject } from '../json-object.ts'

const LOAD_MODES = ['full-load-and-cdc', 'full-load', 'cdc'] as const

export function runJson({ systemId, database, slot, publication, load, options }: RunInfo): object {
  return { systemId, database, slot, publication, load, options: sorted(options) }
}

export function readRun(json: JsonObject): RunInfo {
  const options = json.object('options')
  return {
    systemId: json.text('systemId'),
    database: json.text('database'),
    slot: json.text('slot'),
    publication: json.text('publication'),
    load: json.choice('load', LOAD_MODES),
    options: Object.fromEntries(options.names().map((name) => [name, options.text(name)])),
  }
}

/** The same fields in one order, whatever the order in which they were set. */
export function sorted<T>(fields: Readonly<Record<string, T>>): Record<string, T> {
  const entries = Object.entries(fields)
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
