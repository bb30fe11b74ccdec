/**
 * One connection that is made when it is needed, serves one caller after the other, and is made anew
 * when it was lost. So a server may be restarted at any time, and a target that is away costs nothing
 * until it is asked.
 */

interface Closable {
  /** The connection is gone, and with it whatever was not committed. */
  readonly isLost: boolean
  close(): Promise<void>
}

export class Lane<Session extends Closable> {
  readonly #open: () => Promise<Session>
  #session: Session | null = null
  /** Ends with the last use that was asked for. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(open: () => Promise<Session>) {
    this.#open = open
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
    this.#session ??= await this.#open()
    return work(this.#session)
  }

  async #drop(): Promise<void> {
    await this.#session?.close()
    this.#session = null
  }
}
