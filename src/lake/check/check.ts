/**
 * Walks the whole log and says what is not as it should be.
 *
 *   manifests, one after the other: dense, in order ──► state ──► equal to each roll-up on the way
 *          └──► data files: bytes, hash, counts, positions
 *   at the end: files that nobody names
 *
 * It writes nothing, and may run while the lake is written to. Memory holds the state of the log, one
 * manifest and a few data files. Where a manifest is missing or damaged, the state is lost until the
 * next roll-up; the files are looked at all the same.
 */

import { hasCode } from '../../core/errors.ts'
import type { Entry, Manifest } from '../../core/manifest.ts'
import type { ObjectStore } from '../../core/object-store.ts'
import type { Shape } from '../../core/table.ts'
import { encodeJson } from '../json-lsn.ts'
import { manifestKey, MANIFESTS_FOLDER, parseManifestKey, rollupKey } from '../layout.ts'
import { LogReader } from '../log/log-reader.ts'
import { advance, initialState, type LogState } from '../log/log-state.ts'
import { decodeManifest } from '../log/manifest-json.ts'
import { listRollups, readRollup } from '../log/rollups.ts'
import { stateJson } from '../log/state-json.ts'
import { readKept, type Kept } from '../retention/kept.ts'
import { Shapes } from '../shapes.ts'
import { EntryCheck, type CheckProgress } from './check-entries.ts'
import { LoadRules } from './check-loads.ts'
import { checkNames, Names } from './check-names.ts'
import { OrderRules } from './check-order.ts'
import { CURES, damaged, findingOf, type Finding } from './finding.ts'

const ROLLUP_EVERY = 1000

/** What is wrong with the lake, as it is found. `told` is counted up on the way. */
export function checkLake(store: ObjectStore, told: CheckProgress): AsyncGenerator<Finding> {
  return new LakeCheck(store, told).run()
}

class LakeCheck {
  readonly #store: ObjectStore
  readonly #told: CheckProgress
  readonly #reader: LogReader
  readonly #order = new OrderRules()
  readonly #loads = new LoadRules()
  readonly #named = new Names()
  readonly #entries: EntryCheck
  #kept: Kept = { first: 1, loads: 0, sweptLoads: 0 }
  #rollups: ReadonlySet<number> = new Set()
  #state: LogState | null = initialState
  /** First and last of the manifests that are missing or cannot be read. */
  readonly #lost: [number, number][] = []
  /** The last manifest that was looked at. */
  #n = 0

  constructor(store: ObjectStore, told: CheckProgress) {
    this.#store = store
    this.#told = told
    const shapes = new Shapes(store)
    this.#reader = new LogReader({ store, shapes, rollupEvery: ROLLUP_EVERY })
    this.#entries = new EntryCheck({ reader: this.#reader, shapes, loads: this.#loads, told })
  }

  async *run(): AsyncGenerator<Finding> {
    yield* this.#begin()
    yield* this.#walk()
    if (this.#state) {
      const file = manifestKey(this.#n)
      for (const message of this.#loads.leftOpen(this.#state)) yield damaged(file, message)
    }
    for (const { load, finding } of this.#entries.missingParts) {
      if (!this.#loads.isSwept(load, this.#kept.loads)) yield finding
    }
    yield* this.#names()
  }

  async *#begin(): AsyncGenerator<Finding> {
    try {
      this.#kept = await readKept(this.#store)
    } catch (error) {
      yield findingOf(error, '_millrace/kept.json', CURES.kept)
    }
    this.#rollups = new Set(await listRollups(this.#store))
    const before = this.#kept.first - 1
    this.#n = before
    if (before > 0) yield* this.#takeUp(before)
  }

  /** Goes on from a roll-up where there is no state that it could be compared with. */
  async *#takeUp(n: number): AsyncGenerator<Finding> {
    this.#state = null
    try {
      this.#state = (await readRollup(this.#store, n)).state
      this.#loads.begin(this.#state)
    } catch (error) {
      yield findingOf(error, rollupKey(n), CURES.manifest)
    }
  }

  async *#walk(): AsyncGenerator<Finding> {
    for await (const key of this.#store.list(MANIFESTS_FOLDER)) {
      const n = parseManifestKey(key)
      if (n === null) {
        const message = 'it is no manifest'
        yield { code: 'LAKE_FOREIGN', file: key, message, cure: CURES.foreign }
      } else if (n < this.#kept.first) {
        await this.#nameOnly(key)
      } else {
        if (n > this.#n + 1) yield this.#gap(n)
        this.#n = n
        this.#told.manifests++
        yield* this.#manifest(key)
      }
    }
  }

  #gap(next: number): Finding {
    const missing = this.#n + 1
    const last = next - 1
    this.#state = null
    this.#lost.push([missing, last])
    const message =
      missing === last
        ? `it is missing, and ${next} is there`
        : `it and all up to ${last} are missing, and ${next} is there`
    return { code: 'LAKE_DAMAGED', file: manifestKey(missing), message, cure: CURES.manifest }
  }

