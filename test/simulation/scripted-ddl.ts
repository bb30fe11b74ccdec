/**
 * `ALTER TABLE` of a scripted table: what becomes of its columns, its rows and its catalogs.
 *
 * Nothing of it is in the stream before the next row of the table, and some of it never is: what rows
 * have in a column with a computed default, or in one that took the name of another.
 */

import type { Random } from './random.ts'
import type { Draft } from './scripted-draft.ts'
import { FIRST_COLUMNS, type Row, type Table } from './scripted-table.ts'

export interface DdlParts {
  readonly random: Random
  /** A name that was never used. */
  readonly newName: () => string
  readonly newValue: () => string | null
}

export function alter(draft: Draft, table: Table, parts: DdlParts): void {
  const { random } = parts
  const what = random.below(10)
  if (what < 3) return add(draft, table, { name: parts.newName(), value: constant(parts) })
  if (what < 4) return add(draft, table, { name: parts.newName(), value: parts.newValue })
  const { columns } = draft.of(table.name)
  const own = columns.slice(FIRST_COLUMNS.length)
  if (what < 6 && own.length > 0) {
    return replace(draft, table, { name: random.pick(own), value: constant(parts) })
  }
  const free = table.gone.filter((name) => !columns.includes(name))
  if (what < 7 && free.length > 0) {
    return add(draft, table, { name: random.pick(free), value: constant(parts) })
  }
  if (own.length === 0) return
  const name = random.pick(own)
  if (what < 9) return drop(draft, table, name)
  const isTaken = free.length > 0 && random.chance(0.4)
  rename(draft, table, { from: name, to: isTaken ? random.pick(free) : parts.newName() })
}

/** One for all rows that exist. */
function constant({ random, newName }: DdlParts): string | null {
  return random.chance(0.3) ? null : `d${newName()}`
}

interface Added {
  readonly name: string
  /** A function is called for each row. */
  readonly value: string | null | (() => string | null)
}

function add(draft: Draft, table: Table, { name, value }: Added): void {
  const { columns } = draft.of(table.name)
  const isComputed = typeof value === 'function'
  table.add(name, isComputed ? undefined : value)
  draft.alter(table, {
    columns: [...columns, name],
    unclear: name,
    row: (row) => ({ ...row, [name]: isComputed ? value() : value }),
  })
}

function drop(draft: Draft, table: Table, name: string): void {
  const { columns } = draft.of(table.name)
  table.drop(name)
  draft.alter(table, {
    columns: columns.filter((column) => column !== name),
    unclear: name,
    row: (row) => row,
  })
}

/** Another column of the name, in one statement. */
function replace(draft: Draft, table: Table, change: Added): void {
  drop(draft, table, change.name)
  add(draft, table, change)
}

function rename(
  draft: Draft,
  table: Table,
  { from, to }: { readonly from: string; readonly to: string },
): void {
  const { columns } = draft.of(table.name)
  table.rename(from, to)
  draft.alter(table, {
    columns: columns.map((column) => (column === from ? to : column)),
    unclear: to,
    row: ({ [from]: value, ...row }): Row => ({ ...row, [to]: value! }),
  })
}
