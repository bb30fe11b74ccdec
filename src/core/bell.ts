/**
 * Wakes a loop that waits for work.
 *
 * A ring that comes while nobody waits is not lost: the next wait returns at once. Many rings before
 * a wait are one. A bell says "look again" and nothing else.
 */

export class Bell {
  #isRung = false
  #wake: (() => void) | null = null

  ring(): void {
    this.#isRung = true
    this.#wake?.()
  }

  /** Resolves at the next ring, or at once if there was one since the last wait. One waiter at a time. */
  async heard(): Promise<void> {
    if (!this.#isRung) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = null
    }
    this.#isRung = false
  }
}
