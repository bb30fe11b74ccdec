/**
 * Stores of a configuration, by where they are: for the lake, and for targets that are files; and what
 * stands in the lake for capture alone.
 */

import { Exclusions } from './capture/stream/exclusions.ts'
import type { Config } from './config/config.ts'
import type { LakePlace } from './config/lake-place.ts'
import type { ObjectStore } from './core/object-store.ts'
import { ExclusionsFile } from './lake/exclusions-file.ts'
import { FolderStore } from './storage/folder-store.ts'
import { S3Store } from './storage/s3-store.ts'
import { requireConditionalWrites } from './storage/s3/conditional-writes.ts'
import { requireWritable } from './storage/writable-folder.ts'
import { systemClock } from './system-clock.ts'

export function openStore(place: LakePlace): ObjectStore {
  if (place.type === 'folder') return new FolderStore(place.folder)
  return new S3Store(place, { clock: systemClock, random: Math.random })
}

/** A file system always refuses to create what is there; not every server does. `id` is new each time. */
export async function requirePlace(
  place: LakePlace,
  store: ObjectStore,
  {
    id,
    unwritable,
  }: { readonly id: string; readonly unwritable: 'LAKE_UNWRITABLE' | 'FILE_UNWRITABLE' },
): Promise<void> {
  if (place.type === 'folder') await requireWritable(place.folder, unwritable)
  else if (!place.unfenced) await requireConditionalWrites(store, id)
}

/** What is excluded, and has been; nothing if no column is. */
export function exclusionsOf(
  { source: { columns } }: Config,
  { store }: { readonly store: ObjectStore },
): { readonly columns?: Exclusions } {
  return columns.length === 0 ? {} : { columns: new Exclusions(columns, new ExclusionsFile(store)) }
}
