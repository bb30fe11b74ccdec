/**
 * Finds out whether a store refuses to create what is there already: the fence of the lake.
 *
 * Servers that speak S3 do not all know `If-None-Match`. Some ignore it, and the second writer
 * overwrites the first; some look and write in two steps, and of two that come together both win.
 */

import { fail, hasCode } from '../../core/errors.ts'
import type { ObjectStore } from '../../core/object-store.ts'

const RACERS = 8
const PREFIX = '_millrace/probe/'

/** `id` is new each time. Rejects with LAKE_UNFENCED. */
export async function requireConditionalWrites(store: ObjectStore, id: string): Promise<void> {
  const key = PREFIX + id
  const racers = Array.from({ length: RACERS }, (_, i) => isCreator(store, key, i))
  const winners = (await Promise.all(racers)).filter(Boolean).length
  const isAgain = await isCreator(store, key, RACERS)
  // Who may not delete leaves a few bytes behind, which nobody reads.
  await store.delete(key).catch(() => {})
  if (winners > 1 || isAgain) {
    const message = isAgain
      ? 'overwrites what is there'
      : `let ${winners} of ${RACERS} create the same object`
    fail('LAKE_UNFENCED', `the server of ${store.url} ${message}`)
  }
}

async function isCreator(store: ObjectStore, key: string, racer: number): Promise<boolean> {
  try {
    await store.put(key, Buffer.from(`${racer}`), { ifAbsent: true })
    return true
  } catch (error) {
    if (hasCode(error, 'OBJECT_EXISTS')) return false
    throw error
  }
}
