/**
 * Reads the log: manifests by their numbers, the state at any of them, and what data files hold.
 *
 * The log is dense and never changes, so there is nothing to ask but "is there a manifest n + 1 yet?".
 * A restart begins at the newest roll-up and asks on from there.
 */

import { ChangeLog, type BlockPool } from '../../core/change-log.ts'
import { fail } from '../../core/errors.ts'
import type { ChangesEntry, LoadPartEntry, Manifest } from '../../core/manifest.ts'
import type { ObjectStore } from '../../core/object-store.ts'
import type { Shape, TableId } from '../../core/table.ts'
import type { LoadPart, TupleBlock } from '../../core/target.ts'
import { rowReader } from '../codecs/decoder.ts'
import { readChanges, readLoad } from '../codecs/row-reader.ts'
import { formatOf, manifestKey, MANIFESTS_FOLDER, parseManifestKey } from '../layout.ts'
import { readKept } from '../retention/kept.ts'
import type { Shapes } from '../shapes.ts'
import { inFile, readVerified } from '../verified-file.ts'
import { advance, initialState, type LogState } from './log-state.ts'
import { decodeManifest } from './manifest-json.ts'
import { Rollups } from './rollups.ts'

export interface LogReaderParts {
  readonly store: ObjectStore
  readonly shapes: Shapes
  /** Manifests from one roll-up to the next. */
  readonly rollupEvery: number
}

/** Where a load stands in the log. */
export interface LoadSpan {
  readonly table: TableId
  readonly load: string
  readonly beganAt: number
  /** `null` while it is open. */
  readonly endedAt: number | null
}

/** Manifests that are asked for at the same time when many are read in a row. */
const READ_AHEAD = 16
/** Several consumers of one process stand close to each other and read the same ones. */
const REMEMBERED = 64

export class LogReader {
  readonly rollups: Rollups
  readonly #store: ObjectStore
  readonly #shapes: Shapes
  /** The manifests that were read last, the latest at the end. */
  readonly #manifests = new Map<number, Manifest>()
  /** The newest manifest that we know of. */
  #head = 0
  /** Where the last recovery got to: one start of a task asks several times. */
  #recovered: LogState = initialState

  constructor({ store, shapes, rollupEvery }: LogReaderParts) {
    this.#store = store
    this.#shapes = shapes
    this.rollups = new Rollups({ store, shapes, every: rollupEvery })
  }

