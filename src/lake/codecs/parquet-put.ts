/**
 * PostgreSQL's texts as values of Parquet, in its PLAIN encoding.
 *
 * Numbers of up to 15 digits pass through a JavaScript number, which holds them exactly; longer ones
 * through a bigint. A text that is not as the server writes it does not fit: so a value has one text.
 */

import { isUtf8 } from 'node:buffer'

import { unreachable } from '../../core/errors.ts'
import { DAY_MICROS, parseDate, parseTime, parseTimestamp, type Instant } from './calendar.ts'
import type { GrowingBytes } from './growing-bytes.ts'
import type { ScalarForm } from './parquet-form.ts'

/** Appends the value of the text `source[start, end)`; false, and nothing is appended, if it does not fit. */
export type Put = (out: GrowingBytes, source: Buffer, start: number, end: number) => boolean

const [ZERO, MINUS, DOT] = [0x30, 0x2d, 0x2e]
const SAFE_DIGITS = 15
const MAX_INT8 = 2n ** 63n - 1n

export function putOf(form: ScalarForm): Put {
  switch (form.kind) {
    case 'bool':
      return putBool
    case 'int':
      if (form.isUnsigned) return putSmall(0, 0xffff_ffff, 64)
      if (form.bits === 64) return putInt64
      return putSmall(-(2 ** (form.bits - 1)), 2 ** (form.bits - 1) - 1, 32)
    case 'float4':
    case 'float8':
      return form.kind === 'float4' ? putFloat4 : putFloat8
    case 'decimal':
      return putDecimal(form)
    case 'bytea':
      return putBytea
    case 'uuid':
      return putUuid
    case 'date':
      return putDate
    case 'time':
      return putTime
    case 'timestamp':
      return form.isUtc ? putZoned : putUnzoned
    case 'text':
      return putText
    default:
      return unreachable(form)
  }
}

function putBool(out: GrowingBytes, source: Buffer, start: number, end: number): boolean {
  const isTrue = source[start] === 0x74
  if (end - start !== 1 || (!isTrue && source[start] !== 0x66)) return false
  out.byte(isTrue ? 1 : 0)
  return true
}

function putSmall(min: number, max: number, bits: 32 | 64): Put {
  return (out, source, start, end) => {
    const isNegative = source[start] === MINUS
    const from = isNegative ? start + 1 : start
    if (end - from > 10 || !isWhole(source, from, end, isNegative)) return false
    const value = isNegative ? -digits(source, from, end) : digits(source, from, end)
    if (value < min || value > max) return false
    if (bits === 32) out.int32(value)
    else out.int64(value)
    return true
  }
}

function putInt64(out: GrowingBytes, source: Buffer, start: number, end: number): boolean {
  const isNegative = source[start] === MINUS
  const from = isNegative ? start + 1 : start
  if (end - from > 19 || !isWhole(source, from, end, isNegative)) return false
  if (end - from <= SAFE_DIGITS) {
    const value = digits(source, from, end)
    out.int64(isNegative ? -value : value)
    return true
  }
  const value = BigInt(source.toString('latin1', start, end))
  if (value > MAX_INT8 || value < -MAX_INT8 - 1n) return false
  out.bigint64(value)
  return true
}

/** Whether these are digits without a zero in front, and not "-0". */
function isWhole(source: Buffer, start: number, end: number, isNegative: boolean): boolean {
  if (start === end) return false
  if (source[start] === ZERO && (end - start > 1 || isNegative)) return false
  return areDigits(source, start, end)
}

function areDigits(source: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) {
    const digit = source[i]! - ZERO
    if (digit < 0 || digit > 9) return false
  }
  return true
}

function digits(source: Buffer, start: number, end: number): number {
  let value = 0
  for (let i = start; i < end; i++) value = value * 10 + source[i]! - ZERO
  return value
}

function putFloat4(out: GrowingBytes, source: Buffer, start: number, end: number): boolean {
  const value = floatOf(source, start, end)
  if (value === null) return false
  out.float(value)
  return true
}

function putFloat8(out: GrowingBytes, source: Buffer, start: number, end: number): boolean {
  const value = floatOf(source, start, end)
  if (value === null) return false
  out.double(value)
  return true
}

function floatOf(source: Buffer, start: number, end: number): number | null {
  const text = source.toString('latin1', start, end)
  const value = Number(text)
  if (text === '' || (Number.isNaN(value) && text !== 'NaN')) return null
  return value
}

