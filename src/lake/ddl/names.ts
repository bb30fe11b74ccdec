/** Names that every engine takes: lower case letters, digits and underscores, each once in a table. */

import type { Column, TableName } from '../../core/table.ts'
import { ROW_COLUMNS } from '../codecs/row-columns.ts'

/** `app_orders` */
export function engineName({ namespace, name }: TableName): string {
  return plain(`${namespace}_${name}`)
}

/** The names of the lake's own columns, and those of a table. A dropped column keeps its place. */
export function rawNames(columns: readonly Column[]): { own: string[]; table: string[] } {
  const taken = new Set<string>()
  const own = ROW_COLUMNS.map((name) => unique(plain(name), taken))
  const table = columns.map(({ name, wire }) =>
    unique(wire === null ? `dropped_${plain(name)}` : plain(name), taken),
  )
  return { own, table }
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9_]/g, '_')
}

/** Engines do not tell `Op` from `op`, or `a-b` from `a_b`. */
function unique(name: string, taken: Set<string>): string {
  let found = name
  for (let i = 2; taken.has(found); i++) found = `${name}_${i}`
  taken.add(found)
  return found
}
