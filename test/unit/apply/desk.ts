/** An applier over a scripted log and a target of maps, with what a test wants to see of them. */

import { Applier } from '../../../src/apply/applier.ts'
import type { Limits } from '../../../src/apply/log.ts'
import type { ApplierOptions } from '../../../src/apply/parts.ts'
import { BlockPool } from '../../../src/core/change-log.ts'
import type { TaskEvent } from '../../../src/core/events.ts'
import type { Ledger } from '../../../src/core/ledger.ts'
import { tableName } from '../../../src/core/table.ts'
import type { Target, Work } from '../../../src/core/target.ts'
import { MemoryPlace, MemoryTarget, type PausePoint } from '../../support/memory-target.ts'
import { id, type ScriptedLog } from './scripted-log.ts'

export const CONSUMER = 'shop/memory'
export const LARGE: Limits = { rows: 1000, bytes: 1e6, manifests: 100 }

export interface DeskOptions extends Partial<ApplierOptions> {
  readonly place?: MemoryPlace
  readonly pause?: (point: PausePoint) => Promise<void>
}

export class Desk {
  readonly log: ScriptedLog
  readonly target: MemoryTarget
  readonly applier: Applier
  readonly pool = new BlockPool()
  readonly events: TaskEvent[] = []
  /** Step types of each commit that was asked for. */
  readonly commits: string[][] = []

  constructor(log: ScriptedLog, options: DeskOptions = {}) {
    const { place = new MemoryPlace(), pause, ...rest } = options
    this.log = log
    this.target = new MemoryTarget({ place, consumer: CONSUMER, ...(pause ? { pause } : {}) })
    this.applier = new Applier({
      consumer: CONSUMER,
      target: watched(this.target, this.commits),
      log,
      shapes: log,
      requests: log,
      clock: { now: () => 0, sleep: () => Promise.resolve() },
      pool: this.pool,
      limits: LARGE,
      emit: (event) => this.events.push(event),
      intervalMs: 1000,
      ...rest,
    })
  }

  ledger(): Promise<Ledger> {
    return this.target.ledger()
  }

  /** `id=v` of each row, in the order of the keys; `null` if there is no such table. */
  rows(name: string): string | null {
    const rows = this.target.rows(tableName(id(name)))
    return (
      rows &&
      [...rows.values()]
        .map((row) => row.join('='))
        .toSorted()
        .join(' ')
    )
  }

  /** `a:loading`: the tables that are elsewhere. */
  async stragglers(): Promise<string> {
    const { stragglers } = await this.ledger()
    return [...stragglers]
      .map(([table, { state }]) => `${tableName(table).name}:${state}`)
      .join(' ')
  }
}

function watched(target: MemoryTarget, commits: string[][]): Target {
  return {
    name: target.name,
    open: () => target.open(),
    ledger: () => target.ledger(),
    close: () => target.close(),
    commit: (work: Work) => {
      const types: string[] = []
      commits.push(types)
      async function* steps() {
        for await (const step of work.steps) {
          types.push(step.type)
          yield step
        }
      }
      return target.commit({ ...work, steps: steps() })
    },
  }
}
