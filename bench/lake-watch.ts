/** Follows a lake's manifests as they appear, from outside of the process that writes them. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Manifest } from '../src/core/manifest.ts'
import { manifestKey } from '../src/lake/layout.ts'
import { decodeManifest } from '../src/lake/manifest-json.ts'

const POLL_MS = 5

/**
 * Resolves to the first manifest, from number `from` on, for which `isIt` holds. `check` is called
 * between looks and throws if nothing can come any more.
 */
export async function awaitManifest(
  folder: string,
  isIt: (manifest: Manifest) => boolean,
  { from = 1, check }: { readonly from?: number; readonly check: () => void },
): Promise<Manifest> {
  for (let n = from; ; ) {
    const manifest = await readManifest(folder, n)
    if (manifest === null) {
      check()
      await sleep(POLL_MS)
    } else {
      if (isIt(manifest)) return manifest
      n++
    }
  }
}

/** `null` if it is not there yet. A manifest appears whole. */
export async function readManifest(folder: string, n: number): Promise<Manifest | null> {
  const key = manifestKey(n)
  try {
    return decodeManifest(await readFile(join(folder, 'lake', key)), key)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}
