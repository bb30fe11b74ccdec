/** Our requests for loads, as files of the lake. */

import type { Clock } from '../core/clock.ts'
import type { ObjectStore } from '../core/object-store.ts'
import type { TableId } from '../core/table.ts'
import { JsonObject } from '../lake/json-object.ts'
import { requestKey } from '../lake/layout.ts'
import { deleteRequest, writeRequest } from '../lake/requests.ts'
import type { LoadRequests } from './log.ts'

export class StoredRequests implements LoadRequests {
  readonly #store: ObjectStore
  readonly #clock: Clock

  constructor(store: ObjectStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  async read(consumer: string, table: TableId): Promise<{ readonly after: number } | null> {
    const key = requestKey(consumer, table)
    const bytes = await this.#store.get(key)
    return bytes === null ? null : { after: JsonObject.parse(bytes, key).integer('after') }
  }

  async write(consumer: string, table: TableId, after: number): Promise<void> {
    const at = new Date(this.#clock.now()).toISOString()
    await writeRequest(this.#store, { consumer, table, after, at })
  }

  async remove(consumer: string, table: TableId): Promise<void> {
    await deleteRequest(this.#store, { consumer, table })
  }
}
