/** Capture with a guard beside it: what ends one ends the other. */

import type { Lsn } from '../../core/lsn.ts'

interface CapturePart {
  run(signal: AbortSignal): Promise<void>
  want(lsn: Lsn): void
}

interface GuardPart {
  run(signal: AbortSignal): Promise<void>
}

export class GuardedCapture implements CapturePart {
  readonly #capture: CapturePart
  readonly #guard: GuardPart

  constructor(capture: CapturePart, guard: GuardPart) {
    this.#capture = capture
    this.#guard = guard
  }

  want(lsn: Lsn): void {
    this.#capture.want(lsn)
  }

  /** Rejects with what ended the guard, if it was that, for what capture says then follows from it. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = new AbortController()
    const until = AbortSignal.any([signal, ended.signal])
    const guarding = this.#guard.run(until)
    guarding.catch(() => ended.abort())
    const capturing = this.#capture.run(until)
    await capturing.catch(() => {})
    ended.abort()
    await guarding
    return capturing
  }
}
