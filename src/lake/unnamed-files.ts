/**
 * Removes what a crash left behind.
 *
 * A file of changes that no manifest names does not exist: its rows came again from the slot and
 * stand in another file. Who reads the folders without the manifests would see them twice, so the
 * next generation removes such files where it begins to write: from the log's last day on.
 * It does so only after its own `open` manifest, which fences the writers of earlier generations.
 */

import type { ObjectStore } from '../core/object-store.ts'
import type { TableId } from '../core/table.ts'
import { changesFolder, parseChangesKey } from './layout.ts'
import type { LogReader } from './log-reader.ts'

export interface SweepScope {
  readonly table: TableId
  /** The last day of the log before this run; `null` if the lake was empty. Later days are swept too. */
  readonly since: string | null
  /** Generations below this one are over. */
  readonly below: number
}

/** Resolves to how many files were removed. */
export async function sweepUnnamed(
  { store, reader }: { store: ObjectStore; reader: LogReader },
  { table, since, below }: SweepScope,
): Promise<number> {
  if (since === null) return 0
  let removed = 0
  for await (const key of store.list(changesFolder(table, null), changesFolder(table, since))) {
    const file = parseChangesKey(key)
    if (file === null || file.generation >= below) continue
    const manifest = await reader.manifest(file.n)
    // Our own open manifest comes after it, so it has been there. What it named may come back with it.
    if (manifest === null) continue
    const isNamed = manifest.entries.some((entry) => 'path' in entry && entry.path === key)
    if (isNamed) continue
    await store.delete(key)
    removed++
  }
  return removed
}
