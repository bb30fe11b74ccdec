/** Column types as the catalog of PostgreSQL gives them. OIDs of types that nobody looks up are 0. */

import type { ColumnType } from '../../src/core/type.ts'

export function typeOf(name: string, modifier = -1): ColumnType {
  return { oid: 0, name, modifier }
}

export function numeric(precision: number, scale: number): ColumnType {
  return typeOf('numeric', ((precision << 16) | (scale & 0x7ff)) + 4)
}

export function arrayOf(element: ColumnType): ColumnType {
  return { oid: 0, name: element.name, modifier: element.modifier, element }
}
