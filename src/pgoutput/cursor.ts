/**
 * Reads the fields of one message in place.
 *
 * The message is `bytes[start, end)` of a larger buffer, which goes on behind it with bytes that
 * look just as good. So every read is checked against `end`, never against the buffer, and fails
 * with PROTOCOL_VIOLATION, the name of the message and the byte, before it touches what lies beyond.
 * One cursor serves for a whole stream and allocates nothing while it walks over rows.
 */

import { fail } from '../core/errors.ts'
import { lsn, type Lsn } from '../core/lsn.ts'
import { KIND } from '../core/tuple.ts'
import { messageName, printable } from './tags.ts'

const BINARY = 0x62
const NO_BYTES = Buffer.alloc(0)

export class Cursor {
  #bytes: Buffer = NO_BYTES
  #start = 0
  #at = 0
  #end = 0

  /** Goes to the first byte of the message `bytes[start, end)`. */
  open(bytes: Buffer, start: number, end: number): this {
    if (start < 0 || end > bytes.length) throw new RangeError('the message lies outside its buffer')
    this.#bytes = bytes
    this.#start = start
    this.#at = start
    this.#end = end
    return this
  }

  /** Where the next field begins, as an index into the buffer. */
  get at(): number {
    return this.#at
  }

  get left(): number {
    return this.#end - this.#at
  }

  uint8(): number {
    const at = this.#advance(1)
    return this.#bytes[at]!
  }

  uint16(): number {
    const at = this.#advance(2)
    const bytes = this.#bytes
    return (bytes[at]! << 8) | bytes[at + 1]!
  }

  int32(): number {
    return int32At(this.#bytes, this.#advance(4))
  }

  /** OIDs and transaction ids use all 32 bits. */
  uint32(): number {
    return this.int32() >>> 0
  }

  int64(): bigint {
    const at = this.#advance(8)
    return this.#bytes.readBigInt64BE(at)
  }

  lsn(): Lsn {
    const at = this.#advance(8)
    return lsn(this.#bytes.readBigUInt64BE(at))
  }

  /** A string that ends with a zero byte, which is not part of it. */
  string(): string {
    const bytes = this.#bytes
    const start = this.#at
    let at = start
    while (at < this.#end && bytes[at] !== 0) at++
    if (at === this.#end) this.fail('a string does not end', start)
    this.#at = at + 1
    return bytes.toString('utf8', start, at)
  }

  /** A view of as many bytes as the length in front of them says. */
  counted(): Buffer {
    const lengthAt = this.#at
    const length = this.int32()
    if (length < 0) this.fail(`the length ${length} is negative`, lengthAt)
    const at = this.#advance(length)
    return this.#bytes.subarray(at, at + length)
  }

  /** Flags that no version of the protocol has used yet: another layout may hide behind them. */
  unusedFlags(): void {
    const at = this.#at
    const flags = this.uint8()
    if (flags !== 0) this.fail(`flags ${printable(flags)} are not known`, at)
  }

  /** Walks over TupleData and checks it, so that whoever reads the tuple later need not. */
  tuple(): void {
    let left = this.uint16()
    const bytes = this.#bytes
    const end = this.#end
    let at = this.#at
    for (; left > 0; left--) {
      if (at >= end) this.#early(end, `${left} columns are missing`)
      const kind = bytes[at]!
      if (kind === KIND.text) {
        if (at + 5 > end) this.#early(at + 1, 'the length of a value is cut')
        const length = int32At(bytes, at + 1)
        if (length < 0) this.fail(`the length ${length} of a value is negative`, at + 1)
        at += 5 + length
        if (at > end) this.#early(at - length, `${at - end} bytes of a value are missing`)
      } else if (kind === KIND.null || kind === KIND.unchanged) {
        at++
      } else {
        this.#unknownKind(kind, at)
      }
    }
    this.#at = at
  }

  /** To be called after the last field. */
  finish(): void {
    if (this.left !== 0) this.fail(`${this.left} bytes are left over`)
  }

  /** Refuses the message because of the byte at `at`, an index into the buffer. */
  fail(what: string, at = this.#at): never {
    const length = this.#end - this.#start
    const name = length > 0 ? messageName(this.#bytes[this.#start]!) : 'empty'
    const byte = at - this.#start
    fail('PROTOCOL_VIOLATION', `${name} message, byte ${byte} of ${length}: ${what}`, {
      details: { message: name, byte, length },
    })
  }

  #advance(count: number): number {
    const at = this.#at
    if (at + count > this.#end) this.#early(at, `${at + count - this.#end} bytes are missing`)
    this.#at = at + count
    return at
  }

  #early(at: number, what: string): never {
    this.fail(`the message ends early, ${what}`, at)
  }

  #unknownKind(kind: number, at: number): never {
    this.fail(
      kind === BINARY
        ? 'a value is in binary form, which we never ask for'
        : `the kind ${printable(kind)} of a value is not known`,
      at,
    )
  }
}

/** Faster than `readInt32BE`, which checks its arguments once more. */
function int32At(bytes: Buffer, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}
