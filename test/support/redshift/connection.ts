/**
 * A connection that is logged in: messages in, results out, one after the other.
 *
 * Of the extended protocol it knows what node's driver sends: an unnamed statement that is parsed,
 * bound, described as a portal and executed, all in a row. The description waits for the execution.
 */

import type { Duplex } from 'node:stream'

import { Disconnect } from './faults.ts'
import type { Result } from './result.ts'
import type { Session } from './session.ts'
import { refuse, SqlError, unknown } from './sql-error.ts'
import { Body, server, type WireReader } from './wire.ts'

export class Connection {
  readonly #stream: Duplex
  readonly #reader: WireReader
  readonly #session: Session
  #statement: string | null = null
  #values: (string | null)[] | null = null
  #isDescribed = false
  /** After an error of the extended protocol, all is left out up to the next Sync. */
  #isSkipping = false

  constructor(stream: Duplex, reader: WireReader, session: Session) {
    this.#stream = stream
    this.#reader = reader
    this.#session = session
  }

  /** Until either side ends it. */
  async serve(): Promise<void> {
    this.#ready()
    for (;;) {
      const message = await this.#reader.message()
      if (message === null || message.type === 'X') return
      try {
        await this.#handle(message.type, message.body)
      } catch (error) {
        if (error instanceof Disconnect) return
        this.#send(server.error(error))
        if (error instanceof SqlError && error.fields.severity === 'FATAL') return
        if (message.type === 'Q') this.#ready()
        else this.#isSkipping = true
      }
    }
  }

  async #handle(type: string, bytes: Buffer): Promise<void> {
    const body = new Body(bytes)
    if (type === 'S') {
      this.#isSkipping = false
      return this.#ready()
    }
    if (this.#isSkipping) return
    switch (type) {
      case 'Q':
        return this.#simple(body.text())
      case 'P':
        return this.#parse(body)
      case 'B':
        return this.#bind(body)
      case 'D':
        if (body.byte() !== 'P') unknown('the description of a statement before it is bound')
        this.#isDescribed = true
        return
      case 'E':
        return this.#execute()
      case 'C':
        return this.#send(server.closeComplete())
      case 'H':
        return
      default:
        unknown(`the message ${type}`)
    }
  }

  async #simple(sql: string): Promise<void> {
    let hasResult = false
    await this.#session.batch(sql, (result) => {
      hasResult = true
      if (result.fields !== null) this.#send(server.fields(result))
      this.#send(server.rows(result))
      this.#send(server.complete(result.tag))
    })
    if (!hasResult) this.#send(server.emptyQuery())
    this.#ready()
  }

  #parse(body: Body): void {
    if (body.text() !== '')
      refuse('wire.unnamed-only', 'named prepared statements are refused here')
    this.#statement = body.text()
    this.#send(server.parseComplete())
  }

  #bind(body: Body): void {
    body.text()
    body.text()
    const formats = Array.from({ length: body.int16() }, () => body.int16())
    if (formats.includes(1)) unknown('a parameter in binary')
    const count = body.int16()
    // Its sign bit is set.
    if (count < 0) refuse('wire.binds', 'a statement has at most 32767 bind parameters')
    this.#values = Array.from({ length: count }, () => {
      const length = body.int32()
      return length < 0 ? null : body.bytes(length).toString()
    })
    this.#send(server.bindComplete())
  }

  async #execute(): Promise<void> {
    const result: Result = await this.#session.bound(this.#statement ?? '', this.#values ?? [])
    if (this.#isDescribed) this.#send(result.fields ? server.fields(result) : server.noData())
    this.#isDescribed = false
    this.#send(server.rows(result))
    this.#send(result.tag === '' ? server.emptyQuery() : server.complete(result.tag))
  }

  #ready(): void {
    this.#isDescribed = false
    this.#send(server.ready(this.#session.status))
  }

  #send(bytes: Buffer): void {
    if (bytes.length > 0 && !this.#stream.destroyed) this.#stream.write(bytes)
  }
}
