/**
 * Tells the lake what this consumer still needs, so that retention leaves it alone.
 *
 * What is told may be old: a ledger goes on, and more is kept than is needed. It must never be too
 * high. A ledger goes back where a table begins to take a load, whose `since` lies before it; then the
 * lake is told first and the ledger changes after that. A lake that we may not write is only read.
 */

import type { Clock } from '../core/clock.ts'
import { hasCode, type ErrorCode } from '../core/errors.ts'
import type { Ledger } from '../core/ledger.ts'

export interface Registry {
  /** The consumer needs the log above a manifest. */
  write(consumer: string, above: number): Promise<void>
}

export interface RegistrationParts {
  readonly consumer: string
  readonly registry: Registry
  readonly clock: Clock
}

const CHANGED_AFTER_MS = 60_000
const SAME_AFTER_MS = 3_600_000
const FORGIVEN: readonly ErrorCode[] = ['LAKE_UNWRITABLE', 'DISK_FULL']

export class Registration {
  readonly #parts: RegistrationParts
  #told: { readonly above: number; readonly at: number } | null = null

  constructor(parts: RegistrationParts) {
    this.#parts = parts
  }

  /** Must be awaited before the ledger becomes this one. */
  async before(ledger: Ledger): Promise<void> {
    const above = neededAbove(ledger)
    if (this.#told === null || above < this.#told.above) await this.#tell(above)
  }

  /** Now and then, what the ledger needs now. */
  async keepUp(ledger: Ledger): Promise<void> {
    const above = neededAbove(ledger)
    const { clock } = this.#parts
    const age = this.#told === null ? Infinity : clock.now() - this.#told.at
    const isSame = this.#told?.above === above
    if (age >= (isSame ? SAME_AFTER_MS : CHANGED_AFTER_MS)) await this.#tell(above)
  }

  async #tell(above: number): Promise<void> {
    const { consumer, registry, clock } = this.#parts
    try {
      await registry.write(consumer, above)
    } catch (error) {
      if (!FORGIVEN.some((code) => hasCode(error, code))) throw error
    }
    this.#told = { above, at: clock.now() }
  }
}

/** The last manifest that the consumer and all its stragglers have left behind. */
export function neededAbove({ n, stragglers }: Ledger): number {
  let above = n
  for (const row of stragglers.values()) {
    above = Math.min(above, row.n ?? row.load?.since ?? n)
  }
  return above
}
