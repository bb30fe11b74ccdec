/**
 * The claim of a task on its lake: planned when everything is checked, made when all of it is well.
 *
 * The id of a new lake is chosen with the plan, since the ledgers of targets are opened for it.
 */

import { fail } from '../core/errors.ts'
import type { ObjectStore } from '../core/object-store.ts'
import { createOrCheck, planOrCheck, type LakeInfo, type LakeSource } from './lake-info.ts'
import type { LogReader } from './log/log-reader.ts'

interface ClaimedLake {
  readonly store: ObjectStore
  readonly reader: Pick<LogReader, 'recover'>
}

export class LakeClaim {
  readonly #lake: ClaimedLake
  /** The lake that is there, or will be. */
  readonly info: LakeInfo

  private constructor(lake: ClaimedLake, info: LakeInfo) {
    this.#lake = lake
    this.info = info
  }

  /** Rejects if the place is another's; nothing is written. */
  static async plan(lake: ClaimedLake, wanted: Omit<LakeInfo, 'version'>): Promise<LakeClaim> {
    return new LakeClaim(lake, await planOrCheck(lake.store, wanted, sourceNow(lake)))
  }

  /** Makes the lake, or makes sure that it still is the one that was planned, and of this source. */
  async make({ systemId, database }: LakeSource): Promise<void> {
    const { store } = this.#lake
    const wanted = { ...this.info, source: { systemId, database } }
    const { id } = await createOrCheck(store, wanted, sourceNow(this.#lake))
    if (id === this.info.id) return
    fail('LAKE_FOREIGN', `another process has just made the lake at ${store.url}`, {
      hint: 'start again if that process is gone',
    })
  }
}

function sourceNow({ reader }: ClaimedLake): () => Promise<LakeSource | null> {
  return async () => (await reader.recover()).run
}
