/**
 * Manifests as JSON: one line, fields in a fixed order.
 *
 * The bytes are a function of the manifest alone. A writer whose PUT was answered by "exists already"
 * compares bytes to learn whether it was its own earlier try.
 */

import { unreachable } from '../../core/errors.ts'
import type { BarrierEntry, ChangesEntry, Entry, LoadEntry, Manifest } from '../../core/manifest.ts'
import { comparePositions } from '../../core/position.ts'
import type { TableId } from '../../core/table.ts'
import { isKey } from '../../storage/keys.ts'
import {
  encodeJson,
  logPositionJson,
  lsnJson,
  positionJson,
  readLogPosition,
  readLsn,
  readPosition,
} from '../json-lsn.ts'
import { JsonObject } from '../json-object.ts'
import { parseManifestKey, parseTableId } from '../layout.ts'
import { readRun, runJson, sorted } from './run-json.ts'

const KINDS = ['open', 'changes', 'heartbeat', 'epoch'] as const
const TYPES = [
  'changes', 'truncate', 'shape', 'rename', 'drop', 'load-begin', 'load-part', 'load-end', 'load-cancel',
] as const // prettier-ignore

const ISO_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
const SHA256 = /^[0-9a-f]{64}$/
const NOT_EMPTY = /./

export function encodeManifest(manifest: Manifest): Buffer {
  const { n, kind, writer, generation, epoch, timeline, to, confirm, clock, closedAt } = manifest
  return encodeJson({
    n,
    kind,
    writer,
    generation,
    epoch,
    timeline,
    to: logPositionJson(to),
    confirm: lsnJson(confirm),
    clock,
    closedAt,
    ...(manifest.kind === 'epoch' && { continues: manifest.continues }),
    ...('run' in manifest && { run: runJson(manifest.run) }),
    entries: manifest.entries.map(entryJson),
  })
}

/** `key` is where the bytes were found. Throws LAKE_DAMAGED, naming file and field. */
export function decodeManifest(bytes: Uint8Array, key: string): Manifest {
  const json = JsonObject.parse(bytes, key)
  const n = json.integer('n', 1)
  if (n !== parseManifestKey(key)) json.damaged('n', 'the number in the name of the file')
  const fields = {
    n,
    writer: json.text('writer', NOT_EMPTY),
    generation: json.integer('generation', 1),
    epoch: json.integer('epoch', 1),
    timeline: json.integer('timeline'),
    to: readLogPosition(json, 'to'),
    confirm: readLsn(json, 'confirm'),
    clock: json.integer('clock'),
    closedAt: json.text('closedAt', ISO_UTC),
    entries: json.objects('entries').map(readEntry),
  }
  if (fields.generation > n) json.damaged('generation', 'the number of this manifest or an earlier')
  const kind = json.choice('kind', KINDS)
  switch (kind) {
    case 'open':
      return { ...fields, kind, run: readRun(json.object('run')) }
    case 'epoch':
      return {
        ...fields,
        kind,
        continues: json.flag('continues'),
        run: readRun(json.object('run')),
      }
    case 'changes':
    case 'heartbeat':
      return { ...fields, kind }
    default:
      return unreachable(kind)
  }
}

function entryJson(entry: Entry): object {
  const { type, table } = entry
  switch (entry.type) {
    case 'changes':
      return changesJson(entry)
    case 'load-begin': {
      const { load, shape, lsn, since, for: consumers, partitions } = entry
      const fields = { type, table, load, shape, lsn: lsnJson(lsn), since, for: consumers }
      return { ...fields, ...(partitions && { partitions }) }
    }
    case 'load-part': {
      const { load, path, rows, bytes, sha256 } = entry
      return { type, table, load, path, rows, bytes, sha256 }
    }
    case 'load-end':
      return { type, table, load: entry.load, rows: entry.rows }
    case 'load-cancel':
      return { type, table, load: entry.load }
    case 'truncate':
    case 'shape':
    case 'rename':
    case 'drop':
      return barrierJson(entry)
    default:
      return unreachable(entry)
  }
}

function changesJson(entry: ChangesEntry): object {
  const { type, table, shape, path, first, last, rows, unchanged, bytes, sha256, order } = entry
  return {
    type,
    table,
    shape,
    path,
    first: positionJson(first),
    last: positionJson(last),
    rows: { i: rows.i, u: rows.u, d: rows.d },
    unchanged,
    bytes,
    sha256,
    order,
  }
}

