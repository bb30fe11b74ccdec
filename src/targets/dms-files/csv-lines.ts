/**
 * Lines of CSV as DMS writes them.
 *
 *   Op , timestamp , columns…                     a file of one table
 *   Op , table , schema , timestamp , columns…    the stream of all tables
 *
 * Under rfc4180 a value that holds a quote, a delimiter or a line break stands in quotes, and nothing
 * else does: neither an empty text nor one that reads like NULL. Without it values are written as they
 * are. A column that was dropped has no place.
 */

import { OP, type Op } from '../../core/change-log.ts'
import type { DmsFilesSettings } from '../../core/dms-files-settings.ts'
import type { Shape } from '../../core/table.ts'
import { KIND, TupleFields } from '../../core/tuple.ts'
import type { FileLines, Line, LineForm } from './file-lines.ts'
import { timestampText, valueTextOf, type ValueText } from './value-text.ts'

/** How the tuples of one shape are read. */
interface Reader {
  readonly fields: TupleFields
  /** The columns that there are, by their places in the tuple. */
  readonly columns: readonly {
    readonly place: number
    readonly isKey: boolean
    readonly text: ValueText | null
  }[]
}

const CHUNK_BYTES = 256 * 1024
/** Up to about here a loop in the language beats the call of a native copy. */
const SHORT_BYTES = 64
const QUOTE = 0x22
const LF = 0x0a
const CR = 0x0d
const LETTERS = new Map<Op, Buffer>(
  [OP.insert, OP.update, OP.delete, OP.truncate].map((op) => [op, Buffer.of(op)]),
)

export class CsvLines implements FileLines {
  readonly #settings: DmsFilesSettings
  readonly #form: LineForm
  readonly #delimiter: Buffer
  readonly #rowDelimiter: Buffer
  readonly #null: Buffer
  readonly #absent: Buffer
  /** 1 for each byte that may make quotes necessary. */
  readonly #special = new Uint8Array(256)
  readonly #readers = new WeakMap<Shape, Reader>()
  #bytes = Buffer.allocUnsafeSlow(16 * 1024)
  #at = 0
  #lineStart = 0
  #taken = 0
  #timeAt: bigint | null = null
  #time = Buffer.alloc(0)

