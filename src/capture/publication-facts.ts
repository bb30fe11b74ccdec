/** What a publication publishes, as the catalogs say it. */

import type { Client } from 'pg'

import type { TableName } from '../core/table.ts'
import { quoteTable } from '../postgres/quote.ts'

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
  /** Quoted names. With all tables, only those that were named beside. */
  readonly tables: ReadonlySet<string>
  /** Tables of which it publishes only some rows or columns; 15 and later. Quoted names. */
  readonly narrowed: ReadonlySet<string>
}

interface PublicationRow {
  readonly oid: string
  readonly isOwned: boolean
  readonly hasAllTables: boolean
  readonly hasAllKinds: boolean
  readonly isViaRoot: boolean
  readonly hasGenerated: boolean
  readonly hasSchemas: boolean
}

/** Columns and catalogs that not all versions have are read as JSON, and asked for. */
const PUBLICATION = `
  select p.oid, pg_has_role(p.pubowner, 'USAGE') as "isOwned", p.puballtables as "hasAllTables",
         p.pubinsert and p.pubupdate and p.pubdelete and p.pubtruncate as "hasAllKinds",
         p.pubviaroot as "isViaRoot",
         coalesce(to_jsonb(p) ->> 'pubgencols', 'n') <> 'n' as "hasGenerated",
         to_regclass('pg_catalog.pg_publication_namespace') is not null as "hasSchemas"
    from pg_publication p where p.pubname = $1`

/** The view pg_publication_tables says the same, but waits for every table that somebody alters. */
const BY_NAME = `
  select n.nspname as namespace, c.relname as name,
         coalesce(to_jsonb(r) ->> 'prqual', to_jsonb(r) ->> 'prattrs') is not null as "isNarrowed"
    from pg_publication_rel r
    join pg_class c on c.oid = r.prrelid
    join pg_namespace n on n.oid = c.relnamespace
   where r.prpubid = $1`

/** FOR TABLES IN SCHEMA, 15 and later. */
const BY_SCHEMA = `
  select n.nspname as namespace, c.relname as name, false as "isNarrowed"
    from pg_publication_namespace s
    join pg_namespace n on n.oid = s.pnnspid
    join pg_class c on c.relnamespace = n.oid
   where s.pnpubid = $1 and c.relkind in ('r', 'p')`

type TableRow = TableName & { readonly isNarrowed: boolean }

/** `null` if there is none of this name. */
export async function readPublication(
  client: Client,
  name: string,
): Promise<PublicationFacts | null> {
  const { rows } = await client.query<PublicationRow>(PUBLICATION, [name])
  const [publication] = rows
  if (publication === undefined) return null
  const { oid, hasSchemas, ...facts } = publication
  const named = (await client.query<TableRow>(BY_NAME, [oid])).rows
  const inSchemas = hasSchemas ? (await client.query<TableRow>(BY_SCHEMA, [oid])).rows : []
  return {
    ...facts,
    tables: new Set([...named, ...inSchemas].map(quoteTable)),
    narrowed: new Set(named.filter(({ isNarrowed }) => isNarrowed).map(quoteTable)),
  }
}
