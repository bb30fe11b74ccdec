/**
 * Sweeps the lake every now and then, beside a task that runs.
 *
 * A sweep that fails changes nothing for the task: it is told, and tried again an hour later. The first
 * one comes a while after the start, when every consumer has said what it needs.
 */

import type { Clock } from '../../core/clock.ts'
import { CodedError } from '../../core/errors.ts'
import type { Emit } from '../../core/events.ts'
import type { ObjectStore } from '../../core/object-store.ts'
import type { LogReader } from '../log/log-reader.ts'
import { planSweep, sweep, type KeepRules } from './retention.ts'

export interface RetentionParts {
  readonly store: ObjectStore
  readonly reader: LogReader
  readonly rules: KeepRules
  /** The consumers of the task. */
  readonly consumers: readonly string[]
  readonly clock: Clock
  readonly emit: Emit
}

const FIRST_AFTER_MS = 600_000
const EVERY_MS = 3_600_000

export class Retention {
  readonly #parts: RetentionParts

  constructor(parts: RetentionParts) {
    this.#parts = parts
  }

  /** Runs as long as `work` does; `stop` ends the work where a bug ended us. */
  async beside<T>(work: () => Promise<T>, stop: () => void): Promise<T> {
    const over = new AbortController()
    const sweeping = this.run(over.signal)
    sweeping.catch(stop)
    try {
      return await work()
    } finally {
      over.abort()
      await sweeping
    }
  }

  /** Until the signal aborts. Where everything is kept for ever there is nothing to do. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, rules } = this.#parts
    if (rules.keepMs === null && rules.keepLoads === null) return
    await clock.sleep(FIRST_AFTER_MS, signal)
    while (!signal.aborted) {
      await this.#sweep(signal)
      await clock.sleep(EVERY_MS, signal)
    }
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { emit, clock, rules, consumers } = this.#parts
    try {
      const plan = await planSweep(this.#parts, { rules, consumers, now: clock.now() })
      const { manifests, files } = await sweep(this.#parts, plan, { signal })
      if (manifests + files === 0) return
      emit({ type: 'lake-swept', first: plan.after.first, manifests, files })
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof CodedError)) throw error
      emit({ type: 'sweep-failed', error })
    }
  }
}
