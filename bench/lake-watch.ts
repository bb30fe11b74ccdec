/** Follows a lake's manifests as they appear, from outside of the process that writes them. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Manifest } from '../src/core/manifest.ts'
import { manifestKey } from '../src/lake/layout.ts'
import { decodeManifest } from '../src/lake/log/manifest-json.ts'

const POLL_MS = 5

/**
 * Resolves to the first manifest for which `isIt` holds; it sees all, from the first on. `isRunning`
 * is asked before each look; it throws if the writer has failed.
 */
export async function awaitManifest(
  folder: string,
  isIt: (manifest: Manifest) => boolean,
  isRunning: () => boolean,
): Promise<Manifest> {
  for (let n = 1; ;) {
    const mayCome = isRunning()
    const manifest = await readManifest(folder, n)
    if (manifest === null) {
      if (!mayCome) throw new Error(`the lake ends with manifest ${n - 1}`)
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
