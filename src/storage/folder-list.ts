/**
 * Lists the files below a folder as keys, in the byte order of the whole key.
 *
 * The order of folders is not the order of keys: the files of `a/` come after `a-b`, because `/` is
 * above `-`. So a folder takes its place among its neighbours with the `/` at its end. A folder is
 * read when its turn comes, and not at all if none of its keys can match.
 */

import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

import { errnoOf, fromReading } from './errno.ts'
import { compareKeys, DRAFT_PREFIX } from './keys.ts'

export async function* listFolder(
  root: string,
  prefix: string,
  after: string,
): AsyncGenerator<string> {
  const base = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if (canFollow(base, after)) yield* below(root, base, { prefix, after })
}

interface Filter {
  readonly prefix: string
  readonly after: string
}

/** `base` is empty or ends with `/`. */
async function* below(root: string, base: string, filter: Filter): AsyncGenerator<string> {
  const { prefix, after } = filter
  const keys: string[] = []
  for (const entry of await entriesOf(join(root, base))) {
    const name = base + entry.name
    // Most names of a long log fall out here, before anything else is done with them.
    if (!name.startsWith(prefix) || entry.name.startsWith(DRAFT_PREFIX)) continue
    const isFolder = entry.isSymbolicLink() ? await leadsToFolder(root, name) : entry.isDirectory()
    const key = isFolder ? `${name}/` : name
    if (canFollow(key, after)) keys.push(key)
  }
  for (const key of keys.toSorted(compareKeys)) {
    if (key.endsWith('/')) yield* below(root, key, filter)
    else yield key
  }
}

/** Whether the key, or one that begins with it if it is a folder, comes after `after`. */
function canFollow(key: string, after: string): boolean {
  return compareKeys(key, after) > 0 || (key.endsWith('/') && after.startsWith(key)) || key === ''
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true })
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return []
    throw fromReading(error, folder)
  }
}

async function leadsToFolder(root: string, name: string): Promise<boolean> {
  try {
    return (await stat(join(root, name))).isDirectory()
  } catch {
    return false
  }
}
