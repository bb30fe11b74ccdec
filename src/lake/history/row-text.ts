/**
 * Rows of the lake as text for people and scripts: CSV as the lake writes it, or a JSON object a line.
 *
 * Values are the texts of PostgreSQL, in JSON too: a number of 30 digits stays what it is. CSV is made
 * of the very bytes; JSON is Unicode, so a database of other bytes is better read as CSV.
 */

import { OP } from '../../core/change-log.ts'
import type { Shape } from '../../core/table.ts'
import { KIND, TupleCursor } from '../../core/tuple.ts'
import { formatCommitTime } from '../codecs/commit-time.ts'
import { listedName, ROW_COLUMNS } from '../codecs/row-columns.ts'
import type { HistoryRow } from './history.ts'

/** `undefined`: unchanged. */
export type Values = readonly (Buffer | null | undefined)[]

/** The columns of a row; all NULL if it is a truncate. */
export function valuesOf({ bytes, start, op, shape }: HistoryRow): Values {
  if (op === OP.truncate) return shape.columns.map(() => null)
  const tuple = new TupleCursor().open(bytes, start)
  const values: (Buffer | null | undefined)[] = []
  while (tuple.next()) {
    if (tuple.kind === KIND.text) values.push(bytes.subarray(tuple.start, tuple.end))
    else values.push(tuple.kind === KIND.null ? null : undefined)
  }
  return values
}

/** The header line of the history of a table. */
export function historyHeader({ columns }: Shape): Buffer {
  return csvLine([...ROW_COLUMNS, ...columns.map(({ name }) => name)].map(encode))
}

export function historyCsv(row: HistoryRow, values: Values): Buffer {
  const { op, order, commitLsn, ordinal, committedAt, shape } = row
  const unchanged = unchangedOf(shape, values).map(listedName).join(',')
  const own = [
    String.fromCharCode(op),
    order === null ? null : String(order),
    String(commitLsn),
    String(ordinal),
    formatCommitTime(committedAt),
    unchanged === '' ? null : unchanged,
  ]
  const fields = own.map((text) => (text === null ? null : encode(text)))
  return csvLine([...fields, ...values.map((value) => value ?? null)])
}

/** `row` has the columns of the table; what is unchanged is not in it. */
export function historyJson(row: HistoryRow, values: Values): string {
  const { op, order, commitLsn, ordinal, committedAt, manifest, shape } = row
  const own = {
    Op: String.fromCharCode(op),
    _order: order,
    _lsn: String(commitLsn),
    _seq: ordinal,
    _committed_at: formatCommitTime(committedAt),
    _unchanged: unchangedOf(shape, values),
    _manifest: manifest,
    row: op === OP.truncate ? null : fieldsOf(shape, values),
  }
  return `${JSON.stringify(own)}\n`
}

/** The header line of a table's present rows. */
export function rowHeader(shape: Shape): Buffer {
  return csvLine(present(shape).map((i) => encode(shape.columns[i]!.name)))
}

export function rowCsv(shape: Shape, values: Values): Buffer {
  return csvLine(present(shape).map((i) => values[i] ?? null))
}

export function rowJson(shape: Shape, values: Values): string {
  return `${JSON.stringify(fieldsOf(shape, values))}\n`
}

function fieldsOf(shape: Shape, values: Values): Record<string, string | null> {
  const fields: [string, string | null][] = []
  for (const i of present(shape)) {
    const value = values[i]
    if (value !== undefined) fields.push([shape.columns[i]!.name, value?.toString() ?? null])
  }
  return Object.fromEntries(fields)
}

/** The places of the columns that were not dropped. */
function present({ columns }: Shape): number[] {
  return [...columns.keys()].filter((i) => columns[i]!.wire !== null)
}

function unchangedOf({ columns }: Shape, values: Values): string[] {
  return columns
    .filter((_, i) => values[i] === undefined && i < values.length)
    .map(({ name }) => name)
}

function encode(text: string): Buffer {
  return Buffer.from(text)
}

const SPECIAL = /[",\r\n]/

/** NULL is an empty field, the empty text is `""`. Bytes pass as Latin-1, which keeps each as it is. */
function csvLine(values: readonly (Buffer | null)[]): Buffer {
  const fields = values.map((value) => {
    if (value === null) return ''
    const text = value.toString('latin1')
    return text === '' || SPECIAL.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  })
  return Buffer.from(`${fields.join(',')}\n`, 'latin1')
}
