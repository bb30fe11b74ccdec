/**
 * CSV as COPY of Redshift reads it.
 *
 * Whether a field stood in quotes is lost: neither NULL AS nor the rules for empty fields ask for it.
 * Bytes, not text: a field may be the one NUL byte that means NULL, or no UTF-8 at all.
 */

const QUOTE = 0x22
const LF = 0x0a
const CR = 0x0d

export interface CsvRecord {
  /** Of the line on which it begins, from 1. */
  readonly line: number
  readonly fields: readonly Buffer[]
  readonly raw: Buffer
}

/** Fails with a record of no fields where quotes are wrong: an invalid line. */
export function* csvRecords(bytes: Buffer, delimiter: number): Generator<CsvRecord> {
  let line = 1
  for (let at = 0; at < bytes.length;) {
    const { fields, end } = readRecord(bytes, at, delimiter)
    const raw = bytes.subarray(at, end)
    yield { line, fields, raw }
    for (const byte of raw) if (byte === LF) line++
    at = end
  }
}

function readRecord(
  bytes: Buffer,
  start: number,
  delimiter: number,
): { fields: Buffer[]; end: number } {
  const fields: Buffer[] = []
  let at = start
  for (;;) {
    const field = bytes[at] === QUOTE ? quotedField(bytes, at) : plainField(bytes, at, delimiter)
    if (field === null) return { fields: [], end: bytes.length }
    fields.push(field.value)
    at = field.end
    const byte = bytes[at]
    if (byte === delimiter) at++
    else if (byte === undefined) return { fields, end: at }
    else if (byte === LF) return { fields, end: at + 1 }
    else if (byte === CR && bytes[at + 1] === LF) return { fields, end: at + 2 }
    // Something behind a closing quote.
    else return { fields: [], end: endOfLine(bytes, at) }
  }
}

interface Field {
  readonly value: Buffer
  readonly end: number
}

function plainField(bytes: Buffer, start: number, delimiter: number): Field {
  let end = start
  while (end < bytes.length && bytes[end] !== delimiter && bytes[end] !== LF) end++
  if (bytes[end] === LF && bytes[end - 1] === CR && end > start) end--
  return { value: bytes.subarray(start, end), end }
}

function quotedField(bytes: Buffer, start: number): Field | null {
  const pieces: Buffer[] = []
  for (let at = start + 1; ;) {
    const quote = bytes.indexOf(QUOTE, at)
    if (quote < 0) return null
    const isDoubled = bytes[quote + 1] === QUOTE
    pieces.push(bytes.subarray(at, isDoubled ? quote + 1 : quote))
    at = quote + 2
    if (!isDoubled) {
      const value = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
      return { value, end: quote + 1 }
    }
  }
}

function endOfLine(bytes: Buffer, from: number): number {
  const at = bytes.indexOf(LF, from)
  return at < 0 ? bytes.length : at + 1
}