  /** What retention is about to remove; it may have been stopped on the way. */
  async #nameOnly(key: string): Promise<void> {
    const bytes = await this.#store.get(key)
    if (bytes === null) return
    try {
      for (const entry of decodeManifest(bytes, key).entries) this.#name(entry)
    } catch (error) {
      if (!hasCode(error, 'LAKE_DAMAGED')) throw error
    }
  }

  async *#manifest(key: string): AsyncGenerator<Finding> {
    const manifest = await this.#read(key)
    if ('code' in manifest) {
      this.#state = null
      this.#lost.push([this.#n, this.#n])
      yield manifest
    } else {
      for (const message of this.#order.look(manifest)) yield damaged(key, message)
      for (const entry of manifest.entries) {
        this.#name(entry)
        if (this.#state === null || !('load' in entry)) continue
        for (const message of this.#loads.look(entry, manifest)) yield damaged(key, message)
      }
      yield* await this.#entries.check(manifest.entries, { isStateKnown: this.#state !== null })
      this.#advance(manifest)
    }
    if (this.#rollups.has(this.#n)) yield* this.#rollup(this.#n)
  }

  async #read(key: string): Promise<Manifest | Finding> {
    try {
      const bytes = await this.#store.get(key)
      if (bytes === null) return damaged(key, 'it was removed meanwhile')
      return decodeManifest(bytes, key)
    } catch (error) {
      return findingOf(error, key, CURES.manifest)
    }
  }

  #name(entry: Entry): void {
    if ('path' in entry) this.#named.add(entry.path)
  }

  #advance(manifest: Manifest): void {
    const before = this.#state
    if (before === null) return
    this.#state = advance(before, manifest)
    this.#loads.after(before, this.#state)
  }

  async *#rollup(n: number): AsyncGenerator<Finding> {
    const state = this.#state
    if (state === null) {
      yield* this.#takeUp(n)
      return
    }
    const file = rollupKey(n)
    try {
      const found = await readRollup(this.#store, n)
      const isRight = isEqual(found, { state, shapes: this.#entries.definitions(state) })
      if (!isRight) yield damaged(file, 'it is not what follows from the manifests', CURES.rollup)
    } catch (error) {
      yield findingOf(error, file, CURES.rollup)
    }
  }

  async *#names(): AsyncGenerator<Finding> {
    const files = {
      named: this.#named,
      head: this.#n,
      isLost: (n: number) => this.#lost.some(([from, to]) => n >= from && n <= to),
      // A manifest that is lost may have begun any load.
      isKnownLoad: (load: string) => this.#lost.length > 0 || this.#loads.isKnown(load),
    }
    const unknown: (Finding & { readonly load: string })[] = []
    for await (const finding of checkNames(this.#store, files)) {
      if ('load' in finding) unknown.push(finding)
      else yield finding
    }
    const begun = unknown.length === 0 ? new Set<string>() : await this.#begunMeanwhile()
    for (const { load, ...finding } of unknown) if (!begun.has(load)) yield finding
  }

  async #begunMeanwhile(): Promise<ReadonlySet<string>> {
    const loads = new Set<string>()
    for await (const { entries } of this.#reader.manifests(this.#n + 1)) {
      for (const entry of entries) if (entry.type === 'load-begin') loads.add(entry.load)
    }
    return loads
  }
}

interface WholeState {
  readonly state: LogState
  readonly shapes: ReadonlyMap<string, Shape>
}

function isEqual(a: WholeState, b: WholeState): boolean {
  if ([...b.state.tables.values()].some(({ shape }) => !b.shapes.has(shape))) return true
  const [x, y] = [a, b].map(({ state, shapes }) => encodeJson(stateJson(state, shapes)))
  return x!.equals(y!)
}
