/**
 * The publication decides which tables the server streams.
 *
 * Ours is made, as a list of the selected tables, and tables that match later are added. One that
 * was given by name is used as it is: what it lacks is said with the statement that adds it.
 */

import type { Client } from 'pg'

import { CodedError, fail } from '../core/errors.ts'
import type { TableName } from '../core/table.ts'
import { quoteIdentifier, quoteTable } from '../postgres/quote.ts'
import { foreignCode, fromPostgres } from '../postgres/sqlstate.ts'

interface PublicationRow {
  readonly all_tables: boolean
  readonly publishes_all: boolean
  readonly via_root: boolean
}

const INSUFFICIENT_PRIVILEGE = '42501'

export interface Publication {
  readonly name: string
  /** Ours to make and to extend. One that was given is used as it is. */
  readonly isOurs: boolean
}

export async function ensurePublication(
  client: Client,
  { name, isOurs }: Publication,
  tables: readonly { readonly name: TableName }[],
): Promise<void> {
  const { rows } = await client.query<PublicationRow>(
    `select puballtables as all_tables, pubviaroot as via_root,
            pubinsert and pubupdate and pubdelete and pubtruncate as publishes_all
       from pg_publication where pubname = $1`,
    [name],
  )
  const [publication] = rows
  if (publication === undefined) {
    const sql = creation(name, tables)
    if (!isOurs) unfit(`there is no publication ${name}`, sql)
    return run(client, sql)
  }
  check(publication, name)
  const missing = publication.all_tables ? [] : await unpublished(client, name, tables)
  if (missing.length === 0) return
  const sql = `ALTER PUBLICATION ${quoteIdentifier(name)} ADD TABLE ${list(missing)}`
  if (!isOurs) unfit(`the publication ${name} lacks ${missing.length} of the selected tables`, sql)
  await run(client, sql)
}

function creation(name: string, tables: readonly { readonly name: TableName }[]): string {
  const names = list(tables.map((table) => table.name))
  const options = 'WITH (publish_via_partition_root = true)'
  return `CREATE PUBLICATION ${quoteIdentifier(name)} FOR TABLE ${names} ${options}`
}

function check({ publishes_all, via_root }: PublicationRow, name: string): void {
  const set = `ALTER PUBLICATION ${quoteIdentifier(name)} SET`
  if (!publishes_all) {
    const sql = `${set} (publish = 'insert, update, delete, truncate')`
    unfit(`the publication ${name} does not publish every kind of change`, sql)
  }
  if (!via_root) {
    const sql = `${set} (publish_via_partition_root = true)`
    unfit(`the publication ${name} publishes partitions one by one`, sql)
  }
}

function unfit(what: string, sql: string): never {
  fail('PUBLICATION_UNFIT', what, { hint: `run: ${sql}` })
}

interface PublishedTable extends TableName {
  /** Only some of its rows or columns are published; 15 and later. */
  readonly is_narrowed: boolean
}

/**
 * The view pg_publication_tables would say the same, but waits for every table that somebody alters.
 * Columns that not all versions have are read as JSON.
 */
const PUBLISHED = `
  select n.nspname as namespace, c.relname as name,
         coalesce(to_jsonb(r) ->> 'prqual', to_jsonb(r) ->> 'prattrs') is not null as is_narrowed
    from pg_publication p
    join pg_publication_rel r on r.prpubid = p.oid
    join pg_class c on c.oid = r.prrelid
    join pg_namespace n on n.oid = c.relnamespace
   where p.pubname = $1`

/** FOR TABLES IN SCHEMA, 15 and later. */
const PUBLISHED_BY_SCHEMA = `
  select n.nspname as namespace, c.relname as name, false as is_narrowed
    from pg_publication p
    join pg_publication_namespace s on s.pnpubid = p.oid
    join pg_namespace n on n.oid = s.pnnspid
    join pg_class c on c.relnamespace = n.oid
   where p.pubname = $1`

async function unpublished(
  client: Client,
  publication: string,
  tables: readonly { readonly name: TableName }[],
): Promise<TableName[]> {
  const selected = new Set(tables.map(({ name }) => quoteTable(name)))
  const { rows } = await client.query<PublishedTable>(PUBLISHED, [publication])
  const narrowed = rows.find((row) => row.is_narrowed && selected.has(quoteTable(row)))
  if (narrowed !== undefined) refuseNarrowed(publication, narrowed)
  const { rows: known } = await client.query<{ is_known: boolean }>(
    `select to_regclass('pg_catalog.pg_publication_namespace') is not null as is_known`,
  )
  if (known[0]!.is_known) {
    const more = await client.query<PublishedTable>(PUBLISHED_BY_SCHEMA, [publication])
    rows.push(...more.rows)
  }
  const published = new Set(rows.map(quoteTable))
  return tables.map(({ name }) => name).filter((name) => !published.has(quoteTable(name)))
}

/** A load copies all of a table, and what the stream left out would be missing from then on. */
function refuseNarrowed(publication: string, table: TableName): never {
  const name = quoteTable(table)
  const alter = `ALTER PUBLICATION ${quoteIdentifier(publication)}`
  const sql = `${alter} DROP TABLE ${name}; ${alter} ADD TABLE ${name}`
  unfit(`the publication ${publication} publishes only some rows or columns of ${name}`, sql)
}

/** A statement that the operator can run himself if we may not. */
async function run(client: Client, sql: string): Promise<void> {
  try {
    await client.query(sql)
  } catch (error) {
    if (foreignCode(error) !== INSUFFICIENT_PRIVILEGE) throw fromPostgres(error)
    const reason = error instanceof Error ? error.message : String(error)
    throw new CodedError('PERMISSION_DENIED', `the publication cannot be made: ${reason}`, {
      cause: error,
      hint: `run as the owner of the tables: ${sql}`,
    })
  }
}

function list(tables: readonly TableName[]): string {
  return tables.map(quoteTable).join(', ')
}
