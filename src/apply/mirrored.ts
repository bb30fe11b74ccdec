/**
 * Which tables a target can hold in which mode.
 *
 * Who keeps every version only appends, and takes any table. Who shows rows as they are now has to find the row that an update or delete is about, and so needs a key. A table without one is
 * refused alone, by an error that carries its name: it is suspended, and the others go on. Once it has
 * a key at the source it is loaded again, and the load takes the place of the suspended row.
 */

import { fail } from '../core/errors.ts'
import type { Mode } from '../core/mode.ts'
import { tableId, type Shape } from '../core/table.ts'

/** Fails with TABLE_WITHOUT_KEY, before anything of the table is in the target. */
export function requireKey({ key, table }: Shape, mode: Mode = 'mirror'): void {
  if (key.length > 0 || mode === 'history') return
  const name = `${table.namespace}.${table.name}`
  fail('TABLE_WITHOUT_KEY', `${name} has no key by which the target could find its rows`, {
    details: { table: tableId(table) },
  })
}
