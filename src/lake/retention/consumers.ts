/**
 * Registrations: a consumer tells the lake what it still needs.
 *
 * A consumer's ledger lives with its data, where capture cannot see it. So it writes down here, every
 * now and then, a manifest that it has left behind for good, and retention removes nothing above. A
 * registration may be old, since a ledger only goes on; before a consumer goes back, it says so here.
 */

import type { ObjectStore } from '../../core/object-store.ts'
import { encodeJson } from '../json-lsn.ts'
import { JsonObject } from '../json-object.ts'
import { consumerKey, CONSUMERS_FOLDER, parseConsumerKey } from '../layout.ts'

export interface Registration {
  /** `task/target`. */
  readonly consumer: string
  /** It needs the log above this manifest. */
  readonly above: number
  /** UTC time, ISO 8601. */
  readonly at: string
}

export async function writeRegistration(store: ObjectStore, entry: Registration): Promise<void> {
  const { consumer, above, at } = entry
  await store.put(consumerKey(consumer), encodeJson({ consumer, above, at }))
}

export async function listRegistrations(store: ObjectStore): Promise<Registration[]> {
  const registrations: Registration[] = []
  for await (const key of store.list(CONSUMERS_FOLDER)) {
    const consumer = parseConsumerKey(key)
    const bytes = consumer === null ? null : await store.get(key)
    if (consumer === null || bytes === null) continue
    const json = JsonObject.parse(bytes, key)
    registrations.push({ consumer, above: json.integer('above'), at: json.text('at') })
  }
  return registrations
}

/** For a consumer that is gone for good: nothing is kept for it any more. */
export async function deleteRegistration(store: ObjectStore, consumer: string): Promise<void> {
  await store.delete(consumerKey(consumer))
}
