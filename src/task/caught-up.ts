/**
 * Whether everything has what the source had at one LSN: what `run --until-caught-up` waits for.
 *
 * Pure. It follows the manifests as they are written: all tables are loaded, the log confirms at
 * least the LSN, and then each target must have taken the manifest that says so.
 */

import type { CaptureState, TaskEvent } from '../core/events.ts'
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
  /** The manifest with which the lake was there; `null` before. */
  #lakeAt: number | null = null

  /** From now on, this is what everything shall have. */
  want(wanted: Lsn): void {
    this.#wanted = wanted
    this.#lakeAt = null
  }

  apply(event: TaskEvent): void {
    if (event.type === 'capture-state') this.#enter(event.state)
    else if (event.type === 'load-began') this.#openLoads.add(event.table)
    else if (event.type === 'load-cancelled') this.#openLoads.delete(event.table)
    else if (event.type === 'manifest-written') this.#read(event.manifest)
    this.#lakeAt ??= this.#isLakeThere() ? this.#head : null
  }

  /** Whether the lake is there, and each target has taken the manifest that says so. */
  isReached(targets: readonly TargetPosition[]): boolean {
    this.#lakeAt ??= this.#isLakeThere() ? this.#head : null
    const at = this.#lakeAt
    if (at === null) return false
    return targets.every(({ n, stragglers }) => stragglers === 0 && (n ?? 0) >= at)
  }

  #isLakeThere(): boolean {
    const isLoaded = this.#loadsAreQueued && this.#openLoads.size === 0
    return this.#wanted !== null && isLoaded && this.#confirm >= this.#wanted
  }

  #enter(state: CaptureState): void {
    this.#loadsAreQueued = state === 'streaming'
    // A run begins every load again that the log does not have whole.
    if (state === 'starting') this.#openLoads.clear()
  }

  #read({ n, confirm, entries }: Manifest): void {
    this.#head = n
    this.#confirm = confirm
    for (const entry of entries) {
      if (entry.type === 'load-end') this.#openLoads.delete(entry.table)
    }
  }
}
