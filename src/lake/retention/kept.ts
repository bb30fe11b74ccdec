/**
 * `_millrace/kept.json`: what retention has let go of.
 *
 * It is written before the first file is removed. So whoever finds a file missing knows whether it
 * went in good order, and a sweep that is cut off anywhere leaves a lake that is whole for everybody:
 * what lies below counts as gone, whether or not it is still there. The numbers only grow.
 */

import type { ObjectStore } from '../../core/object-store.ts'
import { encodeJson } from '../json-lsn.ts'
import { JsonObject } from '../json-object.ts'
import { KEPT_KEY } from '../layout.ts'

export interface Kept {
  /** The first manifest that is kept, with the files that it names. */
  readonly first: number
  /** Loads that were cancelled, or followed by a newer one, at or below this manifest have no files. */
  readonly loads: number
  /** Up to here the files of such loads were removed; from here on a sweep that was cut off goes on. */
  readonly sweptLoads: number
}

const EVERYTHING: Kept = { first: 1, loads: 0, sweptLoads: 0 }

export async function readKept(store: ObjectStore): Promise<Kept> {
  const bytes = await store.get(KEPT_KEY)
  if (bytes === null) return EVERYTHING
  const json = JsonObject.parse(bytes, KEPT_KEY)
  return {
    first: json.integer('first', 1),
    loads: json.integer('loads'),
    sweptLoads: json.integer('sweptLoads'),
  }
}

/** Another sweep may have written meanwhile, of which nothing is taken back. */
export async function writeKept(store: ObjectStore, kept: Kept): Promise<void> {
  const there = await readKept(store)
  const first = Math.max(kept.first, there.first)
  const loads = Math.max(kept.loads, there.loads)
  const sweptLoads = Math.max(kept.sweptLoads, there.sweptLoads)
  await store.put(KEPT_KEY, encodeJson({ first, loads, sweptLoads }))
}
