/**
 * Values as COPY of Redshift reads them in CSV.
 *
 * It cannot tell a field in quotes from one without, so NULL of a text is a field of one NUL byte, which
 * no text of PostgreSQL can hold; of all other types it is an empty field. An empty VARBYTE cannot be
 * told from NULL at all: such values are marked in a column of their own, a digit for each of them.
 *
 * https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-data-conversion.html
 */

import { arrayToJson } from '../../core/array-json.ts'
import type { CsvWriter } from '../../core/csv.ts'
import { fail } from '../../core/errors.ts'
import { tableId, type TableId, type TableName } from '../../core/table.ts'
import { logicalType, type ColumnType } from '../../core/type.ts'
import type { LiveColumn, ValueWriter } from '../sql/rows.ts'
import * as fit from './fit.ts'
import type { Fit, Unfit } from './fit.ts'
import { lastOfEachKey } from './json.ts'
import { lengthOf, redshiftType } from './types.ts'

interface Form {
  readonly type: string
  readonly fit: Fit | null
  /** The text to write, where it is another than the server's; `null` if there is none. */
  readonly convert?: (bytes: Buffer, start: number, end: number) => Buffer | null
  /** In quotes, and NULL is a NUL byte. */
  readonly isText: boolean
}

const NUL = Buffer.from([0])
const QUOTE = Buffer.from('"')
const QUOTE_BYTE = 0x22

export interface ValuesOptions {
  readonly table: TableName
  readonly columns: readonly LiveColumn[]
  readonly unfit: Unfit
}

/** Values of one column, and what became of them. */
export interface UnfitValues {
  readonly table: TableId
  readonly column: string
  readonly policy: 'null' | 'clamp'
  readonly values: number
}

export class RedshiftValues implements ValueWriter {
  /** Places of the columns whose empty values are marked. */
  readonly marked: readonly number[]
  readonly #csv: CsvWriter
  readonly #options: ValuesOptions
  readonly #forms: readonly Form[]
  readonly #unfitCounts = new Map<number, number>()
  #marks: Buffer

  constructor(csv: CsvWriter, options: ValuesOptions) {
    this.#csv = csv
    this.#options = options
    this.#forms = options.columns.map(({ column }) => formOf(column.type))
    this.marked = this.#forms.flatMap(({ convert }, i) => (convert === hexOf ? [i] : []))
    this.#marks = Buffer.alloc(this.marked.length, '0')
  }

  /** What did not fit so far. */
  get unfit(): UnfitValues[] {
    const { table, columns, unfit: policy } = this.#options
    if (policy === 'error') return []
    return [...this.#unfitCounts].map(([place, values]) => {
      return { table: tableId(table), column: columns[place]!.column.name, policy, values }
    })
  }

  text(place: number, bytes: Buffer, start: number, end: number): void {
    const form = this.#forms[place]!
    if (form.convert === undefined) return this.#write(place, bytes, start, end)
    const other = form.convert(bytes, start, end)
    if (other === null) return this.#unfit(place, bytes.toString('utf8', start, end))
    if (other.length === 0 && form.convert === hexOf) return this.#empty(place)
    this.#write(place, other, 0, other.length)
  }

  null(place: number): void {
    // A line of one column would be empty.
    if (this.#forms[place]!.isText || this.#forms.length === 1) this.#csv.raw(NUL)
  }

  noMask(): void {
    this.#csv.raw(NUL)
  }

  /** Ends a row: the marks, if there is a column for them. */
  rowEnd(): void {
    if (this.marked.length > 0) {
      this.#csv.comma()
      this.#csv.raw(this.#marks)
      this.#marks.fill('0')
    }
    this.#csv.rowEnd()
  }

  #write(place: number, bytes: Buffer, start: number, end: number): void {
    const form = this.#forms[place]!
    if (form.fit !== null && !form.fit.isFit(bytes, start, end)) {
      return this.#unfit(place, bytes.toString('utf8', start, end))
    }
    if (form.isText) this.#quoted(bytes, start, end)
    else this.#csv.field(bytes, start, end, true)
  }

  #quoted(bytes: Buffer, start: number, end: number): void {
    const csv = this.#csv
    csv.raw(QUOTE)
    for (let from = start; ;) {
      const next = quoteIn(bytes, from, end)
      csv.raw(bytes.subarray(from, next < 0 ? end : next + 1))
      // Of the value, or a second one for that in it.
      csv.raw(QUOTE)
      if (next < 0) return
      from = next + 1
    }
  }

  #empty(place: number): void {
    if (this.#options.columns[place]!.isKey) this.#refuse(place, 'an empty bytea in a key')
    this.#marks[this.marked.indexOf(place)] = 0x31
  }

  #unfit(place: number, value: string): void {
    const { unfit, columns } = this.#options
    // A key that is another would be another row.
    if (unfit === 'error' || columns[place]!.isKey) this.#refuse(place, 'a value')
    this.#unfitCounts.set(place, (this.#unfitCounts.get(place) ?? 0) + 1)
    const form = this.#forms[place]!
    const nearest = unfit === 'clamp' ? (form.fit?.nearest(value) ?? null) : null
    if (nearest === null) return this.null(place)
    const bytes = Buffer.from(nearest)
    this.#write(place, bytes, 0, bytes.length)
  }

  #refuse(place: number, what: string): never {
    const { table, columns } = this.#options
    const id = tableId(table)
    const { name } = columns[place]!.column
    const { type } = this.#forms[place]!
    fail('VALUE_UNFIT', `${id}: column ${name} has ${what} that ${type} cannot hold`, {
      details: { table: id, column: name },
      hint: 'leave the column out with source.columns, or say with unfit of the target what becomes of such values',
    })
  }
}

