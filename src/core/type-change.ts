/**
 * What the change of a column's type means for rows that exist.
 *
 * The log has no word about them, so a change is followed only if the text of every value stays what
 * it was. `USING` can do more behind the same two types; that nobody can see.
 */

import { numericModifier, type ColumnType } from './type.ts'

/** `followable`: every value keeps its text. `rewrite`: values may be others now. */
export type TypeChange = 'none' | 'followable' | 'rewrite'

const WIDTH: Readonly<Record<string, number>> = { int2: 2, int4: 4, int8: 8 }

export function changeOf(from: ColumnType, to: ColumnType): TypeChange {
  // A type that only got another name keeps its number.
  if (from.oid === to.oid && from.modifier === to.modifier) return 'none'
  if (from.element !== undefined || to.element !== undefined) return 'rewrite'
  return keepsText(from, to) ? 'followable' : 'rewrite'
}

function keepsText(from: ColumnType, to: ColumnType): boolean {
  const width = WIDTH[from.name]
  if (width !== undefined) {
    if (to.name === 'numeric') return to.modifier === -1
    return to.name === 'text' || width <= (WIDTH[to.name] ?? 0)
  }
  if (from.name === 'numeric') return to.name === 'numeric' && isWiderNumeric(from, to)
  if (from.name === 'varchar') return to.name === 'text' || isLongerVarchar(from, to)
  return from.name === 'text' && to.name === 'varchar' && to.modifier === -1
}

function isWiderNumeric(from: ColumnType, to: ColumnType): boolean {
  const [a, b] = [numericModifier(from.modifier), numericModifier(to.modifier)]
  if (b.precision === null) return true
  return a.precision !== null && a.precision <= b.precision && a.scale === b.scale
}

function isLongerVarchar(from: ColumnType, to: ColumnType): boolean {
  if (to.name !== 'varchar') return false
  return to.modifier === -1 || (from.modifier !== -1 && from.modifier <= to.modifier)
}
