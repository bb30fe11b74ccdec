/**
 * Messages of PostgreSQL's protocol 3.0, from the server's side.
 *
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

import type { Duplex } from 'node:stream'

import { longName } from './long-names.ts'
import type { Result } from './result.ts'
import { SqlError } from './sql-error.ts'
import { redshiftOid, redshiftText } from './types.ts'

/** Reads no more than it is asked for: what follows an SSLRequest belongs to TLS. */
export class WireReader {
  readonly #stream: Duplex
  #wake: (() => void) | null = null

  constructor(stream: Duplex) {
    this.#stream = stream
    for (const event of EVENTS) stream.on(event, this.#woken)
  }

  /** Leaves the stream to somebody else. */
  release(): void {
    for (const event of EVENTS) this.#stream.off(event, this.#woken)
  }

  /** What stands before a connection has a protocol: a length and its bytes. `null`: closed. */
  async startup(): Promise<Buffer | null> {
    const length = await this.#exactly(4)
    return length === null ? null : this.#exactly(length.readInt32BE() - 4)
  }

  async message(): Promise<{ type: string; body: Buffer } | null> {
    const head = await this.#exactly(5)
    if (head === null) return null
    const body = await this.#exactly(head.readInt32BE(1) - 4)
    return body === null ? null : { type: String.fromCharCode(head[0]!), body }
  }

  readonly #woken = (): void => this.#wake?.()

  async #exactly(bytes: number): Promise<Buffer | null> {
    if (bytes === 0) return Buffer.alloc(0)
    for (;;) {
      const chunk = this.#stream.read(bytes) as Buffer | null
      if (chunk !== null) return chunk.length === bytes ? chunk : null
      if (this.#stream.destroyed || this.#stream.readableEnded) return null
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

const EVENTS = ['readable', 'end', 'close'] as const

/** Fields of a message's body. */
export class Body {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isDone(): boolean {
    return this.#at >= this.#bytes.length
  }

  text(): string {
    const end = this.#bytes.indexOf(0, this.#at)
    const value = this.#bytes.toString('utf8', this.#at, end)
    this.#at = end + 1
    return value
  }

  byte(): string {
    return String.fromCharCode(this.#bytes[this.#at++]!)
  }

  int16(): number {
    this.#at += 2
    return this.#bytes.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  bytes(length: number): Buffer {
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}

export const server = {
  authentication(kind: number, extra: Buffer = Buffer.alloc(0)): Buffer {
    return message('R', int32(kind), extra)
  },

  parameter(name: string, value: string): Buffer {
    return message('S', text(name), text(value))
  },

  key(pid: number, secret: number): Buffer {
    return message('K', int32(pid), int32(secret))
  },

  ready(status: string): Buffer {
    return message('Z', Buffer.from(status))
  },

  parseComplete(): Buffer {
    return message('1')
  },

  bindComplete(): Buffer {
    return message('2')
  },

  closeComplete(): Buffer {
    return message('3')
  },

  noData(): Buffer {
    return message('n')
  },

  emptyQuery(): Buffer {
    return message('I')
  },

  complete(tag: string): Buffer {
    return message('C', text(tag))
  },

  fields({ fields }: Result): Buffer {
    const all = fields!.map((field) =>
      Buffer.concat([
        text(longName(field.name)),
        int32(0),
        int16(0),
        int32(redshiftOid(field.dataTypeID, field.dataTypeModifier)),
        int16(field.dataTypeSize),
        int32(field.dataTypeModifier),
        int16(0),
      ]),
    )
    return message('T', int16(all.length), ...all)
  },

  rows({ fields, rows }: Result): Buffer {
    return Buffer.concat(
      rows.map((row) => {
        const values = row.map((value, i) => {
          const shown = redshiftText(fields![i]!.dataTypeID, value)
          if (shown === null) return int32(-1)
          const bytes = Buffer.from(shown)
          return Buffer.concat([int32(bytes.length), bytes])
        })
        return message('D', int16(row.length), ...values)
      }),
    )
  },

  error(error: unknown): Buffer {
    const fields = error instanceof SqlError ? error.fields : { code: 'XX000' }
    const severity = fields.severity ?? 'ERROR'
    const said = error instanceof Error ? error.message : String(error)
    const all = [
      ['S', severity],
      ['V', severity],
      ['C', fields.code],
      ['M', said],
      ...('detail' in fields && fields.detail !== undefined ? [['D', fields.detail]] : []),
      ...('hint' in fields && fields.hint !== undefined ? [['H', fields.hint]] : []),
    ] as const
    const parts = all.map(([key, value]) => Buffer.concat([Buffer.from(key), text(value)]))
    return message('E', ...parts, Buffer.from([0]))
  },
}

function message(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body])
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
