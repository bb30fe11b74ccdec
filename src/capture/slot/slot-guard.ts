/**
 * Watches the slot while the task runs, also while capture is away from it: that is when it is in
 * danger.
 *
 * Every ten seconds it looks, tells what threatens the slot, and keeps `source.walBudget`: a slot
 * that holds back more than it may is dropped if that was asked for, since a full disk would stop
 * the source itself.
 */

import type { Clock } from '../../core/clock.ts'
import { CodedError, fail, recoveryOf } from '../../core/errors.ts'
import type { CaptureWarning, Emit } from '../../core/events.ts'
import { formatBytes } from '../../core/quantity.ts'
import { judge, type SlotReading, type WalBudget } from './guard-rules.ts'

/** The slot, as one may look at it from outside. */
export interface SlotWatch {
  read(): Promise<SlotReading>
  /** Drops it, ending a stream of ours. Rejects with SLOT_IN_USE if somebody else reads it. */
  drop(): Promise<void>
  close(): void
}

export interface SlotGuardParts {
  readonly watch: SlotWatch
  readonly budget: WalBudget | null
  readonly clock: Clock
  readonly emit: Emit
}

const EVERY_MS = 10_000
/** Over this time the rate is measured: WAL comes in bursts, and a slot moves in steps. */
const WINDOW_MS = 60_000

export class SlotGuard {
  readonly #parts: SlotGuardParts
  readonly #readings: SlotReading[] = []
  #told: readonly CaptureWarning[] = []

  constructor(parts: SlotGuardParts) {
    this.#parts = parts
  }

  /** Resolves once the signal has aborted. Rejects with WAL_BUDGET_SPENT after it has dropped the slot. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, watch } = this.#parts
    // A server that has gone without a word must not keep us from stopping.
    const aborted = new Promise<null>((resolve) => {
      signal.addEventListener('abort', () => resolve(null), { once: true })
    })
    try {
      while (!signal.aborted) {
        await clock.sleep(EVERY_MS, signal)
        if (signal.aborted) return
        const reading = await Promise.race([this.#read(), aborted])
        if (reading !== null) await this.#judge(reading)
      }
    } finally {
      watch.close()
    }
  }

  async #read(): Promise<SlotReading | null> {
    try {
      return await this.#parts.watch.read()
    } catch (error) {
      // What is away comes again, and capture tells about it.
      if (recoveryOf(error) !== 'retry') this.#tell([blindness(error)])
      return null
    }
  }

  async #judge(now: SlotReading): Promise<void> {
    while (this.#readings[0] && this.#readings[0].atMs < now.atMs - WINDOW_MS) {
      this.#readings.shift()
    }
    const verdict = judge(this.#readings[0] ?? null, now, this.#parts.budget)
    this.#readings.push(now)
    this.#tell(verdict.warnings)
    if (verdict.mustDrop) await this.#drop(verdict.keptBytes)
  }

  async #drop(keptBytes: number): Promise<void> {
    try {
      await this.#parts.watch.drop()
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      const message = `source.walBudget is spent, but the slot cannot be dropped: ${error.message}`
      return this.#tell([...this.#told, { kind: 'not-dropped', message }])
    }
    const { bytes } = this.#parts.budget!
    fail(
      'WAL_BUDGET_SPENT',
      `the slot held back ${formatBytes(keptBytes)} of WAL, source.walBudget allows ${formatBytes(bytes)}, and so it was dropped`,
    )
  }

  #tell(warnings: readonly CaptureWarning[]): void {
    if (JSON.stringify(warnings) === JSON.stringify(this.#told)) return
    this.#told = warnings
    this.#parts.emit({ type: 'capture-warnings', warnings })
  }
}

function blindness(error: unknown): CaptureWarning {
  const reason = error instanceof Error ? error.message : String(error)
  return { kind: 'blind', message: `the slot cannot be watched: ${reason}` }
}