  /**
   * Manifest n; `null` if it is not there (yet, or no more). Rejects with LAKE_DAMAGED if it is missing
   * and we have seen later ones: whoever waits for it would wait for ever.
   */
  async manifest(n: number): Promise<Manifest | null> {
    const known = this.#manifests.get(n)
    const manifest = known ?? (await this.#get(n)) ?? (await this.#getBelowHead(n))
    if (manifest) this.#remember(manifest)
    return manifest
  }

  /** Manifests in order, up to the one before the first that is not there. */
  async *manifests(from: number, to = Number.MAX_SAFE_INTEGER): AsyncGenerator<Manifest> {
    let ahead = 1
    for (let n = from; n <= to;) {
      const count = Math.min(ahead, to - n + 1)
      const numbers = Array.from({ length: count }, (_, i) => n + i)
      for (const manifest of await Promise.all(numbers.map((number) => this.manifest(number)))) {
        if (manifest === null) return
        yield manifest
      }
      n += count
      ahead = Math.min(ahead * 2, Math.max(READ_AHEAD, this.#store.parallel ?? 0))
    }
  }

  /** The state at the head of the log. */
  async recover(): Promise<LogState> {
    let state = await this.#newestKnown()
    for (;;) {
      state = await this.#follow(state)
      this.#recovered = state
      this.#head = Math.max(this.#head, state.n)
      const later = await this.#firstAfter(state.n)
      if (later === null) return state
      // It was written meanwhile, unless it cannot be reached.
      if ((await this.manifest(state.n + 1)) === null) {
        fail('LAKE_DAMAGED', `manifest ${state.n + 1} is missing, but ${later} is there`)
      }
    }
  }

  /** A state to go on from: that of the last recovery, or of a roll-up that is newer. */
  async #newestKnown(): Promise<LogState> {
    const known = this.#recovered
    const newer = await this.rollups.newest(undefined, known.n)
    if (newer || known.n === 0) return newer ?? known
    const isStillThere = (await this.#get(known.n)) !== null
    return isStillThere ? known : ((await this.rollups.newest()) ?? initialState)
  }

  /** The state at manifest n. Rejects with LOG_EXPIRED if the log no longer goes back so far. */
  async stateAt(n: number): Promise<LogState> {
    const state = await this.#follow((await this.rollups.newest(n)) ?? initialState, n)
    return state.n === n ? state : this.#missing(state.n + 1)
  }

  /** The number of the first manifest that is kept; 1 if there is none yet. */
  async first(): Promise<number> {
    const { first } = await readKept(this.#store)
    return (await this.#firstAfter(first - 1)) ?? first
  }

  /** The changes of a file. Rejects with OBJECT_MISSING or LAKE_DAMAGED, and then gives all blocks back. */
  async readChanges(entry: ChangesEntry, pool: BlockPool): Promise<ChangeLog> {
    const shape = await this.#shapes.read(entry.shape)
    const changes = new ChangeLog(pool)
    try {
      const rows = rowReader(formatOf(entry.path), shape)
      await readChanges(readVerified(this.#store, entry), rows, changes)
    } catch (error) {
      changes.release()
      throw inFile(entry.path, error)
    }
    return changes
  }

  /** `shape`: that of the load. Errors come with the pieces, as in `readChanges`. */
  readLoadPart(entry: LoadPartEntry, shape: Shape): LoadPart {
    const { path, rows } = entry
    return {
      path,
      localPath: this.#store.localPath(path),
      format: formatOf(path),
      rows,
      read: () => this.#rows(entry, shape),
    }
  }

  /** The parts of a load in their order; of an open one, those so far. */
  async loadParts({ table, load, beganAt, endedAt }: LoadSpan): Promise<LoadPartEntry[]> {
    const parts: LoadPartEntry[] = []
    let next = beganAt
    for await (const { n, entries } of this.manifests(beganAt, endedAt ?? undefined)) {
      next = n + 1
      for (const entry of entries) {
        if (entry.type === 'load-part' && entry.load === load && entry.table === table) {
          parts.push(entry)
        }
      }
    }
    if (next === beganAt || (endedAt !== null && next <= endedAt)) await this.#missing(next)
    return parts
  }

  async *#rows(entry: LoadPartEntry, shape: Shape): AsyncGenerator<TupleBlock> {
    try {
      const rows = rowReader(formatOf(entry.path), shape)
      yield* readLoad(readVerified(this.#store, entry), rows)
    } catch (error) {
      throw inFile(entry.path, error)
    }
  }

  async #follow(from: LogState, to?: number): Promise<LogState> {
    let state = from
    for await (const manifest of this.manifests(from.n + 1, to)) {
      state = advance(state, manifest)
      await this.rollups.writeIfDue(state)
    }
    return state
  }

  async #get(n: number): Promise<Manifest | null> {
    const key = manifestKey(n)
    const bytes = await this.#store.get(key)
    return bytes === null ? null : decodeManifest(bytes, key)
  }

  /** A later manifest may have been read while this one was not there yet; now it is, or is missing. */
  async #getBelowHead(n: number): Promise<Manifest | null> {
    if (n >= this.#head) return null
    const manifest = await this.#get(n)
    if (manifest !== null || n < (await this.first())) return manifest
    return fail('LAKE_DAMAGED', `manifest ${n} is missing, but ${this.#head} is there`)
  }

  #remember(manifest: Manifest): void {
    this.#head = Math.max(this.#head, manifest.n)
    this.#manifests.delete(manifest.n)
    this.#manifests.set(manifest.n, manifest)
    if (this.#manifests.size <= REMEMBERED) return
    for (const oldest of this.#manifests.keys()) {
      this.#manifests.delete(oldest)
      return
    }
  }

  async #firstAfter(n: number): Promise<number | null> {
    for await (const key of this.#store.list(MANIFESTS_FOLDER, manifestKey(n))) {
      const number = parseManifestKey(key)
      if (number !== null) return number
    }
    return null
  }

  async #missing(n: number): Promise<never> {
    const first = await this.first()
    if (n < first)
      fail('LOG_EXPIRED', `manifest ${n} is no longer kept; the log begins at ${first}`)
    return fail('LAKE_DAMAGED', `manifest ${n} is not in the log`)
  }
}
