/** What a comparison has to know of a table: its columns on both sides, and its key. */

import type pg from 'pg'

import { fail } from '../core/errors.ts'
import type { TableName } from '../core/table.ts'
import type { ComparedColumn } from './canonical.ts'
import type { Warehouse } from './warehouse-dialect.ts'

export interface ComparedTable {
  readonly name: TableName
  readonly columns: readonly ComparedColumn[]
  /** Columns of the primary key, in its order; empty if there is none. */
  readonly key: readonly ComparedColumn[]
  readonly isInWarehouse: boolean
}

export async function comparedTable(
  source: pg.Client,
  warehouse: Warehouse,
  name: TableName,
): Promise<ComparedTable> {
  const { rows } = await source.query<{ name: string; type: string; place: number | null }>(
    COLUMNS,
    [name.namespace, name.name],
  )
  if (rows.length === 0) fail('NO_TABLES', `the source has no table ${name.namespace}.${name.name}`)
  const found = await warehouse.query(warehouse.dialect.columns(name))
  const types = new Map(found.map(([column, type]) => [String(column), String(type)]))
  const columns = rows.map((row) => ({
    name: row.name,
    sourceType: row.type,
    warehouseType: types.get(row.name) ?? null,
    place: row.place,
  }))
  const key = columns
    .filter(({ place }) => place !== null)
    .toSorted((a, b) => Number(a.place) - Number(b.place))
  return { name, columns, key, isInWarehouse: found.length > 0 }
}

/** Domains count as their base types. Generated columns do not travel in the log. */
const COLUMNS = `
select a.attname as name, coalesce(base.typname, t.typname) as type,
  array_position(i.indkey::smallint[], a.attnum) as place
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
join pg_type t on t.oid = a.atttypid
left join pg_type base on base.oid = t.typbasetype
left join pg_index i on i.indrelid = c.oid and i.indisprimary
where n.nspname = $1 and c.relname = $2 and a.attnum > 0 and not a.attisdropped
  and a.attgenerated = ''
order by a.attnum`
