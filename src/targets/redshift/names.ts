/**
 * Names and texts as Redshift has them.
 *
 * It folds ASCII letters to lower case even in quotes, so what we write is folded already: then a
 * cluster with `enable_case_sensitive_identifier` has the same names. Two names that fall together
 * are an error, never one table. In a text a backslash escapes what follows.
 *
 * https://docs.aws.amazon.com/redshift/latest/dg/r_names.html
 */

import { createHash } from 'node:crypto'

import { fail } from '../../core/errors.ts'
import { tableId, tableName, type Shape, type TableId, type TableName } from '../../core/table.ts'
import type { TargetTable } from '../../core/target.ts'
import { identifier, placeOf } from '../sql/names.ts'

const MAX_NAME_BYTES = 127
const HASH_DIGITS = 8

/** Columns of the system, whose names no other column may have. */
const SYSTEM: ReadonlySet<string> = new Set([
  'oid', 'tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid', 'deletexid', 'insertxid',
]) // prettier-ignore

export function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}

export function folded(name: string): string {
  return name.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

export function columnName(name: string): string {
  const lower = folded(name)
  return SYSTEM.has(lower) ? `${lower}_` : lower
}

export function foldedTable({ namespace, name }: TableName): TableName {
  return { namespace: folded(namespace), name: folded(name) }
}

/** Where a table stands. */
export function place({ name, isShadow }: TargetTable): TableName {
  return placeOf({ name: foldedTable(name), isShadow }, MAX_NAME_BYTES)
}

export function qualified({ namespace, name }: TableName): string {
  return `${identifier(namespace)}.${identifier(name)}`
}

/** The shape with the names that it has here. Columns that fall together are an error. */
export function foldedShape(shape: Shape): Shape {
  const columns = shape.columns.map((column) => ({ ...column, name: columnName(column.name) }))
  const seen = new Map<string, string>()
  for (const [i, { name, wire }] of columns.entries()) {
    if (wire === null) continue
    const other = seen.get(name)
    const own = shape.columns[i]!.name
    if (other !== undefined) {
      const id = tableId(shape.table)
      fail('NAME_TAKEN', `${id}: columns ${other} and ${own} are one name in Redshift: ${name}`, {
        details: { table: id, column: own },
      })
    }
    seen.set(name, own)
  }
  return { ...shape, table: foldedTable(shape.table), columns }
}

/** Fails if another table of the target has the name already. */
export function requireOwnName(table: TableName, others: Iterable<TableId>): void {
  const id = tableId(table)
  const own = tableId(foldedTable(table))
  for (const other of others) {
    if (other === id || tableId(foldedTable(tableName(other))) !== own) continue
    fail('NAME_TAKEN', `${id} and ${other} are one table in Redshift, which folds names`, {
      details: { table: id },
    })
  }
}

/** Part of the names of what belongs to one consumer: readable, and no two alike. */
export function suffixOf(consumer: string): string {
  const hash = createHash('sha256').update(consumer).digest('hex').slice(0, HASH_DIGITS)
  return `_${consumer
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, 80)}_${hash}`
}
