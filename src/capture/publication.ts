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

async function unpublished(
  client: Client,
  publication: string,
  tables: readonly { readonly name: TableName }[],
): Promise<TableName[]> {
  const { rows } = await client.query<{ namespace: string; name: string }>(
    `select schemaname as namespace, tablename as name from pg_publication_tables where pubname = $1`,
    [publication],
  )
  const published = new Set(rows.map(quoteTable))
  return tables.map(({ name }) => name).filter((name) => !published.has(quoteTable(name)))
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
