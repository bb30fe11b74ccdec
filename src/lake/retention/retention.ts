/**
 * What may be removed from a lake, and its removal.
 *
 *   keep      ── older than that ──┐
 *   consumers ── left behind ──────┤
 *   loads     ── newest, open ─────┼──► the lowest of them ──► down to a roll-up ──► first
 *   an hour   ── always ───────────┘
 *
 * The log is cut at a roll-up, so that the state at every manifest that is left can be made. What goes
 * is written down before anything is touched (`kept.json`); then data files go, then their manifest,
 * the oldest first. Stopped anywhere, the next sweep goes on where it was.
 */

import type { ObjectStore } from '../../core/object-store.ts'
import { deadLoads, type DeadLoad } from '../check/dead-loads.ts'
import { lastClosedBy } from '../history/moment.ts'
import {
  loadFolder,
  manifestKey,
  MANIFESTS_FOLDER,
  parseManifestKey,
  rollupKey,
} from '../layout.ts'
import { allOf } from '../log/at-once.ts'
import type { LogReader } from '../log/log-reader.ts'
import { advance, type LogState } from '../log/log-state.ts'
import { decodeManifest } from '../log/manifest-json.ts'
import { listRollups, readRollup } from '../log/rollups.ts'
import { listRegistrations } from './consumers.ts'
import { readKept, writeKept, type Kept } from './kept.ts'

/** `null`: for ever. */
export interface KeepRules {
  readonly keepMs: number | null
  /** Of loads that a newer one has followed: until every consumer has it, or as long as this. */
  readonly keepLoads: 'until-taken' | number | null
}

export interface SweepOptions {
  readonly rules: KeepRules
  /** Milliseconds since 1970. */
  readonly now: number
  /** Consumers without which nothing is removed: one that has not said yet what it needs. */
  readonly consumers: readonly string[]
}

/** Who needs the log above a manifest. */
export interface Holder {
  readonly who: string
  readonly above: number
}

export interface SweepPlan {
  readonly before: Kept
  readonly after: Kept
  /** Who needs most comes first. */
  readonly holders: readonly Holder[]
}

export interface Swept {
  manifests: number
  files: number
}

interface Lake {
  readonly store: ObjectStore
  readonly reader: LogReader
}

const HOUR_MS = 3_600_000
const FILES_AT_ONCE = 4

/** Rejects with LAKE_DAMAGED or OBJECT_MISSING if the log is not whole: then nothing is removed. */
export async function planSweep(
  { store, reader }: Lake,
  { rules, now, consumers }: SweepOptions,
): Promise<SweepPlan> {
  const before = await readKept(store)
  const head = await reader.recover()
  const stretch = { first: await reader.first(), head: head.n }
  const hour = await lastClosedBy(reader, stretch, now - HOUR_MS)
  if (hour < stretch.first) return { before, after: before, holders: [] }
  const agedBy = async (ms: number): Promise<number> =>
    Math.min(hour, await lastClosedBy(reader, stretch, now - ms))
  const readers = await consumersOf(store, consumers)
  const states = hour === head.n ? [head] : [head, await reader.stateAt(hour)]
  const holders = [...readers, ...states.flatMap(loadsOf)].toSorted((a, b) => a.above - b.above)
  const { keepMs, keepLoads } = rules
  const low = keepMs === null ? 0 : Math.min(await agedBy(keepMs), lowest(holders))
  const loads =
    keepLoads === null
      ? 0
      : Math.min(keepLoads === 'until-taken' ? hour : await agedBy(keepLoads), lowest(readers))
  const first = Math.max(before.first, (await cutAt(store, low)) + 1)
  const after = { ...before, first, loads: Math.max(before.loads, loads) }
  return { before, after, holders }
}

/** Resolves to what was removed; with `isDry`, to what would be. */
export async function sweep(
  lake: Lake,
  { before, after }: SweepPlan,
  { isDry = false, signal }: { readonly isDry?: boolean; readonly signal?: AbortSignal } = {},
): Promise<Swept> {
  const remover = new Remover(lake, isDry, signal)
  const isMore = after.first > before.first || after.loads > before.loads
  if (isMore && !isDry) await writeKept(lake.store, after)
  if (after.loads > after.sweptLoads) {
    await remover.deadLoads(after.sweptLoads, after.loads)
    if (!isDry) await writeKept(lake.store, { ...after, sweptLoads: after.loads })
  }
  await remover.manifests(after.first)
  await remover.rollups(after.first - 1)
  return remover.swept
}

