/**
 * Compares every table of the source with the warehouse: every row, all columns.
 *
 * Either side turns a row into one canonical text (`canonical.ts`) and sends its key and an MD5 of it,
 * in the order of keys, in pieces; so 300,000 rows take seconds, and memory holds two pieces
 * however large a table is. The source is read in one snapshot. Only for rows that differ are the
 * values themselves fetched, to name the columns. A table without a primary key is compared as a
 * bag of rows.
 */

import type pg from 'pg'

import type { TableName } from '../core/table.ts'
import { quoteLiteral, quoteTable } from '../postgres/quote.ts'
import { CANONICAL_SETTINGS, sourceRow, unframe, type ComparedColumn } from './canonical.ts'
import { comparedTable, type ComparedTable } from './compared-table.ts'
import { mergeRows, type Difference, type HashedRow, type MergeResult } from './merge-rows.ts'
import {
  dialectOf,
  type Warehouse,
  type WarehouseDialect,
  type WarehouseQuery,
} from './warehouse-dialect.ts'

export interface TableComparison {
  /** `app.orders` */
  readonly table: string
  /** At the source. */
  readonly rows: number
  readonly missing: number
  readonly extra: number
  readonly different: number
  /** The first differences, at most 20. */
  readonly keys: readonly DifferingKey[]
}

interface DifferingKey {
  /** `missing`: the source has the row and the warehouse does not. `extra`: the other way round. */
  readonly kind: Difference['kind']
  /** `order_id=7, line_no=2` */
  readonly key: string
  /** Those that differ, if both sides have the row. */
  readonly columns: readonly string[]
}

/** Nothing else may be running on `source` meanwhile. */
export async function compareTables(
  source: pg.Client,
  query: WarehouseQuery,
  tables: readonly TableName[],
): Promise<TableComparison[]> {
  const warehouse = { query, dialect: await dialectOf(query) }
  await source.query('begin transaction isolation level repeatable read read only')
  try {
    await source.query(CANONICAL_SETTINGS)
    const results: TableComparison[] = []
    for (const name of tables) results.push(await compareTable(source, warehouse, name))
    return results
  } finally {
    await source.query('rollback')
  }
}

/** The sum over all tables of rows that are not as they should be. */
export function countDifferences(results: readonly TableComparison[]): number {
  let total = 0
  for (const { missing, extra, different } of results) total += missing + extra + different
  return total
}

async function compareTable(
  source: pg.Client,
  warehouse: Warehouse,
  name: TableName,
): Promise<TableComparison> {
  const table = await comparedTable(source, warehouse, name)
  const { first, ...counts } = await mergeRows(
    sourceRows(source, hashedRows(table, sourceRow)),
    table.isInWarehouse
      ? warehouseRows(warehouse, hashedRows(table, warehouse.dialect.row))
      : noRows(),
  )
  const keys = await describe({ source, warehouse, table, first })
  return { table: `${name.namespace}.${name.name}`, ...counts, keys }
}

const PIECE_ROWS = 20_000

/** Selects `key` and `hash` of every row, in no order. */
function hashedRows({ name, columns, key }: ComparedTable, row: WarehouseDialect['row']): string {
  const hash = `md5(${row(columns)})`
  const from = `from ${quoteTable(name)}`
  return `select ${key.length > 0 ? row(key) : hash} as key, ${hash} as hash ${from}`
}

async function* sourceRows(source: pg.Client, select: string): AsyncGenerator<HashedRow> {
  await source.query(
    `declare compared no scroll cursor for
     select key, hash from (${select}) as compared order by key collate "C", hash collate "C"`,
  )
  const fetch = { text: `fetch ${PIECE_ROWS} from compared`, rowMode: 'array' } as const
  for (;;) {
    const { rows } = await source.query<[string, string]>(fetch)
    for (const [key, hash] of rows) yield { key, hash }
    if (rows.length < PIECE_ROWS) break
  }
  await source.query('close compared')
}

/** Every piece begins at the last key of the one before, less the rows of that key already seen. */
async function* warehouseRows(
  { query, dialect: { binary } }: Warehouse,
  select: string,
): AsyncGenerator<HashedRow> {
  let last = ''
  let seen = 0
  for (;;) {
    const piece = await query(
      `select key, hash from (${select}) as compared
       where key ${binary} >= ${quoteLiteral(last)}
       order by key ${binary}, hash ${binary} limit ${PIECE_ROWS} offset ${seen}`,
    )
    for (const [keyValue, hashValue] of piece) {
      const key = String(keyValue)
      seen = key === last ? seen + 1 : 1
      last = key
      yield { key, hash: String(hashValue) }
    }
    if (piece.length < PIECE_ROWS) return
  }
}

async function* noRows(): AsyncGenerator<HashedRow> {
  // The warehouse does not have the table.
}

interface Findings {
  readonly source: pg.Client
  readonly warehouse: Warehouse
  readonly table: ComparedTable
  readonly first: MergeResult['first']
}

async function describe({ source, warehouse, table, first }: Findings): Promise<DifferingKey[]> {
  const described: DifferingKey[] = []
  for (const { kind, key } of first) {
    const values = table.key.length > 0 ? unframe(key) : [key]
    const names = table.key.length > 0 ? table.key.map(({ name }) => name) : ['md5 of the row']
    const text = names.map((name, i) => `${name}=${values[i] ?? 'NULL'}`).join(', ')
    const columns =
      kind === 'different' ? await differingColumns(source, warehouse, { table, key }) : []
    described.push({ kind, key: text, columns })
  }
  return described
}

async function differingColumns(
  source: pg.Client,
  warehouse: Warehouse,
  { table, key }: { readonly table: ComparedTable; readonly key: string },
): Promise<string[]> {
  const select = (row: (columns: readonly ComparedColumn[]) => string) =>
    `select ${row(table.columns)}
     from ${quoteTable(table.name)}
     where ${row(table.key)} = ${quoteLiteral(key)} limit 1`
  const { rows } = await source.query<[string]>({ text: select(sourceRow), rowMode: 'array' })
  const expected = unframe(rows[0]?.[0] ?? '')
  const [inWarehouse] = (await warehouse.query(select(warehouse.dialect.row)))[0] ?? []
  const found = unframe(typeof inWarehouse === 'string' ? inWarehouse : '')
  return table.columns.filter((_, i) => expected[i] !== found[i]).map(({ name }) => name)
}
