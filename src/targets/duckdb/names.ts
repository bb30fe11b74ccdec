/**
 * Names as DuckDB has them.
 *
 * It renames a table within its schema only, and ignores the case of names even between quotes, which
 * PostgreSQL does not.
 */

import { fail } from '../../core/errors.ts'
import { tableId, type TableName } from '../../core/table.ts'
import { identifier } from '../sql/names.ts'

/** The schema of the ledger. */
export const OWN_SCHEMA = '_millrace'

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
