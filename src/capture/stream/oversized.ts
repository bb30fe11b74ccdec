/**
 * Tells which row is too large to be taken.
 *
 * Such a message is refused when its length is known, so there is only its beginning to look at. The
 * key mostly stands there, before the large value; where it does not, the table is named alone. This
 * is the one place where values of a row, those of its key, become part of a message: without them
 * nobody could find the row.
 */

import { CsvReader } from '../../core/csv-reader.ts'
import { CodedError } from '../../core/errors.ts'
import type { Shape, TableName } from '../../core/table.ts'
import { KIND } from '../../core/tuple.ts'

export interface OversizedRow {
  /** As people write it, or the OID if nothing else is known. */
  readonly table: string
  /** `id = 42`; empty if it is not known. */
  readonly key: string
}

/** The row of a pgoutput message of which `head` is the beginning; `null` if it is about no row. */
export function rowOf(
  head: Buffer,
  { isStreamed }: { readonly isStreamed: boolean },
  shapeOf: (oid: number) => Shape | null,
): OversizedRow | null {
  const oidAt = isStreamed ? 5 : 1
  const tupleAt = oidAt + 5
  if (!ROW_TAGS.has(head[0]!) || head.length < tupleAt) return null
  const oid = head.readUInt32BE(oidAt)
  const shape = shapeOf(oid)
  if (shape === null) return { table: `the table with OID ${oid}`, key: '' }
  const values = valuesIn(head, tupleAt)
  const key = shape.key.flatMap((index) => {
    const { name, wire } = shape.columns[index]!
    const value = wire === null ? undefined : values[wire]
    return value === undefined ? [] : [`${name} = ${clipped(value)}`]
  })
  return { table: nameOf(shape.table), key: key.length === shape.key.length ? key.join(', ') : '' }
}

/** The row of a line of CSV of which `head` is the beginning. */
export function rowOfLine(
  head: Buffer,
  table: { readonly name: TableName; readonly key: readonly string[] },
  /** Names of the columns of the line. */
  columns: readonly string[],
): OversizedRow {
  const reader = new CsvReader(columns.length)
  reader.push(head)
  reader.next()
  const key = table.key.flatMap((name) => {
    const field = columns.indexOf(name)
    const isWhole = field !== -1 && reader.end(field) > reader.start(field)
    if (!isWhole) return []
    return [`${name} = ${clipped(reader.bytes.subarray(reader.start(field), reader.end(field)))}`]
  })
  return { table: nameOf(table.name), key: key.length === table.key.length ? key.join(', ') : '' }
}

/** The same error with the row in its words. */
export function withRow(error: unknown, { table, key }: OversizedRow): unknown {
  if (!(error instanceof CodedError)) return error
  const { code, message, details, hint } = error
  const row = key === '' ? table : `${table}, ${key}`
  return new CodedError(code, `${row}: ${message}`, {
    cause: error.cause,
    details: { ...details, table },
    ...(hint !== undefined && { hint }),
  })
}

const ROW_TAGS: ReadonlySet<number> = new Set([0x49, 0x55, 0x44])

/** The texts of the columns that are whole, up to the first that is not; others are left out. */
function valuesIn(head: Buffer, at: number): (Buffer | undefined)[] {
  const values: (Buffer | undefined)[] = []
  if (head.length < at + 2) return values
  const count = head.readUInt16BE(at)
  let next = at + 2
  while (values.length < count && next < head.length) {
    const kind = head[next++]
    if (kind !== KIND.text) {
      values.push(undefined)
      continue
    }
    if (next + 4 > head.length) break
    const start = next + 4
    next = start + head.readUInt32BE(next)
    if (next > head.length) break
    values.push(head.subarray(start, next))
  }
  return values
}

const LONGEST_VALUE = 60

function clipped(value: Buffer): string {
  const text = value.toString()
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text
}

function nameOf({ namespace, name }: TableName): string {
  return `${namespace}.${name}`
}