async function consumersOf(
  store: ObjectStore,
  consumers: readonly string[],
): Promise<readonly Holder[]> {
  const registered = await listRegistrations(store)
  const holders: Holder[] = registered.map(({ consumer, above }) => ({ who: consumer, above }))
  for (const who of consumers) {
    if (!registered.some(({ consumer }) => consumer === who)) holders.push({ who, above: 0 })
  }
  return holders
}

/** A table is made again from its newest load, and what has begun is about to be the newest. */
function loadsOf({ tables }: LogState): Holder[] {
  const holders: Holder[] = []
  for (const [table, { newestLoad, openLoads }] of tables) {
    if (newestLoad) holders.push({ who: `the newest load of ${table}`, above: newestLoad.since })
    for (const { since } of openLoads) holders.push({ who: `a load of ${table}`, above: since })
  }
  return holders
}

function lowest(holders: readonly Holder[]): number {
  let low = Number.MAX_SAFE_INTEGER
  for (const { above } of holders) low = Math.min(low, above)
  return low
}

/** The newest roll-up at or below a manifest, which must be a good one; 0 if there is none. */
async function cutAt(store: ObjectStore, low: number): Promise<number> {
  const rollup = (await listRollups(store)).findLast((n) => n <= low)
  if (rollup === undefined) return 0
  await readRollup(store, rollup)
  return rollup
}

class Remover {
  readonly swept: Swept = { manifests: 0, files: 0 }
  readonly #lake: Lake
  readonly #isDry: boolean
  readonly #signal: AbortSignal | undefined

  constructor(lake: Lake, isDry: boolean, signal: AbortSignal | undefined) {
    this.#lake = lake
    this.#isDry = isDry
    this.#signal = signal
  }

  /** The files of loads that died after manifest `from`, up to manifest `to`. */
  async deadLoads(from: number, to: number): Promise<void> {
    const { reader } = this.#lake
    const first = await this.#firstState(from)
    let state = await reader.stateAt(first)
    for await (const manifest of reader.manifests(first + 1, to)) {
      const before = state
      state = advance(before, manifest)
      for (const load of deadLoads(before, state)) await this.#load(load)
    }
  }

  /** Where the walk can begin: a manifest that is gone took the loads that it had ended with it. */
  async #firstState(from: number): Promise<number> {
    return Math.max(from, (await this.#lake.reader.first()) - 1)
  }

  async #load({ table, load }: DeadLoad): Promise<void> {
    const files: string[] = []
    for await (const key of this.#lake.store.list(loadFolder(table, load))) files.push(key)
    await this.#files(files)
  }

  /** All manifests below `first`, each after its files. */
  async manifests(first: number): Promise<void> {
    const { store } = this.#lake
    for await (const key of store.list(MANIFESTS_FOLDER)) {
      const n = parseManifestKey(key)
      if (n === null) continue
      if (n >= first) return
      const bytes = await store.get(key)
      if (bytes === null) continue
      const { entries } = decodeManifest(bytes, key)
      await this.#files(entries.flatMap((entry) => ('path' in entry ? [entry.path] : [])))
      await this.#delete(manifestKey(n))
      this.swept.manifests++
    }
  }

  /** The roll-ups below the one that the log is cut at. */
  async rollups(cut: number): Promise<void> {
    for (const n of await listRollups(this.#lake.store)) {
      if (n < cut) await this.#delete(rollupKey(n))
    }
  }

  async #files(files: readonly string[]): Promise<void> {
    const tasks = files.map((file) => () => this.#delete(file))
    await allOf(tasks, this.#lake.store.parallel ?? FILES_AT_ONCE)
    this.swept.files += files.length
  }

  async #delete(key: string): Promise<void> {
    this.#signal?.throwIfAborted()
    if (!this.#isDry) await this.#lake.store.delete(key)
  }
}
