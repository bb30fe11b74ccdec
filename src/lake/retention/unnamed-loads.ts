/**
 * Removes what killed loads left behind: parts that no manifest names.
 *
 * The id of a load begins with the number that the log had reached when its beginning was queued, so
 * that the manifests with its entries are found without a search:
 *
 *   41-9f86d081884c7d65 ── load-begin in manifest 42 or 43, its parts behind it
 *
 * Only loads of generations that are over are looked at, after our own `open` manifest, which keeps
 * them from naming anything more; and of those only what is younger than the newest complete load,
 * for when that began its table was swept.
 */

import { CodedError } from '../../core/errors.ts'
import type { ObjectStore } from '../../core/object-store.ts'
import type { TableId } from '../../core/table.ts'
import { loadsFolder, parseLoadKey } from '../layout.ts'
import type { LogReader } from '../log/log-reader.ts'
import type { LoadState } from '../log/log-state.ts'

export interface LoadsScope {
  readonly table: TableId
  /** `null` if it has none. */
  readonly newest: Pick<LoadState, 'load' | 'beganAt'> | null
  /** Our own: lower ones are over. */
  readonly generation: number
}

/** The beginning is in the next manifest, or in the one after it if that was being written; and to spare. */
const BEGINS_WITHIN = 4
/** A load whose entries are spread wider keeps its files: to read on would take too long. */
const LONGEST_SEARCH = 2000

/** The id of a load that begins when manifest `n` is the last. */
export function loadId(n: number, random: string): string {
  return `${n}-${random}`
}

/** Resolves to how many files were removed. */
export async function sweepUnnamedLoads(
  { store, reader }: { readonly store: ObjectStore; readonly reader: Pick<LogReader, 'manifest'> },
  scope: LoadsScope,
): Promise<number> {
  let removed = 0
  const named = new Map<string, ReadonlySet<string> | null>()
  await store.tidy?.(loadsFolder(scope.table))
  for await (const key of store.list(loadsFolder(scope.table))) {
    const load = parseLoadKey(key)?.load
    if (load === undefined || !isOver(load, scope)) continue
    if (!named.has(load)) named.set(load, await namedParts(reader, load, scope))
    const parts = named.get(load)
    if (!parts || parts.has(key)) continue
    if (!(await isDeleted(store, key))) return removed
    removed++
  }
  return removed
}

function isOver(load: string, { newest, generation }: LoadsScope): boolean {
  const n = beganAfter(load)
  if (n === null || n >= generation) return false
  return newest === null || (n >= newest.beganAt && load !== newest.load)
}

function beganAfter(load: string): number | null {
  const [, n] = /^(\d{1,15})-/.exec(load) ?? []
  return n === undefined ? null : Number(n)
}

/** The parts of a load that are in the log; `null` if that cannot be told. */
async function namedParts(
  reader: Pick<LogReader, 'manifest'>,
  load: string,
  { generation }: LoadsScope,
): Promise<ReadonlySet<string> | null> {
  const paths = new Set<string>()
  const n = beganAfter(load)!
  let hasBegun = false
  for (let at = n + 1; at < generation; at++) {
    if (!hasBegun && at > n + BEGINS_WITHIN) return paths
    if (at > n + LONGEST_SEARCH) return null
    const manifest = await reader.manifest(at)
    if (manifest === null) return null
    for (const entry of manifest.entries) {
      if (!('load' in entry) || entry.load !== load) continue
      hasBegun = true
      if (entry.type === 'load-part') paths.add(entry.path)
      if (entry.type === 'load-end' || entry.type === 'load-cancel') return paths
    }
  }
  return paths
}

/** Who may not delete leaves them: nobody reads them who reads the log. */
async function isDeleted(store: ObjectStore, key: string): Promise<boolean> {
  try {
    await store.delete(key)
    return true
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    return false
  }
}
