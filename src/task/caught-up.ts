/**
 * Whether everything has what the source had at one LSN: what `run --until-caught-up` waits for.
 *
 * Pure. It follows the manifests as they are written: all tables are loaded, the log confirms at
 * least the LSN, and then each target must have taken the manifest that says so.
 */

import type { TaskEvent } from '../core/events.ts'
import { ZERO_LSN, type Lsn } from '../core/lsn.ts'
import type { Manifest } from '../core/manifest.ts'

/** How far one target is. */
export interface TargetPosition {
  readonly n: number | null
  readonly stragglers: number
  readonly suspended: number
}

export class CaughtUp {
  #wanted: Lsn | null = null
  readonly #openLoads = new Set<string>()
  #loadsAreQueued = false
  #confirm: Lsn = ZERO_LSN
  #head = 0

  /** From now on, this is what everything shall have. */
  want(wanted: Lsn): void {
    this.#wanted = wanted
  }

  apply(event: TaskEvent): void {
    if (event.type === 'capture-state') this.#loadsAreQueued = event.state === 'streaming'
    else if (event.type === 'load-began') this.#openLoads.add(event.table)
    else if (event.type === 'manifest-written') this.#read(event.manifest)
  }

  /** Whether the lake is there, and each target has taken the manifest that says so. */
  isReached(targets: readonly TargetPosition[]): boolean {
    const isLoaded = this.#loadsAreQueued && this.#openLoads.size === 0
    if (this.#wanted === null || !isLoaded || this.#confirm < this.#wanted) return false
    return targets.every(({ n, stragglers }) => stragglers === 0 && (n ?? 0) >= this.#head)
  }

  #read({ n, confirm, entries }: Manifest): void {
    this.#head = n
    this.#confirm = confirm
    for (const entry of entries) {
      if (entry.type === 'load-end') this.#openLoads.delete(entry.table)
    }
  }
}
