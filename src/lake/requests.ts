/**
 * Requests: a consumer asks capture to load a table for it.
 *
 * Only the consumer writes and deletes its requests. Capture reads them, and answers with a load
 * whose `since` is at or after the head that the consumer saw when it asked.
 */

import type { LoadRequest } from '../core/load-request.ts'
import type { ObjectStore } from '../core/object-store.ts'
import type { TableId } from '../core/table.ts'
import { encodeJson } from './json-lsn.ts'
import { JsonObject } from './json-object.ts'
import { parseRequestKey, requestKey, REQUESTS_FOLDER } from './layout.ts'

/** A later request for the same table takes the place of the earlier. */
export async function writeRequest(store: ObjectStore, request: LoadRequest): Promise<void> {
  const { table, consumer, after, at } = request
  await store.put(requestKey(consumer, table), encodeJson({ table, consumer, after, at }))
}

/** The requests of consumers, as the consumers themselves see them. */
export class Requests {
  readonly #store: ObjectStore
  readonly #isoNow: () => string

  constructor(store: ObjectStore, isoNow: () => string) {
    this.#store = store
    this.#isoNow = isoNow
  }

  async read(consumer: string, table: TableId): Promise<LoadRequest | null> {
    const bytes = await this.#store.get(requestKey(consumer, table))
    return bytes && parse(bytes, requestKey(consumer, table), { consumer, table })
  }

  async write(consumer: string, table: TableId, after: number): Promise<void> {
    await writeRequest(this.#store, { consumer, table, after, at: this.#isoNow() })
  }

  async remove(consumer: string, table: TableId): Promise<void> {
    await this.#store.delete(requestKey(consumer, table))
  }
}

export async function listRequests(store: ObjectStore): Promise<LoadRequest[]> {
  const requests: LoadRequest[] = []
  for await (const key of store.list(REQUESTS_FOLDER)) {
    const names = parseRequestKey(key)
    const bytes = names && (await store.get(key))
    if (!names || !bytes) continue // not a request, or withdrawn meanwhile
    requests.push(parse(bytes, key, names))
  }
  return requests
}

function parse(
  bytes: Buffer,
  key: string,
  names: Pick<LoadRequest, 'consumer' | 'table'>,
): LoadRequest {
  const json = JsonObject.parse(bytes, key)
  return { ...names, after: json.integer('after'), at: json.text('at') }
}
