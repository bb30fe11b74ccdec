/**
 * One connection that is made when it is needed, serves one caller after the other, and is made anew
 * when it was lost. So a server may be restarted at any time, and a target that is away costs nothing
 * until it is asked.
 */

import { Session, type SessionOptions } from './session.ts'

export class Lane {
  readonly #options: SessionOptions
  #session: Session | null = null
  /** Ends with the last use that was asked for. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: SessionOptions) {
    this.#options = options
  }

  use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const result = this.#last.then(() => this.#use(work))
    this.#last = result.catch(() => {})
    return result
  }

  /** Waits for the use that runs. */
  async close(): Promise<void> {
    await this.#last
    await this.#drop()
  }

  async #use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (this.#session?.isLost === true) await this.#drop()
    this.#session ??= await Session.open(this.#options)
    return work(this.#session)
  }

  async #drop(): Promise<void> {
    await this.#session?.close()
    this.#session = null
  }
}
