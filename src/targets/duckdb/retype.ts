/**
 * A column that takes another type, with the rows that exist.
 *
 * Only a change that keeps every value is made here: it must lead back to what was there.
 */

import type { Retyped } from '../../core/shape-diff.ts'
import type { TargetTable } from '../../core/target.ts'
import { ambiguousType } from '../sql/columns.ts'
import { identifier, placeOf } from '../sql/names.ts'
import { qualified } from './names.ts'
import type { Transaction } from './transaction.ts'
import { duckdbType } from './types.ts'

const NUMBER = /^(SMALLINT|INTEGER|BIGINT|UINTEGER|FLOAT|DOUBLE|DECIMAL\(.+\))$/
/** Types whose text in DuckDB is that of PostgreSQL. */
const SAME_TEXT = /^(SMALLINT|INTEGER|BIGINT|UINTEGER|UUID|JSON|DECIMAL\(.+\))$/

export async function retype(
  tx: Transaction,
  table: TargetTable,
  { name, from, to }: Retyped,
): Promise<void> {
  const place = qualified(placeOf(table))
  const column = identifier(name)
  const types = { from: duckdbType(from), to: duckdbType(to) }
  if (!mayKeep(types.from, types.to)) ambiguousType(table, name, types)
  const there = `TRY_CAST(${column} AS ${types.to})`
  const [row] = await tx.connection.rows(
    `SELECT count(*) AS lost FROM ${place}
     WHERE TRY_CAST(${there} AS ${types.from}) IS DISTINCT FROM ${column}`,
  )
  if (Number(row?.['lost']) > 0) ambiguousType(table, name, types)
  await tx.run(
    `ALTER TABLE ${place} ALTER COLUMN ${column} SET DATA TYPE ${types.to}
     USING CAST(${column} AS ${types.to})`,
  )
}

function mayKeep(from: string, to: string): boolean {
  if (NUMBER.test(from) && NUMBER.test(to)) return true
  if (from === 'VARCHAR') return SAME_TEXT.test(to)
  return to === 'VARCHAR' && SAME_TEXT.test(from) && !isFraction(from)
}

/** DuckDB writes a decimal without digits before the point as `.5`. */
function isFraction(type: string): boolean {
  const [, precision, scale] = /^DECIMAL\((\d+), (\d+)\)$/.exec(type) ?? []
  return precision !== undefined && precision === scale
}
