/**
 * Removes, once per table and generation, what earlier generations wrote and no manifest names.
 *
 * It is there only after our own `open` manifest, since that is what keeps others from naming more.
 */

import type { ObjectStore } from '../../core/object-store.ts'
import type { TableId } from '../../core/table.ts'
import type { LogReader } from '../log/log-reader.ts'
import type { LoadState } from '../log/log-state.ts'
import { sweepUnnamed } from './unnamed-files.ts'
import { sweepUnnamedLoads } from './unnamed-loads.ts'

export interface SweeperParts {
  readonly store: ObjectStore
  readonly reader: LogReader
  /** The last day of the log before this run; `null` if it was empty. */
  readonly since: string | null
  /** Our own. */
  readonly generation: number
}

export class Sweeper {
  readonly #parts: SweeperParts
  readonly #changes = new Set<TableId>()
  readonly #loads = new Set<TableId>()

  constructor(parts: SweeperParts) {
    this.#parts = parts
  }

  async changes(table: TableId): Promise<void> {
    if (this.#changes.has(table)) return
    this.#changes.add(table)
    const { since, generation: below } = this.#parts
    await sweepUnnamed(this.#parts, { table, since, below })
  }

  async loads(table: TableId, newest: LoadState | null): Promise<void> {
    if (this.#loads.has(table)) return
    this.#loads.add(table)
    const { generation } = this.#parts
    await sweepUnnamedLoads(this.#parts, { table, newest, generation })
  }
}
