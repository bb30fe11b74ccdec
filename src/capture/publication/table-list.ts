/** Names of tables as people read them in a finding. */

import type { TableName } from '../../core/table.ts'

const LISTED = 20

export function listed(names: readonly TableName[]): string {
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : ''
  return names.slice(0, LISTED).map(plain).join(', ') + more
}

/** As people write it in source.tables. */
export function plain({ namespace, name }: TableName): string {
  return `${namespace}.${name}`
}
