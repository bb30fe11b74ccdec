/**
 * Roll-ups: the state of the log at every 1,000th manifest, so that a restart need not read it all.
 *
 * They hold nothing that the manifests do not say, and are written by whoever finds one missing. Two
 * who do so at once write the same, so the first one's stays. A reader that may not write goes on
 * without.
 */

import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'

import { CodedError, fail, hasCode, type ErrorCode } from '../../core/errors.ts'
import type { ObjectStore } from '../../core/object-store.ts'
import type { Shape } from '../../core/table.ts'
import { encodeJson } from '../json-lsn.ts'
import { JsonObject } from '../json-object.ts'
import { parseRollupKey, rollupKey, ROLLUPS_FOLDER } from '../layout.ts'
import type { Shapes } from '../shapes.ts'
import type { LogState } from './log-state.ts'
import { readState, stateJson, type ShapesByKey } from './state-json.ts'

export interface RollupsParts {
  readonly store: ObjectStore
  readonly shapes: Shapes
  /** Manifests from one roll-up to the next: 1,000, but for tests. */
  readonly every: number
}

/** Nothing is lost without a roll-up but time. */
const FORGIVEN: readonly ErrorCode[] = ['OBJECT_EXISTS', 'LAKE_UNWRITABLE', 'DISK_FULL']

const compress = promisify(gzip)
const decompress = promisify(gunzip)

export class Rollups {
  readonly #parts: RollupsParts

  constructor(parts: RollupsParts) {
    this.#parts = parts
  }

  /** The state in the newest roll-up up to a manifest, and above another; `null` if there is none. */
  async newest(upTo = Number.MAX_SAFE_INTEGER, above = 0): Promise<LogState | null> {
    const numbers = await listRollups(this.#parts.store, above)
    const newest = numbers.findLast((n) => n <= upTo)
    return newest === undefined ? null : this.#read(newest)
  }

  /** Writes the roll-up of a state, if one belongs there and there is none. */
  async writeIfDue(state: LogState): Promise<void> {
    const { store, shapes, every } = this.#parts
    if (state.n === 0 || state.n % every !== 0) return
    const known = new Map<string, Shape>()
    for (const { shape } of state.tables.values()) known.set(shape, await shapes.read(shape))
    const bytes = await compress(encodeJson(stateJson(state, known)))
    try {
      await store.put(rollupKey(state.n), bytes, { ifAbsent: true })
    } catch (error) {
      if (!FORGIVEN.some((code) => hasCode(error, code))) throw error
    }
  }

  async #read(n: number): Promise<LogState> {
    const { state, shapes } = await readRollup(this.#parts.store, n)
    for (const [path, shape] of shapes) this.#parts.shapes.learn(path, shape)
    return state
  }
}

/** The roll-up at manifest n. Rejects with OBJECT_MISSING or LAKE_DAMAGED. */
export async function readRollup(
  store: ObjectStore,
  n: number,
): Promise<{ readonly state: LogState; readonly shapes: ShapesByKey }> {
  const key = rollupKey(n)
  const bytes = await store.get(key)
  if (bytes === null) return fail('OBJECT_MISSING', `not in the lake: ${key}`)
  const json = JsonObject.parse(await unpacked(bytes, key), key)
  if (json.integer('n') !== n) json.damaged('n', 'the number in the name of the file')
  return readState(json)
}

/** The manifests that have a roll-up, in order. */
export async function listRollups(store: ObjectStore, above = 0): Promise<number[]> {
  const numbers: number[] = []
  for await (const key of store.list(ROLLUPS_FOLDER, rollupKey(above))) {
    const n = parseRollupKey(key)
    if (n !== null) numbers.push(n)
  }
  return numbers
}

async function unpacked(bytes: Buffer, key: string): Promise<Buffer> {
  try {
    return await decompress(bytes)
  } catch (cause) {
    throw new CodedError('LAKE_DAMAGED', `${key} is not a whole gzip file`, { cause })
  }
}
