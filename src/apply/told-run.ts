/** A run of a target, told from its beginning to its end. */

import { CodedError } from '../core/errors.ts'
import type { Emit, TargetState } from '../core/events.ts'

export class ToldRun {
  readonly #target: string
  readonly #emit: Emit

  constructor(target: string, emit: Emit) {
    this.#target = target
    this.#emit = emit
  }

  tell(state: TargetState, cause: unknown = null): void {
    const error = cause instanceof CodedError ? cause : null
    this.#emit({ type: 'target-state', target: this.#target, state, error })
  }

  /** Does the work, which is woken once `signal` aborts. Rejects with what ended it. */
  async run(signal: AbortSignal, wake: () => void, work: () => Promise<void>): Promise<void> {
    signal.addEventListener('abort', wake)
    try {
      this.tell('starting')
      await work()
      this.tell('stopped')
    } catch (error) {
      this.tell('failed', error)
      throw error
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }
}
