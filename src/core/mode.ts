/**
 * How a target keeps a table: as it is now, with the rows that are gone, or with every version.
 *
 *   mirror        the rows that the source has
 *   soft-delete   those, and the rows that were deleted, with the time in `_deleted_at`
 *   history       a row for each change, with `_op`, `_order`, `_lsn`, `_seq` and `_committed_at`
 *
 * What a mode adds are columns behind those of the table. They have numbers below zero, as the
 * system's own have in PostgreSQL, so that none is taken for a column that was renamed.
 */

import { fail } from './errors.ts'
import { tableId, type Column, type Shape } from './table.ts'
import type { ColumnType } from './type.ts'

export const MODES = ['mirror', 'soft-delete', 'history'] as const
export type Mode = (typeof MODES)[number]

/** When a row was deleted; NULL while it is there. */
export const DELETED_AT = '_deleted_at'
/** Orders the versions of a row; no two changes of a table have the same. */
export const VERSION_ORDER = '_order'

const TEXT: ColumnType = { oid: 25, name: 'text', modifier: -1 }
const INT8: ColumnType = { oid: 20, name: 'int8', modifier: -1 }
const TIME: ColumnType = { oid: 1184, name: 'timestamptz', modifier: -1 }

const ADDED: Record<Mode, readonly Column[]> = {
  mirror: [],
  'soft-delete': columns([[DELETED_AT, TIME]]),
  // In the order in which `kept-rows.ts` writes them.
  history: columns([
    ['_op', TEXT],
    [VERSION_ORDER, INT8],
    ['_lsn', INT8],
    ['_seq', INT8],
    ['_committed_at', TIME],
  ]),
}

function columns(of: readonly (readonly [string, ColumnType])[]): Column[] {
  return of.map(([name, type], i) => ({ name, type, wire: -1, attnum: -101 - i }))
}

/** How many columns the mode adds. */
export function addedBy(mode: Mode): number {
  return ADDED[mode].length
}

/** Whether a mode has added the column. */
export function isAdded({ attnum }: Column): boolean {
  return attnum !== undefined && attnum < 0
}

/** The shape of the table as the target has it. A table of versions has no key: its keys repeat. */
export function shapeInMode(shape: Shape, mode: Mode): Shape {
  const rows = shapeOfRows(shape, mode)
  return mode === 'history' ? { ...rows, key: [] } : rows
}

/** The shape of the rows that are brought into it, with the key by which they are found. */
export function shapeOfRows(shape: Shape, mode: Mode): Shape {
  const added = ADDED[mode]
  if (added.length === 0) return shape
  const names = new Set(added.map(({ name }) => name))
  const taken = shape.columns.find(({ name, wire }) => wire !== null && names.has(name))
  if (taken !== undefined) {
    const id = tableId(shape.table)
    fail('NAME_TAKEN', `${id} has a column ${taken.name}, which is what mode ${mode} adds`, {
      details: { table: id, column: taken.name },
    })
  }
  return { ...shape, columns: [...shape.columns, ...added] }
}
