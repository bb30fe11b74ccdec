/**
 * Tables, and the shapes they take over time.
 *
 * A table is known by its OID at the source and written by its id, `app.orders`: the escaped form of
 * its name that is also its folder in the lake (`app/orders`). A shape is its columns and key at one
 * time. The columns of a shape stand in the order of their first appearance: a new one is appended,
 * a dropped one keeps its empty place, so readers that go by position never break.
 */

import type { Narrowing } from './narrowing.ts'
import type { ColumnType } from './type.ts'

export interface TableName {
  readonly namespace: string
  readonly name: string
}

declare const brand: unique symbol
/** `app.orders`: both names escaped, so that it can be split at the dot and used in paths. */
export type TableId = string & { readonly [brand]: 'TableId' }

export interface Column {
  readonly name: string
  readonly type: ColumnType
  /** The place of the column in the tuples of the wire; `null` once it was dropped. */
  readonly wire: number | null
  /** `attnum` at the source, which a column keeps when it is renamed; absent if it is not known. */
  readonly attnum?: number
}

export interface Shape {
  readonly table: TableName
  readonly oid: number
  /** 1 for the first shape of a table in a lake, and so on. */
  readonly number: number
  readonly columns: readonly Column[]
  /** Indices into `columns` of the columns by which a row is found again; empty if there are none. */
  readonly key: readonly number[]
  /** What of the table the log does not have; absent if it has everything. */
  readonly narrowing?: Narrowing
}

export function tableId({ namespace, name }: TableName): TableId {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a brand exists only in types
  return `${escapeName(namespace)}.${escapeName(name)}` as TableId
}

export function tableName(id: TableId): TableName {
  const dot = id.indexOf('.')
  return { namespace: unescapeName(id.slice(0, dot)), name: unescapeName(id.slice(dot + 1)) }
}

/**
 * A name as it may stand in paths: `a-z0-9_-` are kept, all other bytes of its UTF-8, and a leading
 * `_` or `.`, become `~XX`. Athena ignores what begins with `_` or `.`.
 */
export function escapeName(name: string): string {
  let escaped = ''
  for (const [i, byte] of Buffer.from(name).entries()) {
    escaped +=
      isPlain(byte) && !(i === 0 && byte === UNDERSCORE) ? String.fromCharCode(byte) : tilde(byte)
  }
  return escaped
}

export function unescapeName(escaped: string): string {
  const bytes = escaped.replaceAll(/~([0-9A-F]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString()
}

const UNDERSCORE = 0x5f
const HYPHEN = 0x2d

function isPlain(byte: number): boolean {
  const isLetter = byte >= 0x61 && byte <= 0x7a
  const isDigit = byte >= 0x30 && byte <= 0x39
  return isLetter || isDigit || byte === UNDERSCORE || byte === HYPHEN
}

function tilde(byte: number): string {
  return `~${byte.toString(16).toUpperCase().padStart(2, '0')}`
}
