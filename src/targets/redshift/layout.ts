/** How the rows of a table are spread over the cluster and sorted: what a user says of it. */

import { fail } from '../../core/errors.ts'
import { tableId, type TableName } from '../../core/table.ts'
import { identifier } from '../sql/names.ts'
import { columnName } from './names.ts'

export interface Layout {
  readonly distStyle?: 'auto' | 'even' | 'all' | 'key' | undefined
  readonly distKey?: string | undefined
  readonly sortKey?: readonly string[] | undefined
}

/** The layout that a table shall have; `null`: what Redshift thinks best. */
export type LayoutOf = (table: TableName) => Layout | null

/** What stands behind the columns of CREATE TABLE. */
export function attributesOf(
  { distStyle, distKey, sortKey = [] }: Layout,
  { table, columns }: { readonly table: TableName; readonly columns: ReadonlySet<string> },
): string {
  const known = (name: string): string => {
    const own = columnName(name)
    if (columns.has(own)) return identifier(own)
    const id = tableId(table)
    return fail('CONFIG_INVALID', `${id}: its layout names a column ${name}, which it has not`, {
      details: { table: id },
    })
  }
  const style = distStyle ?? (distKey === undefined ? undefined : 'key')
  return [
    ...(style === undefined ? [] : [` DISTSTYLE ${style.toUpperCase()}`]),
    ...(distKey === undefined ? [] : [` DISTKEY (${known(distKey)})`]),
    ...(sortKey.length === 0 ? [] : [` COMPOUND SORTKEY (${sortKey.map(known).join(', ')})`]),
  ].join('')
}
