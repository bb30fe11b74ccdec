/**
 * When a table of a target equals one of the source.
 *
 * Rows are compared column by column, by name. A column that the stream has not shown yet may be
 * missing, one that is gone at the source keeps what it had, and so does one whose name has passed to
 * another that the stream has not shown yet.
 */

import type { MemoryTable } from '../support/memory-steps.ts'
import type { TableState } from './scripted-table.ts'

/** `null` if they are equal; else a sentence. */
export function difference(
  target: Pick<MemoryTable, 'shape' | 'rows'> | null,
  source: TableState,
): string | null {
  if (target === null) return source.rows.size === 0 ? null : `no table, source ${inWords(source)}`
  const places = new Map(
    target.shape.columns.flatMap(({ name, wire }, i) => (wire === null ? [] : [[name, i]])),
  )
  const absent = source.shown.find((name) => !places.has(name) && source.columns.includes(name))
  if (absent !== undefined) return `no column ${absent}`
  const columns = source.columns.filter((name) => places.has(name) && !source.unclear.has(name))
  const rows = new Map(
    [...target.rows.values()].map((row) => [
      row[places.get('id')!]!,
      Object.fromEntries(columns.map((name) => [name, row[places.get(name)!]!])),
    ]),
  )
  const [has, should] = [inWords({ rows, columns }), inWords({ rows: source.rows, columns })]
  return has === should ? null : `[${has}] source [${should}]`
}

function inWords({ rows, columns }: Pick<TableState, 'rows' | 'columns'>): string {
  return [...rows.values()]
    .map((row) => columns.map((name) => `${name}=${row[name] ?? 'NULL'}`).join())
    .toSorted()
    .join('; ')
}
