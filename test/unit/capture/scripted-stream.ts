/** A replication stream whose server is the test. */

import type { ReplicationStream } from '../../../src/capture/source.ts'
import type { Lsn } from '../../../src/core/lsn.ts'

export class ScriptedStream implements ReplicationStream {
  /** All that was confirmed, in order. */
  readonly confirmed: bigint[] = []
  /** How often we asked where the server is. */
  asked = 0
  readonly #blocks: (Buffer | null | Error)[] = []
  #waiting: ((block: Buffer | null | Error) => void) | null = null

  /** Sends messages as one block: each is the payload of a CopyData message. */
  send(...payloads: readonly Buffer[]): void {
    this.#push(blockOf(payloads))
  }

  /** The server ends the stream. */
  end(): void {
    this.#push(null)
  }

  break(error: Error): void {
    this.#push(error)
  }

  /** Whether somebody waits for a block. */
  get isWaitedFor(): boolean {
    return this.#waiting !== null
  }

  /** Blocks that nobody took yet. */
  get left(): number {
    return this.#blocks.length
  }

  async next(): Promise<Buffer | null> {
    const block =
      this.#blocks.length > 0
        ? this.#blocks.shift()!
        : await new Promise<Buffer | null | Error>((resolve) => {
            this.#waiting = resolve
          })
    if (block instanceof Error) throw block
    return block
  }

  confirm(lsn: Lsn): void {
    this.confirmed.push(lsn)
  }

  askForKeepalive(): void {
    this.asked++
  }

  #push(block: Buffer | null | Error): void {
    const waiting = this.#waiting
    this.#waiting = null
    if (waiting) waiting(block)
    else this.#blocks.push(block)
  }
}

/** CopyData messages one after the other, as a CopyStream yields them. */
export function blockOf(payloads: readonly Buffer[]): Buffer {
  return Buffer.concat(
    payloads.flatMap((payload) => {
      const head = Buffer.of(0x64, 0, 0, 0, 0)
      head.writeUInt32BE(payload.length + 4, 1)
      return [head, payload]
    }),
  )
}
