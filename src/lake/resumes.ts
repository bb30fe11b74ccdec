/**
 * Word from an operator that a suspended table may go on, for one consumer.
 *
 * It lies in the lake like a request for a load, so that it reaches a target whose file or database
 * only the running task can open, and also one that is started later. The consumer takes it away.
 */

import type { ObjectStore } from '../core/object-store.ts'
import type { TableId } from '../core/table.ts'
import { encodeJson } from './json-lsn.ts'
import { resumeKey } from './layout.ts'

export async function writeResume(
  store: ObjectStore,
  resume: { readonly consumer: string; readonly table: TableId; readonly at: string },
): Promise<void> {
  const { consumer, table, at } = resume
  await store.put(resumeKey(consumer, table), encodeJson({ table, consumer, at }))
}

/** What a consumer finds there. */
export class Resumes {
  readonly #store: ObjectStore

  constructor(store: ObjectStore) {
    this.#store = store
  }

  async isAsked(consumer: string, table: TableId): Promise<boolean> {
    return (await this.#store.get(resumeKey(consumer, table))) !== null
  }

  async remove(consumer: string, table: TableId): Promise<void> {
    await this.#store.delete(resumeKey(consumer, table))
  }
}
