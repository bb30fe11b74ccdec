/**
 * `_millrace/lake.json`: whose lake this is, and in which version of the format.
 *
 * It is written before anything else and never again. The random id tells a lake from another one at
 * the same place, which the ledgers of consumers need to know. `source` is the one that the lake began
 * with; after a move the last `open` or `epoch` manifest of the log says which one it is now.
 */

import { fail, hasCode } from '../core/errors.ts'
import type { ObjectStore } from '../core/object-store.ts'
import { encodeJson } from './json-lsn.ts'
import { JsonObject } from './json-object.ts'
import { LAKE_INFO_KEY } from './layout.ts'

export interface LakeInfo {
  readonly version: number
  readonly id: string
  /** UTC time, ISO 8601. */
  readonly createdAt: string
  readonly task: string
  readonly source: LakeSource
}

export interface LakeSource {
  /** system_identifier of the server, in decimal. */
  readonly systemId: string
  readonly database: string
}

/** The version of the format that is written, and the newest that can be read. */
const VERSION = 1
const SAMPLE = 3

/** Rejects with LAKE_MISSING, or with LAKE_VERSION if a newer version of Millrace wrote it. */
export async function readLakeInfo(store: ObjectStore): Promise<LakeInfo> {
  return (await find(store)) ?? fail('LAKE_MISSING', `no lake at ${store.url}`)
}

/**
 * Makes a lake in an empty place, or makes sure that the lake there is ours; `id` and `createdAt` are
 * used in the first case only. Rejects with LAKE_FOREIGN if it is of another task, or if there is
 * something else, and with SOURCE_CHANGED if it is of another source; `sourceNow` is asked then
 * whether it was moved.
 */
export async function createOrCheck(
  store: ObjectStore,
  wanted: Omit<LakeInfo, 'version'>,
  sourceNow: () => Promise<LakeSource | null> = () => Promise.resolve(null),
): Promise<LakeInfo> {
  const info = (await find(store)) ?? (await create(store, wanted))
  return checked(store, info, { wanted, sourceNow })
}

/** What `createOrCheck` would find or make, for whoever wants to know it before anything is made. */
export async function planOrCheck(
  store: ObjectStore,
  wanted: Omit<LakeInfo, 'version'>,
  sourceNow: () => Promise<LakeSource | null>,
): Promise<LakeInfo> {
  const info = (await find(store)) ?? (await planned(store, wanted))
  return checked(store, info, { wanted, sourceNow })
}

async function checked(
  store: ObjectStore,
  info: LakeInfo,
  { wanted, sourceNow }: Claim,
): Promise<LakeInfo> {
  checkTask(store, info, wanted.task)
  if (isSame(info.source, wanted.source)) return info
  const source = (await sourceNow()) ?? info.source
  if (!isSame(source, wanted.source)) {
    const found = `database ${source.database} of system ${source.systemId}`
    const ours = `${wanted.source.database} of ${wanted.source.systemId}`
    fail('SOURCE_CHANGED', `the lake at ${store.url} was filled from ${found}, not from ${ours}`)
  }
  return info
}

/** The lake of the task, whatever its source. Rejects with LAKE_MISSING or LAKE_FOREIGN. */
export async function readLakeOf(store: ObjectStore, task: string): Promise<LakeInfo> {
  const info = await readLakeInfo(store)
  checkTask(store, info, task)
  return info
}

function checkTask(store: ObjectStore, { task }: LakeInfo, wanted: string): void {
  if (task === wanted) return
  fail('LAKE_FOREIGN', `the lake at ${store.url} belongs to task ${task}, not ${wanted}`)
}

function isSame(a: LakeSource, b: LakeSource): boolean {
  return a.systemId === b.systemId && a.database === b.database
}

interface Claim {
  readonly wanted: Omit<LakeInfo, 'version'>
  readonly sourceNow: () => Promise<LakeSource | null>
}

async function create(store: ObjectStore, wanted: Omit<LakeInfo, 'version'>): Promise<LakeInfo> {
  const fields = await planned(store, wanted)
  try {
    await store.put(LAKE_INFO_KEY, encodeJson(fields), { ifAbsent: true })
  } catch (error) {
    if (!hasCode(error, 'OBJECT_EXISTS')) throw error
    return readLakeInfo(store) // somebody else was faster
  }
  return fields
}

async function planned(store: ObjectStore, wanted: Omit<LakeInfo, 'version'>) {
  const others = await sample(store)
  if (others.length > 0 && !others.includes(LAKE_INFO_KEY)) {
    fail('LAKE_FOREIGN', `${store.url} is no lake, but holds other things: ${others.join(', ')}`)
  }
  const { id, createdAt, task, source } = wanted
  const { systemId, database } = source
  return { version: VERSION, id, createdAt, task, source: { systemId, database } }
}

/** A few of the files; hidden ones, as desktops leave them everywhere, do not count. */
async function sample(store: ObjectStore): Promise<string[]> {
  const keys: string[] = []
  for await (const key of store.list('')) {
    if (!key.startsWith('.')) keys.push(key)
    if (keys.length === SAMPLE) break
  }
  return keys
}

async function find(store: ObjectStore): Promise<LakeInfo | null> {
  const bytes = await store.get(LAKE_INFO_KEY)
  if (bytes === null) return null
  const json = JsonObject.parse(bytes, LAKE_INFO_KEY)
  const version = json.integer('version', 1)
  if (version > VERSION) {
    fail('LAKE_VERSION', `the lake at ${store.url} has version ${version}, we know ${VERSION}`)
  }
  const source = json.object('source')
  return {
    version,
    id: json.text('id', /./),
    createdAt: json.text('createdAt'),
    task: json.text('task'),
    source: { systemId: source.text('systemId'), database: source.text('database') },
  }
}
