/**
 * Whose fault a failure is.
 *
 * A table that fails for good is suspended, and the others go on; so an error must say which table it
 * belongs to, in `details.table`. What may pass by itself is nobody's fault, and is tried again.
 */

import { CodedError } from '../core/errors.ts'
import { tableName, type TableId } from '../core/table.ts'

/** The same error, with the table it belongs to. */
export function ofTable(error: unknown, table: TableId): unknown {
  if (!(error instanceof CodedError) || error.recovery === 'retry') return error
  if (error.details['table'] !== undefined) return error
  const { code, message, hint } = error
  const details = { ...error.details, table }
  return new CodedError(code, message, {
    cause: error,
    details,
    ...(hint === undefined ? {} : { hint }),
  })
}

/** The table among `tables` that an error says it belongs to; `null` if others must not go on either. */
export function tableAtFault(error: unknown, tables: Iterable<TableId>): TableId | null {
  if (!(error instanceof CodedError) || error.recovery === 'retry') return null
  const named = error.details['table']
  for (const table of tables) {
    const { namespace, name } = tableName(table)
    if (named === table || named === `${namespace}.${name}`) return table
  }
  return null
}