  constructor(settings: DmsFilesSettings, form: LineForm) {
    this.#settings = settings
    this.#form = form
    this.#delimiter = Buffer.from(settings.csvDelimiter)
    this.#rowDelimiter = Buffer.from(settings.csvRowDelimiter)
    const first = [this.#delimiter[0]!, this.#rowDelimiter[0]!]
    if (settings.rfc4180) for (const byte of [QUOTE, LF, CR, ...first]) this.#special[byte] = 1
    this.#null = Buffer.from(settings.csvNullValue)
    this.#absent = Buffer.from(settings.csvNoSupValue ?? settings.csvNullValue)
  }

  /** Bytes of the file so far. */
  get size(): number {
    return this.#taken + this.#at
  }

  header(shape: Shape): void {
    const names = shape.columns.filter(({ wire }) => wire !== null).map(({ name }) => name)
    const { timestampColumnName } = this.#settings
    if (timestampColumnName !== null) names.unshift(timestampColumnName)
    if (this.#form.hasOp) names.unshift('Op')
    this.#line(names.map((name) => Buffer.from(name)))
  }

  row(line: Line): void {
    const { fields, columns } = this.#reader(line.shape)
    fields.read(line.bytes, line.start)
    this.#lineStart = this.#at
    let isFirst = true
    const field = (value: Buffer, isValue: boolean): void => {
      if (!isFirst) this.#raw(this.#delimiter)
      isFirst = false
      if (isValue) this.#value(value)
      else this.#raw(value)
    }
    if (this.#form.hasOp) field(LETTERS.get(line.op)!, false)
    if (this.#form.hasTable) {
      field(Buffer.from(line.shape.table.name), true)
      field(Buffer.from(line.shape.table.namespace), true)
    }
    if (this.#settings.timestampColumnName !== null) field(this.#timestamp(line.at), true)
    const hasKeyOnly = line.op === OP.delete && isKeyOnly(fields, columns)
    for (const { place, isKey, text } of columns) {
      const kind = fields.kinds[place]
      const isText = kind === KIND.text
      const isAbsent = kind === KIND.unchanged || (hasKeyOnly && !isKey)
      if (!isText) {
        field(isAbsent ? this.#absent : this.#null, false)
        continue
      }
      const [start, end] = [fields.starts[place]!, fields.ends[place]!]
      if (text !== null) field(text(line.bytes, start, end), true)
      else {
        if (!isFirst) this.#raw(this.#delimiter)
        isFirst = false
        this.#text(line.bytes, start, end)
      }
    }
    this.#raw(this.#rowDelimiter)
  }

  /** Takes the last row back. It must not have been taken yet. */
  undo(): void {
    this.#at = this.#lineStart
  }

  piece(): Buffer | null {
    return this.#at < CHUNK_BYTES ? null : this.end()
  }

  /** What was written since the last time. */
  end(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#at)
    this.#taken += this.#at
    this.#bytes = Buffer.allocUnsafeSlow(this.#bytes.length)
    this.#at = 0
    this.#lineStart = 0
    return bytes
  }

  #line(values: readonly Buffer[]): void {
    for (const [i, value] of values.entries()) {
      if (i > 0) this.#raw(this.#delimiter)
      this.#value(value)
    }
    this.#raw(this.#rowDelimiter)
  }

  /** A value as it is. Most are short and need no quotes, and those cost no object. */
  #text(source: Buffer, start: number, end: number): void {
    const length = end - start
    if (length > SHORT_BYTES) return this.#value(source.subarray(start, end))
    const bytes = this.#room(length)
    const special = this.#special
    let at = this.#at
    for (let i = start; i < end; i++) {
      const byte = source[i]!
      if (special[byte] === 1) return this.#value(source.subarray(start, end))
      bytes[at++] = byte
    }
    this.#at = at
  }

  #value(value: Buffer): void {
    if (!this.#settings.rfc4180 || !this.#needsQuotes(value)) return this.#raw(value)
    const bytes = this.#room(2 * value.length + 2)
    bytes[this.#at++] = QUOTE
    for (const byte of value) {
      bytes[this.#at++] = byte
      if (byte === QUOTE) bytes[this.#at++] = QUOTE
    }
    bytes[this.#at++] = QUOTE
  }

  #needsQuotes(value: Buffer): boolean {
    if (value.includes(QUOTE) || value.includes(LF) || value.includes(CR)) return true
    return value.includes(this.#delimiter) || value.includes(this.#rowDelimiter)
  }

  #raw(value: Buffer): void {
    const bytes = this.#room(value.length)
    if (value.length > SHORT_BYTES) bytes.set(value, this.#at)
    else for (let i = 0; i < value.length; i++) bytes[this.#at + i] = value[i]!
    this.#at += value.length
  }

  #room(count: number): Buffer {
    const needed = this.#at + count
    if (needed <= this.#bytes.length) return this.#bytes
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, needed))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
    return grown
  }

  /** Rows of one transaction share it. */
  #timestamp(at: bigint): Buffer {
    if (this.#timeAt !== at) {
      this.#timeAt = at
      this.#time = Buffer.from(timestampText(at))
    }
    return this.#time
  }

  #reader(shape: Shape): Reader {
    const known = this.#readers.get(shape)
    if (known) return known
    const columns = [...shape.columns.entries()]
      .filter(([, { wire }]) => wire !== null)
      .map(([place, { type }]) => {
        return { place, isKey: shape.key.includes(place), text: valueTextOf(type) }
      })
    const reader = { columns, fields: new TupleFields(shape.columns.length) }
    this.#readers.set(shape, reader)
    return reader
  }
}

/** A delete has its key, or all of the old row under REPLICA IDENTITY FULL. */
function isKeyOnly({ kinds }: TupleFields, columns: Reader['columns']): boolean {
  return columns.every(({ place, isKey }) => isKey || kinds[place] !== KIND.text)
}
