/**
 * Names and literals in DuckDB's SQL, and where a table stands.
 *
 * A shadow stands beside its live table, in the same schema, because DuckDB renames within a schema
 * only: that makes the swap a matter of the catalog, whatever the size.
 *
 * DuckDB ignores the case of names even between quotes, PostgreSQL does not.
 */

import { fail } from '../../core/errors.ts'
import { tableId, type TableName } from '../../core/table.ts'
import type { TargetTable } from '../../core/target.ts'

/** The schema of the ledger. */
export const OWN_SCHEMA = '_millrace'

const SHADOW_SUFFIX = '__millrace_load'

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

export function placeOf({ name, isShadow }: TargetTable): TableName {
  return isShadow ? { namespace: name.namespace, name: `${name.name}${SHADOW_SUFFIX}` } : name
}

export function qualified(place: TableName): string {
  if (place.namespace.toLowerCase() === OWN_SCHEMA) {
    fail('TARGET_FAILED', `the schema ${OWN_SCHEMA} of DuckDB is taken by the ledger`, {
      details: { table: tableId(place) },
    })
  }
  return `${identifier(place.namespace)}.${identifier(place.name)}`
}

export function isSameName(a: TableName, b: TableName): boolean {
  const isSameSchema = a.namespace.toLowerCase() === b.namespace.toLowerCase()
  return isSameSchema && a.name.toLowerCase() === b.name.toLowerCase()
}
