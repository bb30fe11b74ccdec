/**
 * What capture remembers of excluded columns: `_millrace/exclusions.json`.
 *
 * It stands beside the log, not in it, because it must outlive a table's place there: a table that
 * left the log for a while, under a name that is not selected, may come back under another.
 */

import type { Exclusion, ExclusionStore } from '../core/exclusion.ts'
import type { ObjectStore } from '../core/object-store.ts'
import { encodeJson } from './json-lsn.ts'
import { JsonObject } from './json-object.ts'
import { EXCLUSIONS_KEY } from './layout.ts'

export class ExclusionsFile implements ExclusionStore {
  readonly #store: ObjectStore

  constructor(store: ObjectStore) {
    this.#store = store
  }

  async read(): Promise<readonly Exclusion[]> {
    const bytes = await this.#store.get(EXCLUSIONS_KEY)
    if (bytes === null) return []
    return JsonObject.parse(bytes, EXCLUSIONS_KEY).objects('exclusions').map(readExclusion)
  }

  async write(exclusions: readonly Exclusion[]): Promise<void> {
    await this.#store.put(EXCLUSIONS_KEY, encodeJson({ exclusions }))
  }
}

/** For a lake that goes on with another server: the numbers are of the former one. */
export async function forgetExclusions(store: ObjectStore): Promise<void> {
  await store.delete(EXCLUSIONS_KEY)
}

function readExclusion(json: JsonObject): Exclusion {
  const table = json.object('table')
  return {
    oid: json.integer('oid'),
    attnum: json.integer('attnum', 1),
    table: { namespace: table.text('namespace'), name: table.text('name') },
    column: json.text('column'),
  }
}
