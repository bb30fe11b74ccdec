/** What is known of capture: its state, how late its changes are, and what threatens them. */

import type { CaptureEvent } from '../core/events.ts'
import { errorView } from './error-view.ts'
import { RecentPeak } from './recent.ts'
import type { CaptureView } from './view.ts'

/** A commit time ahead of our clock is told until a minute has passed without another. */
const AHEAD_SHOWN_MS = 60_000

export class CaptureStatistics {
  readonly #lateness = new RecentPeak()
  #view: Omit<CaptureView, 'lagSeconds'> = {
    state: 'starting',
    error: null,
    lagBytes: null,
    flushSeconds: null,
    warnings: [],
  }
  /** The last commit time that lay far ahead of our clock. */
  #ahead: { readonly at: number; readonly seconds: number } | null = null

  get state(): CaptureView['state'] {
    return this.#view.state
  }

  apply(event: CaptureEvent, now: number): void {
    switch (event.type) {
      case 'capture-state': {
        const error = event.error === null ? null : errorView(event.error)
        this.#view = { ...this.#view, state: event.state, error }
        return
      }
      case 'source-lag': {
        const lagBytes = Math.max(0, Number(event.serverLsn - event.confirmedLsn))
        this.#view = { ...this.#view, lagBytes }
        return
      }
      case 'capture-warnings': {
        const warnings = event.warnings.map(({ message }) => message)
        this.#view = { ...this.#view, warnings }
        return
      }
      case 'clock-ahead':
        this.#ahead = { at: now, seconds: Math.round(event.ms / 1000) }
        return
      case 'manifest-written':
        this.#view = { ...this.#view, flushSeconds: event.seconds }
        this.#lateness.add(now, event.latencyMs ?? 0)
        return
      case 'values-unfit': // is of a table
      case 'look-failed': // these are in the log, and change nothing that runs
      case 'lake-swept':
      case 'sweep-failed':
      case 'ddl-ambiguous':
      case 'table-dropped':
      case 'tables-refused':
    }
  }

  view(now: number, lastManifestAt: number | null): CaptureView {
    const warnings = [...this.#view.warnings, ...this.#clockWarnings(now)]
    return { ...this.#view, warnings, lagSeconds: this.lagSeconds(now, lastManifestAt) }
  }

  lagSeconds(now: number, lastManifestAt: number | null): number | null {
    if (lastManifestAt === null) return null
    const away = this.#view.state === 'retrying' ? now - lastManifestAt : 0
    return Math.max(away, this.#lateness.peak(now), 0) / 1000
  }

  #clockWarnings(now: number): string[] {
    if (this.#ahead === null || now - this.#ahead.at > AHEAD_SHOWN_MS) return []
    const { seconds } = this.#ahead
    return [`commit times of the source lie ${seconds} s ahead of the clock of this machine`]
  }
}
