/** What a publication publishes, as the catalogs say it. */

import type { Client } from 'pg'

import type { TableName } from '../../core/table.ts'
import { quoteTable } from '../../postgres/quote.ts'
import { RowMemory } from '../../postgres/row-memory.ts'

export interface PublicationFacts {
  /** By us. */
  readonly isOwned: boolean
  readonly hasAllTables: boolean
  /** Inserts, updates, deletes and truncates. */
  readonly hasAllKinds: boolean
  /** Changes of partitions come as those of their root. */
  readonly isViaRoot: boolean
  /** Stored generated columns are published; 18 and later. */
  readonly hasGenerated: boolean
  readonly comment: string | null
  /** Quoted names. With all tables, only those that were named beside. */
  readonly tables: ReadonlySet<string>
  /** What it publishes of tables of which it does not publish all; 15 and later. By quoted name. */
  readonly narrowed: ReadonlyMap<string, Narrowed>
}

export interface Narrowed {
  /** Names of the columns; `null` if all are published, those of later too. */
  readonly columns: readonly string[] | null
  /** A condition in SQL; `null` if all rows are published. */
  readonly rows: string | null
}

const WHOLE: Narrowed = { columns: null, rows: null }

interface PublicationRow extends Omit<PublicationFacts, 'tables' | 'narrowed'> {
  readonly oid: string
  readonly hasSchemas: boolean
}

/** Columns and catalogs that not all versions have are read as JSON, and asked for. */
const PUBLICATION = `
  select p.oid, pg_has_role(p.pubowner, 'USAGE') as "isOwned", p.puballtables as "hasAllTables",
         p.pubinsert and p.pubupdate and p.pubdelete and p.pubtruncate as "hasAllKinds",
         p.pubviaroot as "isViaRoot",
         coalesce(to_jsonb(p) ->> 'pubgencols', 'n') <> 'n' as "hasGenerated",
         obj_description(p.oid, 'pg_publication') as comment,
         to_regclass('pg_catalog.pg_publication_namespace') is not null as "hasSchemas"
    from pg_publication p where p.pubname = $1`

/** The view pg_publication_tables says the same, but waits for every table that somebody alters. */
const BY_NAME = `
  select n.nspname as namespace, c.relname as name, null as columns, null as rows
    from pg_publication_rel r
    join pg_class c on c.oid = r.prrelid
    join pg_namespace n on n.oid = c.relnamespace
   where r.prpubid = $1`

/** Column lists and row filters, 15 and later. */
const LISTED = `
  (select json_agg(a.attname order by a.attnum) from pg_attribute a
    where a.attrelid = r.prrelid and a.attnum = any (r.prattrs)) as columns,
  pg_get_expr(r.prqual, r.prrelid) as rows`

const BY_NAME_NARROWED = BY_NAME.replace('null as columns, null as rows', LISTED)

/** FOR TABLES IN SCHEMA, 15 and later. */
const BY_SCHEMA = `
  select n.nspname as namespace, c.relname as name, null as columns, null as rows
    from pg_publication_namespace s
    join pg_namespace n on n.oid = s.pnnspid
    join pg_class c on c.relnamespace = n.oid
   where s.pnpubid = $1 and c.relkind in ('r', 'p')`

type TableRow = TableName & Narrowed

const NONE: readonly TableRow[] = []

/** `null` if there is none of this name. */
export async function readPublication(
  client: Client,
  name: string,
  memory: RowMemory = new RowMemory(),
): Promise<PublicationFacts | null> {
  const publication = await memory.query(client, {
    sql: PUBLICATION,
    parameters: [name],
    read: ([row]: readonly PublicationRow[]) => row,
  })
  if (publication === undefined) return null
  const { oid, hasSchemas, ...facts } = publication
  // Both came with 15, so the catalog of the one tells of the other.
  const byName = hasSchemas ? BY_NAME_NARROWED : BY_NAME
  const of = { parameters: [oid], read: (rows: readonly TableRow[]) => rows }
  const named = await memory.query(client, { ...of, sql: byName })
  const inSchemas = hasSchemas ? await memory.query(client, { ...of, sql: BY_SCHEMA }) : NONE
  return memory.derive('publication', [publication, named, inSchemas], () => ({
    ...facts,
    tables: new Set([...named, ...inSchemas].map(quoteTable)),
    narrowed: narrowedIn(named, inSchemas),
  }))
}

/** A table that is published with its schema is so without the filter that it was named with. */
function narrowedIn(
  named: readonly TableRow[],
  inSchemas: readonly TableRow[],
): ReadonlyMap<string, Narrowed> {
  const whole = new Set(inSchemas.map(quoteTable))
  const narrowed = new Map<string, Narrowed>()
  for (const table of named) {
    const { columns, rows } = table
    const name = quoteTable(table)
    if ((columns !== null || rows !== null) && !whole.has(name))
      narrowed.set(name, { columns, rows })
  }
  return narrowed
}

const OF_TABLE = `
  select ${LISTED}
    from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
   where p.pubname = $1 and r.prrelid = $2 and not exists (
     select from pg_publication_namespace s join pg_class c on c.relnamespace = s.pnnspid
      where s.pnpubid = p.oid and c.oid = r.prrelid)`

/** What a publication has of one table, as the transaction of `client` sees it. */
export async function readNarrowed(
  client: Client,
  publication: string,
  oid: number,
): Promise<Narrowed> {
  const { rows: server } = await client.query<{ has: boolean }>(
    `select to_regclass('pg_catalog.pg_publication_namespace') is not null as has`,
  )
  if (!server[0]!.has) return WHOLE
  const { rows } = await client.query<Narrowed>(OF_TABLE, [publication, oid])
  return rows[0] ?? WHOLE
}
