/** Values of Parquet as the texts that PostgreSQL had written for them: the way back of `parquet-put.ts`. */

import { jsonToArray, quoteElement } from '../../core/array-json.ts'
import { fail, unreachable } from '../../core/errors.ts'
import { formatDate, formatTime, formatTimestamp } from './calendar.ts'
import { formatFloat4, formatFloat8 } from './float-text.ts'
import { GrowingBytes } from './growing-bytes.ts'
import type { ParquetForm, ScalarForm } from './parquet-form.ts'

/** Where values are read from: see `ColumnChunkReader`. */
export interface ValueSource {
  readonly bytes: Buffer
  at: number
  readonly definition: number
  nextOfList(): boolean
}

/** Reads one value, which is not NULL, and appends its text. */
export type Get = (out: GrowingBytes, from: ValueSource) => void

export function getOf(form: ParquetForm): Get {
  switch (form.kind) {
    case 'text':
      return getText
    case 'json-array':
      return (out, from) => {
        const text = jsonToArray(takeSized(from).toString())
        out.raw(Buffer.from(text ?? fail('LAKE_DAMAGED', 'an array that is not JSON')))
      }
    case 'list':
      return listText(getOf(form.element))
    case 'bool':
    case 'int':
    case 'float4':
    case 'float8':
    case 'decimal':
    case 'bytea':
    case 'uuid':
    case 'date':
    case 'time':
    case 'timestamp': {
      const text = textOf(form)
      return (out, from) => out.latin1(text(from))
    }
    default:
      return unreachable(form)
  }
}

function getText(out: GrowingBytes, from: ValueSource): void {
  const { bytes, at } = from
  const end = at + 4 + bytes.readUInt32LE(at)
  if (end > bytes.length) fail('LAKE_DAMAGED', 'a text ends behind its page')
  out.raw(bytes, at + 4, end)
  from.at = end
}

function textOf(form: Exclude<ScalarForm, { kind: 'text' }>): (from: ValueSource) => string {
  switch (form.kind) {
    case 'bool':
      return takeBool
    case 'int':
      return form.bits === 64 ? takeInt64 : (from) => String(takeInt32(from))
    case 'float4':
      return (from) => formatFloat4(from.bytes.readFloatLE(skip(from, 4)))
    case 'float8':
      return (from) => formatFloat8(from.bytes.readDoubleLE(skip(from, 8)))
    case 'decimal':
      return takeDecimal(form)
    case 'bytea':
      return (from) => `\\x${takeSized(from).toString('hex')}`
    case 'uuid':
      return (from) => uuidText(takeHex(from, 16))
    case 'date':
      return (from) => formatDate(takeInt32(from))
    case 'time':
      return (from) => formatTime(Number(takeWhole(from)))
    case 'timestamp':
      return (from) => timestampText(takeWhole(from), form.isUtc)
    default:
      return unreachable(form)
  }
}

/** The first entry of the list is the current one. */
function listText(get: Get): Get {
  const element = new GrowingBytes()
  return (out, from) => {
    if (from.definition === 1) return out.latin1('{}')
    const elements: string[] = []
    do {
      element.clear()
      if (from.definition === 3) get(element, from)
      elements.push(from.definition === 3 ? quoteElement(element.written().toString()) : 'NULL')
    } while (from.nextOfList())
    out.raw(Buffer.from(`{${elements.join(',')}}`))
  }
}

/** Goes over so many bytes, and returns where they begin. */
function skip(from: ValueSource, bytes: number): number {
  const { at } = from
  from.at += bytes
  return at
}

/** Booleans are bits, and behind the levels begins a byte. */
function takeBool(from: ValueSource): string {
  const { at } = from
  from.at = at + BIT
  // The place is one of bytes, and its fraction one of bits.
  const byte = Math.floor(at)
  const isTrue = (from.bytes[byte]! >> ((at - byte) / BIT)) & 1
  return isTrue === 1 ? 't' : 'f'
}

const BIT = 1 / 8

function takeInt32(from: ValueSource): number {
  return from.bytes.readInt32LE(skip(from, 4))
}

/** Up to here a double holds every whole number, whose upper half is no larger than this. */
const SAFE_UPPER = 2 ** 20

function takeInt64(from: ValueSource): string {
  return String(takeWhole(from))
}

function takeWhole(from: ValueSource): number | bigint {
  const at = skip(from, 8)
  const upper = from.bytes.readInt32LE(at + 4)
  if (upper >= -SAFE_UPPER && upper < SAFE_UPPER) {
    return upper * 2 ** 32 + from.bytes.readUInt32LE(at)
  }
  return from.bytes.readBigInt64LE(at)
}

export function takeBigint(from: ValueSource): bigint {
  return from.bytes.readBigInt64LE(skip(from, 8))
}

export function takeSized(from: ValueSource): Buffer {
  const start = skip(from, 4) + 4
  const end = start + from.bytes.readUInt32LE(start - 4)
  if (end > from.bytes.length) fail('LAKE_DAMAGED', 'a value ends behind its page')
  from.at = end
  return from.bytes.subarray(start, end)
}

function takeHex(from: ValueSource, bytes: number): string {
  const start = skip(from, bytes)
  return from.bytes.toString('hex', start, start + bytes)
}

function takeDecimal({
  bytes,
  scale,
}: ScalarForm & { kind: 'decimal' }): (from: ValueSource) => string {
  if (bytes === 4) return (from) => withScale(String(takeInt32(from)), scale)
  if (bytes === 8) return (from) => withScale(takeInt64(from), scale)
  return (from) => {
    const value = BigInt.asIntN(8 * bytes, BigInt(`0x${takeHex(from, bytes)}`))
    return withScale(String(value), scale)
  }
}

function withScale(unscaled: string, scale: number): string {
  if (scale === 0) return unscaled
  const sign = unscaled.startsWith('-') ? '-' : ''
  const digits = unscaled.slice(sign.length).padStart(scale + 1, '0')
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

function uuidText(digits: string): string {
  const at = (start: number, end?: number): string => digits.slice(start, end)
  return `${at(0, 8)}-${at(8, 12)}-${at(12, 16)}-${at(16, 20)}-${at(20)}`
}

const MILLION = 1_000_000n

function timestampText(value: number | bigint, isUtc: boolean): string {
  if (typeof value === 'number') {
    const whole = Math.floor(value / 1_000_000)
    return formatTimestamp({ seconds: whole, micros: value - whole * 1_000_000 }, isUtc)
  }
  const micros = ((value % MILLION) + MILLION) % MILLION
  const seconds = Number((value - micros) / MILLION)
  return formatTimestamp({ seconds, micros: Number(micros) }, isUtc)
}