/** Up to about here a loop in the language beats a native search. */
const SHORT_BYTES = 64

/** The place of the first quote; negative if there is none. Never looks beyond the end. */
function quoteIn(bytes: Buffer, start: number, end: number): number {
  if (end - start > SHORT_BYTES) {
    const found = bytes.subarray(start, end).indexOf(QUOTE_BYTE)
    return found < 0 ? -1 : start + found
  }
  for (let at = start; at < end; at++) if (bytes[at] === QUOTE_BYTE) return at
  return -1
}

/** One value as DDL has it, in a DEFAULT or an UPDATE; `null` if it does not fit. */
export function valueText(type: ColumnType, value: string): string | null {
  const form = formOf(type)
  const bytes = Buffer.from(value)
  const other = form.convert === undefined ? bytes : form.convert(bytes, 0, bytes.length)
  if (other === null) return null
  return form.fit?.isFit(other, 0, other.length) === false ? null : other.toString()
}

function formOf(type: ColumnType): Form {
  const redshift = redshiftType(type)
  const logical = logicalType(type)
  const bytes = lengthOf(redshift)
  if (logical.kind === 'array') {
    const { element } = logical
    const convert: Form['convert'] = (from, start, end) => {
      const json = arrayToJson(from.toString('utf8', start, end), element)
      return json === null ? null : Buffer.from(json)
    }
    // The elements of these are not separated by commas.
    const isBoxes = type.element?.name === 'box'
    return { type: redshift, fit: fit.JSON_TEXT, isText: true, convert: isBoxes ? none : convert }
  }
  if (bytes !== null) return { type: redshift, fit: fit.atMost(bytes), isText: true }
  if (redshift === 'SUPER') {
    const isBinary = type.name === 'jsonb'
    const json = { type: redshift, fit: fit.JSON_TEXT, isText: true }
    return isBinary ? json : { ...json, convert: jsonOf }
  }
  if (logical.kind === 'bytea')
    return { type: redshift, fit: fit.HEX, isText: false, convert: hexOf }
  return { type: redshift, fit: FITS[logical.kind] ?? null, isText: false }
}

const FITS: Readonly<Record<string, Fit>> = {
  numeric: fit.DECIMAL,
  float4: fit.floating('3.4028235e+38'),
  float8: fit.floating('1.7976931348623157e+308'),
  date: fit.dated('0001-01-01', '9999-12-31'),
  timestamp: fit.dated('0001-01-01 00:00:00', '9999-12-31 23:59:59.999999'),
  timestamptz: fit.dated('0001-01-01 00:00:00+00', '9999-12-31 23:59:59.999999+00'),
  time: fit.TIME,
}

function jsonOf(bytes: Buffer, start: number, end: number): Buffer {
  const shorter = lastOfEachKey(bytes.toString('utf8', start, end))
  return shorter === null ? bytes.subarray(start, end) : Buffer.from(shorter)
}

function none(): null {
  return null
}

/** `\x00ff` without its mark. */
function hexOf(bytes: Buffer, start: number, end: number): Buffer {
  return bytes.subarray(start + 2, end)
}
