/**
 * Requests: a consumer asks capture to load a table for it.
 *
 * Only the consumer writes and deletes its requests. Capture reads them, and answers with a load
 * whose `since` is at or after the head that the consumer saw when it asked.
 */

import type { LoadRequest } from '../core/load-request.ts'
import type { ObjectStore } from '../core/object-store.ts'
import { encodeJson } from './json-lsn.ts'
import { JsonObject } from './json-object.ts'
import { parseRequestKey, requestKey, REQUESTS_FOLDER } from './layout.ts'

/** A later request for the same table takes the place of the earlier. */
export async function writeRequest(store: ObjectStore, request: LoadRequest): Promise<void> {
  const { table, consumer, after, at } = request
  await store.put(requestKey(consumer, table), encodeJson({ table, consumer, after, at }))
}

export async function listRequests(store: ObjectStore): Promise<LoadRequest[]> {
  const requests: LoadRequest[] = []
  for await (const key of store.list(REQUESTS_FOLDER)) {
    const names = parseRequestKey(key)
    const bytes = names && (await store.get(key))
    if (!names || !bytes) continue // not a request, or withdrawn meanwhile
    const json = JsonObject.parse(bytes, key)
    requests.push({ ...names, after: json.integer('after'), at: json.text('at') })
  }
  return requests
}

export async function deleteRequest(
  store: ObjectStore,
  { table, consumer }: Pick<LoadRequest, 'table' | 'consumer'>,
): Promise<void> {
  await store.delete(requestKey(consumer, table))
}
