/**
 * The publication decides which tables the server streams.
 *
 * One that does not exist is made, as a list of the selected tables, and is ours: tables that match
 * later are added. One that exists must publish every kind of change.
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

export async function ensurePublication(
  client: Client,
  name: string,
  tables: readonly { readonly name: TableName }[],
): Promise<void> {
  const { rows } = await client.query<PublicationRow>(
    `select puballtables as all_tables, pubviaroot as via_root,
            pubinsert and pubupdate and pubdelete and pubtruncate as publishes_all
       from pg_publication where pubname = $1`,
    [name],
  )
  const [publication] = rows
  if (publication === undefined) return create(client, name, tables)
  check(publication, name)
  const missing = publication.all_tables ? [] : await unpublished(client, name, tables)
  if (missing.length > 0) {
    await run(client, `ALTER PUBLICATION ${quoteIdentifier(name)} ADD TABLE ${list(missing)}`)
  }
}

async function create(
  client: Client,
  name: string,
  tables: readonly { readonly name: TableName }[],
): Promise<void> {
  const names = list(tables.map((table) => table.name))
  const options = 'WITH (publish_via_partition_root = true)'
  await run(client, `CREATE PUBLICATION ${quoteIdentifier(name)} FOR TABLE ${names} ${options}`)
}

function check({ publishes_all, via_root }: PublicationRow, name: string): void {
  if (!publishes_all) {
    fail('PUBLICATION_UNFIT', `the publication ${name} does not publish every kind of change`, {
      hint: `run: ALTER PUBLICATION ${quoteIdentifier(name)} SET (publish = 'insert, update, delete, truncate')`,
    })
  }
  if (!via_root) {
    fail('PUBLICATION_UNFIT', `the publication ${name} publishes partitions one by one`, {
      hint: `run: ALTER PUBLICATION ${quoteIdentifier(name)} SET (publish_via_partition_root = true)`,
    })
  }
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