/** The text has exactly as many digits behind its dot as the scale says. */
function putDecimal({ precision, scale, bytes }: ScalarForm & { kind: 'decimal' }): Put {
  const wide = Buffer.alloc(16)
  return (out, source, start, end) => {
    const isNegative = source[start] === MINUS
    const from = isNegative ? start + 1 : start
    const dot = scale === 0 ? end : end - scale - 1
    if (dot <= from || !isWhole(source, from, dot, false)) return false
    if (scale > 0 && (source[dot] !== DOT || !areDigits(source, dot + 1, end))) return false
    const whole = source[from] === ZERO ? 0 : dot - from
    if (whole + scale > precision) return false
    if (whole + scale <= SAFE_DIGITS && bytes <= 8) {
      const value = digits(source, from, dot) * 10 ** scale + digits(source, dot + 1, end)
      if (isNegative && value === 0) return false
      if (bytes === 4) out.int32(isNegative ? -value : value)
      else out.int64(isNegative ? -value : value)
      return true
    }
    const text = source.toString('latin1', from, dot) + source.toString('latin1', dot + 1, end)
    const value = isNegative ? -BigInt(text) : BigInt(text)
    if (isNegative && value === 0n) return false
    if (bytes === 8) out.bigint64(value)
    else out.raw(wideInteger(wide, value), 16 - bytes)
    return true
  }
}

function wideInteger(into: Buffer, value: bigint): Buffer {
  into.writeBigInt64BE(value >> 64n, 0)
  into.writeBigUInt64BE(BigInt.asUintN(64, value), 8)
  return into
}

function putText(out: GrowingBytes, source: Buffer, start: number, end: number): boolean {
  // A database in SQL_ASCII may hold other bytes, and readers refuse a file with such a string.
  if (!isAscii(source, start, end) && !isUtf8(source.subarray(start, end))) return false
  out.sized(source, start, end)
  return true
}

/** Up to about here a loop in the language beats the call of a native check. */
const SHORT_BYTES = 64

/** False also if it is too long to be looked at here. */
function isAscii(source: Buffer, start: number, end: number): boolean {
  if (end - start > SHORT_BYTES) return false
  let all = 0
  for (let i = start; i < end; i++) all |= source[i]!
  return all < 0x80
}

const HEX = new Int8Array(256).fill(-1)
for (let i = 0; i < 16; i++) HEX['0123456789abcdef'.charCodeAt(i)] = i

function putBytea(out: GrowingBytes, source: Buffer, start: number, end: number): boolean {
  const length = (end - start - 2) / 2
  if (!Number.isInteger(length) || length < 0) return false
  if (source[start] !== 0x5c || source[start + 1] !== 0x78) return false
  const before = out.length
  out.int32(length)
  const bytes = out.room(length)
  let at = out.length
  for (let i = start + 2; i < end; i += 2) {
    const byte = (HEX[source[i]!]! << 4) | HEX[source[i + 1]!]!
    if (byte < 0) {
      out.length = before
      return false
    }
    bytes[at++] = byte
  }
  out.length = at
  return true
}

/** The places of the hyphens, from the beginning. */
const UUID_BYTES = 36
const isHyphen = (i: number): boolean => i === 8 || i === 13 || i === 18 || i === 23

function putUuid(out: GrowingBytes, source: Buffer, start: number, end: number): boolean {
  if (end - start !== UUID_BYTES) return false
  const bytes = out.room(16)
  let at = out.length
  for (let i = 0; i < UUID_BYTES; i += 2) {
    if (isHyphen(i)) {
      if (source[start + i] !== MINUS) return false
      i++
    }
    const byte = (HEX[source[start + i]!]! << 4) | HEX[source[start + i + 1]!]!
    if (byte < 0) return false
    bytes[at++] = byte
  }
  out.length = at
  return true
}

function putDate(out: GrowingBytes, source: Buffer, start: number, end: number): boolean {
  const days = parseDate(source, start, end)
  if (days === null) return false
  out.int32(days)
  return true
}

function putTime(out: GrowingBytes, source: Buffer, start: number, end: number): boolean {
  const micros = parseTime(source, start, end)
  if (micros === null || micros > DAY_MICROS) return false
  out.int64(micros)
  return true
}

function putUnzoned(out: GrowingBytes, source: Buffer, start: number, end: number): boolean {
  return putInstant(out, parseTimestamp(source, { start, end, hasZone: false }))
}

function putZoned(out: GrowingBytes, source: Buffer, start: number, end: number): boolean {
  return putInstant(out, parseTimestamp(source, { start, end, hasZone: true }))
}

const SAFE_SECONDS = 9_000_000_000
/** The last second whose microseconds all have their place, in the year 294247. */
const LAST_SECOND = 9_223_372_036_853

function putInstant(out: GrowingBytes, instant: Instant | null): boolean {
  if (instant === null || instant.seconds > LAST_SECOND) return false
  const { seconds, micros } = instant
  if (Math.abs(seconds) < SAFE_SECONDS) out.int64(seconds * 1_000_000 + micros)
  else out.bigint64(BigInt(seconds) * 1_000_000n + BigInt(micros))
  return true
}

/** The nearest value that fits, as its text, in place of one that does not; `null` if there is none. */
export function nearest(form: ScalarForm, text: string): string | null {
  const isLow = text.startsWith('-')
  if (form.kind === 'date' && /^-?infinity$/.test(text)) {
    return isLow ? '4714-11-24 BC' : '5874897-12-31'
  }
  if (form.kind !== 'timestamp' || !/^-?infinity$|^\d{6}-/.test(text)) return null
  const zone = form.isUtc ? '+00' : ''
  return isLow ? `4714-11-24 00:00:00${zone} BC` : `294247-01-10 04:00:53.999999${zone}`
}
