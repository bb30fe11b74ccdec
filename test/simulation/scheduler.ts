/**
 * Decides what happens next. Nothing in a history goes on by itself.
 *
 * Whatever the real code waits for, an answer of the store, a block of the stream, a commit, a timer,
 * is an operation that lies here until it is fired. Between two of them all promises run dry, so a
 * history is the list of its choices. A `Life` is that of one process: when it ends, what it waits
 * for never comes.
 */

import type { Clock } from '../../src/core/clock.ts'
import type { Random } from './random.ts'

export interface Operation {
  /** Whose it is; `null` for what lives on in the network. */
  readonly life: Life | null
  readonly name: string
  fire(): void
  /** It would change nothing now, and could be fired for ever. */
  isIdle?(): boolean
}

interface Timer extends Operation {
  readonly due: number
}

export class Life {
  readonly name: string
  isAlive = true
  readonly #scheduler: Scheduler
  readonly #atDeath: (() => void)[] = []
  /** Its clock may be wrong. */
  skewMs = 0
  /** It is held up, as by a machine that is moved, until so many steps of the history are done. */
  heldUntil = 0

  constructor(name: string, scheduler: Scheduler) {
    this.name = name
    this.#scheduler = scheduler
  }

  /** Waits until the scheduler says so, then does `effect` and goes on with what it returns or throws. */
  gate<T>(name: string, effect: () => T, isIdle?: () => boolean): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.isAlive) return
      const fire = (): void => {
        try {
          resolve(effect())
        } catch (error) {
          reject(error)
        }
      }
      this.#scheduler.add({ life: this, name, fire, ...(isIdle ? { isIdle } : {}) })
    })
  }

  onDeath(what: () => void): void {
    this.#atDeath.push(what)
  }

  end(): void {
    if (!this.isAlive) return
    this.isAlive = false
    this.#scheduler.forget(this)
    for (const what of this.#atDeath) what()
  }

  /** `isDeaf`: timers of the process never fire. */
  clock({ isDeaf = false } = {}): Clock {
    return {
      now: () => this.#scheduler.now + this.skewMs,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (!this.isAlive) return
          if (signal?.aborted) return resolve()
          const due = (): void => {
            signal?.removeEventListener('abort', wake)
            resolve()
          }
          const timer = isDeaf ? null : this.#scheduler.sleep(this, ms, due)
          const wake = (): void => {
            if (timer !== null) this.#scheduler.cancel(timer)
            if (this.isAlive) resolve()
          }
          signal?.addEventListener('abort', wake, { once: true })
        }),
    }
  }
}

export class Scheduler {
  now: number
  readonly #random: Random
  #ready: Operation[] = []
  #timers: Timer[] = []
  steps = 0
  /** FNV-1a over the names of all that was fired: two equal histories have equal ones. */
  hash = 0x811c9dc5
  readonly trace: ((line: string) => void) | null

  constructor(random: Random, now: number, trace: ((line: string) => void) | null) {
    this.#random = random
    this.now = now
    this.trace = trace
  }

  add(operation: Operation): void {
    this.#ready.push(operation)
  }

  sleep(life: Life, ms: number, fire: () => void): Timer {
    const timer = { life, name: `slept ${ms} ms`, due: this.now + ms, fire }
    this.#timers.push(timer)
    return timer
  }

  cancel(timer: Timer): void {
    const at = this.#timers.indexOf(timer)
    if (at >= 0) this.#timers.splice(at, 1)
  }

  forget(life: Life): void {
    this.#ready = this.#ready.filter((operation) => operation.life !== life)
    this.#timers = this.#timers.filter((timer) => timer.life !== life)
  }

  /** Whether anything is under way that belongs to nobody. */
  get hasOrphans(): boolean {
    return this.#ready.some(({ life }) => life === null)
  }

  /** Fires one operation, if there is any, and lets everything run until it waits again. */
  async step(): Promise<void> {
    this.steps++
    const operation = this.#choose()
    if (operation === null) return
    this.note(`${operation.life?.name ?? 'net'}: ${operation.name}`)
    operation.fire()
    await this.settle()
  }

  /** All promises that can go on have gone on once a turn of the event loop is over. */
  settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }

  note(line: string): void {
    let { hash } = this
    for (let i = 0; i < line.length; i++) hash = Math.imul(hash ^ line.charCodeAt(i), 16_777_619)
    this.hash = hash
    this.trace?.(`${this.now} ${line}`)
  }

  #choose(): Operation | null {
    if (this.#timers.length > 0 && this.#random.chance(0.06)) return this.#nextTimer()
    for (let tries = 0; tries < 4 && this.#ready.length > 0; tries++) {
      const at = this.#random.below(this.#ready.length)
      const operation = this.#ready[at]!
      if (this.#isHeld(operation)) continue
      if (operation.isIdle?.() && this.#random.chance(0.8)) continue
      this.#ready[at] = this.#ready.at(-1)!
      this.#ready.pop()
      return operation
    }
    return this.#nextTimer()
  }

  /** Any of the next few: a process may be held up for longer than another. */
  #nextTimer(): Operation | null {
    if (this.#timers.length === 0) return null
    let best = this.#random.below(this.#timers.length)
    for (let i = 0; i < this.#timers.length; i++) {
      if (this.#timers[i]!.due < this.#timers[best]!.due && this.#random.chance(0.7)) best = i
    }
    const timer = this.#timers[best]!
    if (this.#isHeld(timer)) return null
    this.#timers.splice(best, 1)
    this.now = Math.max(this.now, timer.due)
    return timer
  }

  #isHeld({ life }: Operation): boolean {
    return life !== null && life.heldUntil > this.steps
  }
}