function barrierJson(entry: BarrierEntry): object {
  const { type, table, order } = entry
  const fields = { type, table, position: positionJson(entry.position), order }
  switch (entry.type) {
    case 'shape':
      return {
        ...fields,
        shape: entry.shape,
        defaults: sorted(entry.defaults),
        ...(entry.isAmbiguous && { isAmbiguous: true }),
        ...(entry.partitions && { partitions: entry.partitions }),
      }
    case 'rename':
      return { ...fields, to: entry.to, shape: entry.shape }
    case 'truncate':
    case 'drop':
      return fields
    default:
      return unreachable(entry)
  }
}

function readEntry(json: JsonObject): Entry {
  const type = json.choice('type', TYPES)
  switch (type) {
    case 'changes':
      return readChanges(json)
    case 'truncate':
    case 'shape':
    case 'rename':
    case 'drop':
      return readBarrier(json, type)
    case 'load-begin':
    case 'load-part':
    case 'load-end':
    case 'load-cancel':
      return readLoad(json, type)
    default:
      return unreachable(type)
  }
}

function readChanges(json: JsonObject): ChangesEntry {
  const [first, last] = [readPosition(json, 'first'), readPosition(json, 'last')]
  if (comparePositions(first, last) > 0) json.damaged('last', 'at or after `first`')
  const rows = json.object('rows')
  return {
    type: 'changes',
    table: readTable(json, 'table'),
    shape: readKey(json, 'shape'),
    path: readKey(json, 'path'),
    first,
    last,
    rows: { i: rows.integer('i'), u: rows.integer('u'), d: rows.integer('d') },
    unchanged: json.integer('unchanged'),
    bytes: json.integer('bytes'),
    sha256: json.text('sha256', SHA256),
    order: json.integer('order'),
  }
}

function readBarrier(json: JsonObject, type: BarrierEntry['type']): BarrierEntry {
  const fields = {
    table: readTable(json, 'table'),
    position: readPosition(json, 'position'),
    order: json.integer('order'),
  }
  switch (type) {
    case 'shape': {
      const shape = readKey(json, 'shape')
      const isAmbiguous = json.has('isAmbiguous') && json.flag('isAmbiguous')
      const entry = { type, ...fields, shape, defaults: readDefaults(json) }
      return { ...entry, ...(isAmbiguous && { isAmbiguous }), ...readPartitions(json) }
    }
    case 'rename':
      return { type, ...fields, to: readTable(json, 'to'), shape: readKey(json, 'shape') }
    case 'truncate':
    case 'drop':
      return { type, ...fields }
    default:
      return unreachable(type)
  }
}

function readLoad(json: JsonObject, type: LoadEntry['type']): LoadEntry {
  const fields = { table: readTable(json, 'table'), load: json.text('load', NOT_EMPTY) }
  switch (type) {
    case 'load-begin':
      return {
        type,
        ...fields,
        shape: readKey(json, 'shape'),
        lsn: readLsn(json, 'lsn'),
        since: json.integer('since'),
        for: readFor(json),
        ...readPartitions(json),
      }
    case 'load-part':
      return {
        type,
        ...fields,
        path: readKey(json, 'path'),
        rows: json.integer('rows'),
        bytes: json.integer('bytes'),
        sha256: json.text('sha256', SHA256),
      }
    case 'load-end':
      return { type, ...fields, rows: json.integer('rows') }
    case 'load-cancel':
      return { type, ...fields }
    default:
      return unreachable(type)
  }
}

function readTable(json: JsonObject, name: string): TableId {
  return json.parsed(name, 'the id of a table', parseTableId)
}

/** A path that no store would refuse, and that does not lead out of the lake. */
function readKey(json: JsonObject, name: string): string {
  return json.parsed(name, 'a path in the lake', (text) => (isKey(text) ? text : null))
}

function readDefaults(json: JsonObject): Record<string, string | null> {
  const fields = json.object('defaults')
  const value = (name: string) => (fields.isNull(name) ? null : fields.text(name))
  return Object.fromEntries(fields.names().map((name) => [name, value(name)]))
}

function readPartitions(json: JsonObject): { partitions?: string[] } {
  return json.has('partitions') ? { partitions: json.texts('partitions') } : {}
}

export function readFor(json: JsonObject): 'all' | string[] {
  return json.isText('for') ? json.choice('for', ['all'] as const) : json.texts('for')
}
