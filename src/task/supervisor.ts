/**
 * Runs the parts of a task together: capture, and an applier for each target.
 *
 * Capture is the task: when it fails, the task fails. A target that fails stays behind, with its
 * error shown, while capture and the other targets go on; its place in the log waits for it.
 */

import type { CaptureState, Emit } from '../core/events.ts'
import type { Lsn } from '../core/lsn.ts'
import { CaughtUp, type TargetPosition } from './caught-up.ts'
import type { Statistics } from './statistics.ts'

export interface CapturePart {
  run(signal: AbortSignal): Promise<void>
  want(lsn: Lsn): void
}

export interface TargetPart {
  run(signal: AbortSignal): Promise<void>
  /** Look at the log now. */
  ring(): void
  position(): TargetPosition
  /** Somebody waits: hold nothing back. Left out where nothing is held back. */
  hurry?(): void
}

export interface SupervisorParts {
  readonly capture: CapturePart
  readonly targets: readonly TargetPart[]
  readonly statistics: Statistics
}

export class Supervisor {
  readonly #parts: SupervisorParts
  readonly #caughtUp = new CaughtUp()
  readonly #stop = new AbortController()
  #failedTargets = 0
  #isStarted = false
  #isEnding = false

  constructor(parts: SupervisorParts) {
    this.#parts = parts
  }

  /** Must hear every event of the task. */
  readonly hear: Emit = (event) => {
    if (event.type === 'capture-state') this.#started(event.state)
    if (event.type === 'manifest-written') for (const target of this.#parts.targets) target.ring()
    this.#caughtUp.apply(event)
    this.#endIfCaughtUp()
  }

  /** End once everything has what the source had at this LSN. */
  endAt(lsn: Lsn): void {
    this.#isEnding = true
    if (this.#failedTargets > 0) return this.stop()
    this.#caughtUp.want(lsn)
    this.#parts.capture.want(lsn)
    for (const target of this.#parts.targets) target.hurry?.()
    this.#endIfCaughtUp()
  }

  stop(): void {
    if (this.#stop.signal.aborted) return
    this.#parts.statistics.transition('stop')
    this.#stop.abort()
  }

  /**
   * Resolves once all parts have ended in good order; to false if a target failed on the way.
   * Rejects with the error that ended capture.
   */
  async run(signal: AbortSignal): Promise<boolean> {
    const { capture, targets, statistics } = this.#parts
    const stop = (): void => this.stop()
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    const draining = targets.map((target) => this.#drain(target))
    try {
      await capture.run(this.#stop.signal)
      await Promise.all(draining)
      statistics.transition('ended')
    } catch (error) {
      statistics.transition('failed', error)
      this.#stop.abort()
      await Promise.all(draining)
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
    }
    return this.#failedTargets === 0
  }

  /** The first stream of the run makes the task a running one, whether or not a load goes on beside it. */
  #started(state: CaptureState): void {
    if (this.#isStarted || (state !== 'loading' && state !== 'streaming')) return
    this.#isStarted = true
    this.#parts.statistics.transition('started')
  }

  /** What failed was told by the applier itself, as an event. */
  async #drain(target: TargetPart): Promise<void> {
    try {
      await target.run(this.#stop.signal)
    } catch {
      this.#failedTargets++
      if (this.#isEnding) this.stop() // it would wait for this target for ever
    }
  }

  #endIfCaughtUp(): void {
    const { targets } = this.#parts
    if (this.#caughtUp.isReached(targets.map((target) => target.position()))) this.stop()
  }
}
