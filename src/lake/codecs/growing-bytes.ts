/** Bytes that grow as they are written; numbers are little-endian, as Parquet has them. */

const FIRST_BYTES = 4 * 1024
const TWO_32 = 2 ** 32
/** Up to about here a loop in the language beats the call of a native copy. */
const SHORT_BYTES = 64

export class GrowingBytes {
  bytes = EMPTY
  length = 0

  /** Makes room for that many more; `bytes` may be another buffer afterwards. */
  room(count: number): Buffer {
    const needed = this.length + count
    if (needed <= this.bytes.length) return this.bytes
    const grown = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, 2 * this.bytes.length, needed))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
    return grown
  }

  byte(value: number): void {
    this.room(1)[this.length++] = value
  }

  int32(value: number): void {
    const bytes = this.room(4)
    let at = this.length
    bytes[at++] = value
    bytes[at++] = value >>> 8
    bytes[at++] = value >>> 16
    bytes[at++] = value >>> 24
    this.length = at
  }

  /** A whole number below 2^53, in 8 bytes. */
  int64(value: number): void {
    const high = Math.floor(value / TWO_32)
    this.int32(value - high * TWO_32)
    this.int32(high)
  }

  bigint64(value: bigint): void {
    this.length = this.room(8).writeBigInt64LE(value, this.length)
  }

  float(value: number): void {
    this.length = this.room(4).writeFloatLE(value, this.length)
  }

  double(value: number): void {
    this.length = this.room(8).writeDoubleLE(value, this.length)
  }

  raw(source: Uint8Array, start = 0, end = source.length): void {
    const length = end - start
    const bytes = this.room(length)
    const at = this.length
    if (length > SHORT_BYTES) bytes.set(source.subarray(start, end), at)
    else for (let i = 0; i < length; i++) bytes[at + i] = source[start + i]!
    this.length = at + length
  }

  /** The length in four bytes, and the bytes. */
  sized(source: Buffer, start = 0, end = source.length): void {
    this.int32(end - start)
    this.raw(source, start, end)
  }

  /** Characters below U+0100, a byte each. */
  latin1(text: string): void {
    const { length } = text
    const bytes = this.room(length)
    const at = this.length
    if (length > SHORT_BYTES) bytes.write(text, at, 'latin1')
    else for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i)
    this.length = at + length
  }

  written(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  clear(): void {
    this.length = 0
  }
}

const EMPTY = Buffer.alloc(0)
