/**
 * Removes what a crash left behind.
 *
 * A file of changes that no manifest names does not exist: its rows came again from the slot and
 * stand in another file. Who reads the folders without the manifests would see them twice, so the
 * next generation removes such files where it begins to write: from the log's last day on.
 * It does so only after its own `open` manifest, which fences the writers of earlier generations.
 *
 * A generation writes files only when the manifest before theirs is durable. So what it wrote under its
 * highest number may lack a manifest, and what it wrote under lower ones does not: of the thousands of
 * manifests of a day only a few are read.
 */

import type { ObjectStore } from '../../core/object-store.ts'
import type { TableId } from '../../core/table.ts'
import { changesFolder, parseChangesKey } from '../layout.ts'
import type { LogReader } from '../log/log-reader.ts'

export interface SweepScope {
  readonly table: TableId
  /** The last day of the log before this run; `null` if the lake was empty. Later days are swept too. */
  readonly since: string | null
  /** Generations below this one are over. */
  readonly below: number
}

/** Resolves to how many files were removed. */
export async function sweepUnnamed(
  { store, reader }: { readonly store: ObjectStore; readonly reader: Pick<LogReader, 'manifest'> },
  { table, since, below }: SweepScope,
): Promise<number> {
  if (since === null) return 0
  let removed = 0
  const keys = store.list(changesFolder(table, null), changesFolder(table, since))
  for (const { n, files } of await lastFiles(keys, below)) {
    const manifest = await reader.manifest(n)
    // Our own open manifest comes after it, so it has been there. What it named may come back with it.
    if (manifest === null) continue
    const named = new Set(manifest.entries.flatMap((entry) => ('path' in entry ? entry.path : [])))
    for (const key of files.filter((file) => !named.has(file))) {
      await store.delete(key)
      removed++
    }
  }
  return removed
}

interface LastFiles {
  readonly n: number
  readonly files: string[]
}

/** Of each generation below, what it wrote under its highest number. */
async function lastFiles(keys: AsyncIterable<string>, below: number): Promise<Iterable<LastFiles>> {
  const last = new Map<number, LastFiles>()
  for await (const key of keys) {
    const file = parseChangesKey(key)
    if (file === null || file.generation >= below) continue
    const { n, generation } = file
    const known = last.get(generation)
    if (known === undefined || known.n < n) last.set(generation, { n, files: [key] })
    else if (known.n === n) known.files.push(key)
  }
  return last.values()
}
