/**
 * What the system catalogs say about tables.
 *
 * https://www.postgresql.org/docs/current/catalogs.html
 */

import type { Client } from 'pg'

import type { TableName } from '../core/table.ts'
import type { RowMemory } from './row-memory.ts'

export type Identity = 'default' | 'index' | 'full' | 'nothing'

export interface SourceTable {
  readonly oid: number
  readonly name: TableName
  readonly identity: Identity
  readonly isPartitioned: boolean
  /** In the order of the table. Generated columns are left out: the stream does not carry them. */
  readonly columns: readonly SourceColumn[]
  /** Names of the columns by which rows are found again; empty if there are none. */
  readonly key: readonly string[]
  /**
   * As of the last ANALYZE, 0 before the first. The true size would be told only once nobody holds a
   * lock on the table.
   */
  readonly estimatedRows: number
  readonly estimatedBytes: number
}

export interface SourceColumn {
  readonly name: string
  readonly typeOid: number
  readonly modifier: number
  readonly attnum: number
}

const IDENTITIES: Readonly<Record<string, Identity>> = {
  d: 'default',
  i: 'index',
  f: 'full',
  n: 'nothing',
}

/**
 * Key: the columns of the replica identity's index. Under FULL that is all columns for the server;
 * we take the primary key then, if there is one, for rows are found by it just as well. A deferrable
 * index is no identity for the server, and within a transaction its keys need not be unique. What an
 * index only INCLUDEs is no part of its key.
 */
const TABLES = `
  select c.oid, n.nspname as namespace, c.relname as name, c.relreplident as identity,
         c.relkind = 'p' as is_partitioned,
         greatest(c.reltuples, 0)::float8 as estimated_rows,
         greatest(c.relpages + coalesce((select toast.relpages from pg_catalog.pg_class toast
                                          where toast.oid = c.reltoastrelid), 0), 0)::float8
           * pg_catalog.current_setting('block_size')::int as estimated_bytes,
         coalesce((select json_agg(json_build_array(a.attname, a.atttypid::bigint, a.atttypmod, a.attnum) order by a.attnum)
                     from pg_catalog.pg_attribute a
                    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                      and a.attgenerated = ''), '[]') as columns,
         coalesce((select json_agg(a.attname order by a.attnum)
                     from pg_catalog.pg_index i
                     join pg_catalog.pg_attribute a on a.attrelid = c.oid
                      and exists (select from generate_series(0, i.indnkeyatts - 1) as k
                                   where i.indkey[k] = a.attnum)
                    where i.indrelid = c.oid and i.indisvalid and i.indimmediate
                      and case c.relreplident when 'i' then i.indisreplident
                                              when 'n' then false
                                              else i.indisprimary end), '[]') as key
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace`

const REPLICABLE = `${TABLES}
   where c.relkind in ('r', 'p') and c.relpersistence = 'p' and not c.relispartition
     and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_%'
   order by n.nspname, c.relname`

/** Tables that can be replicated: not temporary, not unlogged, no partitions (their root stands for them). */
export async function listTables(
  client: Client,
  memory: RowMemory,
): Promise<readonly SourceTable[]> {
  const read = (rows: readonly TableRow[]): SourceTable[] => rows.map(tableOf)
  return memory.query(client, { sql: REPLICABLE, read })
}

/** The table as the transaction of `client` sees it, or `null` if it is gone. */
export async function describeTable(client: Client, oid: number): Promise<SourceTable | null> {
  const { rows } = await client.query<TableRow>(`${TABLES} where c.oid = $1`, [oid])
  return rows[0] ? tableOf(rows[0]) : null
}

/** The text that rows have in columns which were added after them: attmissingval, by column name. */
export async function missingValues(
  client: Client,
  oid: number,
): Promise<Map<string, string | null>> {
  const { rows } = await client.query<{ name: string; value: string | null }>(
    // An array of one value, whose own notation cannot be read without knowing its delimiter.
    `select attname as name, array_to_string(attmissingval, '') as value
       from pg_catalog.pg_attribute
      where attrelid = $1 and attnum > 0 and not attisdropped and atthasmissing`,
    [oid],
  )
  return new Map(rows.map(({ name, value }) => [name, value]))
}

/** Names of the columns that have a default now, their own or that of their type, or an identity. */
export async function columnsWithDefault(client: Client, oid: number): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>(
    `select a.attname as name
       from pg_catalog.pg_attribute a
       left join pg_catalog.pg_type t on t.oid = a.atttypid
      where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped
        and (a.atthasdef or a.attidentity <> '' or t.typtype = 'd')`,
    [oid],
  )
  return new Set(rows.map(({ name }) => name))
}

function tableOf(row: TableRow): SourceTable {
  return {
    oid: Number(row.oid),
    name: { namespace: row.namespace, name: row.name },
    identity: IDENTITIES[row.identity] ?? 'default',
    isPartitioned: row.is_partitioned,
    columns: row.columns.map(([name, typeOid, modifier, attnum]) => ({
      name,
      typeOid,
      modifier,
      attnum,
    })),
    key: row.key,
    estimatedRows: row.estimated_rows,
    estimatedBytes: row.estimated_bytes,
  }
}

interface TableRow {
  readonly oid: string
  readonly namespace: string
  readonly name: string
  readonly identity: string
  readonly is_partitioned: boolean
  readonly estimated_rows: number
  readonly estimated_bytes: number
  readonly columns: readonly [string, number, number, number][]
  readonly key: readonly string[]
}
