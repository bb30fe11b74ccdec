/**
 * What is known of one target: how far it is, how late, and which of its tables are elsewhere.
 *
 * The lag of a target is how long the oldest change that it lacks has been committed at the source.
 * A source that is idle has no such change, so its targets are never late. Changes of the last ten
 * seconds count with the lateness they had when they arrived; without that, lag would be zero
 * whenever nobody is looking. What has not reached the lake yet is the lag of capture.
 */

import type { TargetEvent } from '../core/events.ts'
import { errorView } from './error-view.ts'
import type { LogTail } from './log-tail.ts'
import { RecentPeak } from './recent.ts'
import type { ErrorView, StragglerView, TargetView } from './view.ts'

type Applied = Extract<TargetEvent, { type: 'applied' }>
type StragglerMoved = Extract<TargetEvent, { type: 'straggler' }>

export class TargetStatistics {
  readonly name: string
  readonly #type: string
  readonly #stragglers = new Map<string, StragglerView>()
  readonly #lateness = new RecentPeak()
  #state: TargetView['state'] = 'starting'
  #error: ErrorView | null = null
  #n: number | null = null
  #asOfMs = 0
  #rows = 0
  #changes = 0

  constructor(name: string, type: string) {
    this.name = name
    this.#type = type
  }

  apply(event: TargetEvent, tail: LogTail, now: number): void {
    switch (event.type) {
      case 'target-state':
        this.#state = event.state
        this.#error = event.error === null ? null : errorView(event.error)
        return
      case 'applied':
        this.#onApplied(event, tail, now)
        return
      case 'straggler':
        this.#onStraggler(event)
    }
  }

  straggler(table: string): StragglerView | undefined {
    return this.#stragglers.get(table)
  }

  /** Whether a target that is at work has everything of a load whose end is manifest `endedAt`. */
  hasLoaded(table: string, endedAt: number): boolean {
    if (this.#state === 'failed' || this.#state === 'stopped') return true
    const straggler = this.#stragglers.get(table)
    if (straggler !== undefined) return straggler.state === 'suspended'
    return this.#n !== null && this.#n >= endedAt
  }

  get needsAttention(): boolean {
    return this.#state === 'failed'
  }

  lagSeconds(tail: LogTail, now: number): number | null {
    if (this.#n === null) return null
    const oldest = tail.oldestAfter(this.#n)
    const since = oldest === 'none' ? now : oldest === 'unknown' ? this.#asOfMs : oldest
    return Math.max(0, now - since, this.#lateness.peak(now)) / 1000
  }

  view(tail: LogTail, now: number): TargetView {
    return {
      name: this.name,
      type: this.#type,
      state: this.#state,
      n: this.#n,
      behind: this.#n === null ? null : tail.countAfter(this.#n),
      lagSeconds: this.lagSeconds(tail, now),
      appliedRows: this.#rows,
      appliedChanges: this.#changes,
      stragglers: [...this.#stragglers.values()],
      error: this.#error,
    }
  }

  #onApplied(event: Applied, tail: LogTail, now: number): void {
    const oldest = this.#n === null ? 'unknown' : tail.oldestAfter(this.#n)
    if (typeof oldest === 'number' && event.n > this.#n!) this.#lateness.add(now, now - oldest)
    this.#n = event.n
    this.#asOfMs = event.asOfMs
    this.#rows += event.rows
    this.#changes += event.changes
  }

  #onStraggler({ table, state, rows, error }: StragglerMoved): void {
    if (state === 'joined') {
      this.#stragglers.delete(table)
      return
    }
    const view = { table, state, rows, error: error === null ? null : errorView(error) }
    this.#stragglers.set(table, view)
  }
}
