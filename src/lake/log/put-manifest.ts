/**
 * The fence: a manifest is created only if its number is free.
 *
 * If it is taken by the very same bytes, it was our own retry, whose first answer got lost. Anything
 * else was written by another process, and we are no longer the one who writes to this lake.
 */

import { fail, hasCode } from '../../core/errors.ts'
import type { Manifest } from '../../core/manifest.ts'
import type { ObjectStore } from '../../core/object-store.ts'
import { manifestKey } from '../layout.ts'
import { encodeManifest } from './manifest-json.ts'

/** Resolves once the manifest is durable. Rejects with FENCED if another process was faster. */
export async function putManifest(store: ObjectStore, manifest: Manifest): Promise<void> {
  const { n, generation } = manifest
  const key = manifestKey(n)
  const bytes = encodeManifest(manifest)
  try {
    await store.put(key, bytes, { ifAbsent: true })
  } catch (error) {
    if (!hasCode(error, 'OBJECT_EXISTS')) throw error
    const there = await store.get(key)
    if (there?.equals(bytes)) return
    fail('FENCED', `manifest ${n} was written by another process`, { details: { n, generation } })
  }
}
