/** An ordered drain over a scripted log that writes files as DMS does into memory. */

import { gunzipSync } from 'node:zlib'

import { OrderedDrain } from '../../../../src/apply/ordered/drain.ts'
import { LedgerChain } from '../../../../src/apply/ordered/ledger-chain.ts'
import type { OrderedDrainOptions } from '../../../../src/apply/ordered/options.ts'
import { readDmsSettings } from '../../../../src/config/dms-settings.ts'
import { BlockPool } from '../../../../src/core/change-log.ts'
import type { TaskEvent } from '../../../../src/core/events.ts'
import type { ObjectStore } from '../../../../src/core/object-store.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import { DmsFiles } from '../../../../src/targets/dms-files/taker.ts'
import type { ScriptedLog } from '../scripted-log.ts'

export const CONSUMER = 'shop/files'

export interface FilesDeskOptions extends Partial<OrderedDrainOptions> {
  readonly settings?: string
  readonly store?: ObjectStore
  readonly now?: () => number
}

export class FilesDesk {
  readonly store: ObjectStore
  readonly drain: OrderedDrain
  readonly events: TaskEvent[] = []
  readonly pool = new BlockPool()

  constructor(log: ScriptedLog, options: FilesDeskOptions = {}) {
    const { settings: given = '', store = new MemoryStore(), now = () => 1e15, ...rest } = options
    const { settings, mistakes } = readDmsSettings(given)
    if (mistakes.length > 0) throw new Error(JSON.stringify(mistakes))
    this.store = store
    this.drain = new OrderedDrain({
      consumer: CONSUMER,
      taker: new DmsFiles({ name: 'files', store, settings }),
      ledger: new LedgerChain(store, { lakeId: 'lake', consumer: CONSUMER }),
      log,
      shapes: log,
      requests: log,
      registry: { write: () => Promise.resolve() },
      clock: { now, sleep: () => Promise.resolve() },
      pool: this.pool,
      limits: { intervalMs: settings.cdcMaxBatchIntervalMs, manifests: 1000 },
      emit: (event) => this.events.push(event),
      lookEveryMs: 1000,
      ...rest,
    })
  }

  files(): Promise<Record<string, string>> {
    return filesOf(this.store)
  }
}

/** The content of every file that is not our own, by its name. */
export async function filesOf(store: ObjectStore): Promise<Record<string, string>> {
  const files: Record<string, string> = {}
  for await (const key of store.list('')) {
    if (key.startsWith('_millrace/')) continue
    const bytes = (await store.get(key))!
    files[key] = (key.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  }
  return files
}
