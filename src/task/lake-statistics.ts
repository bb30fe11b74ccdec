/** What the lake holds, in totals. */

import type { Entry } from '../core/manifest.ts'
import type { RequestCosts } from './request-costs.ts'
import type { LakeView } from './view.ts'

export class LakeStatistics {
  readonly #url: string
  readonly #costs: RequestCosts | null
  #rows = 0
  #bytes = 0
  #files = 0
  #lastManifestAt: number | null = null

  constructor(url: string, costs: RequestCosts | null) {
    this.#url = url
    this.#costs = costs
  }

  get lastManifestAt(): number | null {
    return this.#lastManifestAt
  }

  seed(lake: Pick<LakeView, 'rows' | 'bytes' | 'files' | 'lastManifestAt'>): void {
    this.#rows = lake.rows
    this.#bytes = lake.bytes
    this.#files = lake.files
    this.#lastManifestAt = lake.lastManifestAt
  }

  /** Returns the rows and bytes of changes among the entries; those of loads are told by their own events. */
  add(entries: readonly Entry[], closedAtMs: number): { rows: number; bytes: number } {
    const changes = { rows: 0, bytes: 0 }
    this.#lastManifestAt = closedAtMs
    for (const entry of entries) {
      if (entry.type !== 'changes' && entry.type !== 'load-part') continue
      const rows =
        entry.type === 'changes' ? entry.rows.i + entry.rows.u + entry.rows.d : entry.rows
      this.#files += 1
      this.#rows += rows
      this.#bytes += entry.bytes
      if (entry.type !== 'changes') continue
      changes.rows += rows
      changes.bytes += entry.bytes
    }
    return changes
  }

  /** Called once a second. */
  tick(now: number): void {
    this.#costs?.tick(now)
  }

  view(head: number): LakeView {
    return {
      url: this.#url,
      head,
      rows: this.#rows,
      bytes: this.#bytes,
      files: this.#files,
      lastManifestAt: this.#lastManifestAt,
      ...(this.#costs && { requests: this.#costs.view() }),
    }
  }
}
