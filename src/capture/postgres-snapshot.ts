/**
 * A snapshot of the source from which tables are copied.
 *
 * A slot exports its snapshot only until its connection does anything else, so a keeper connection
 * takes it over at once and exports it again for as long as its transaction lives. Each table is
 * copied by a connection of its own, which holds ACCESS SHARE on the table until the caller is done
 * with it: no TRUNCATE or rewrite can come in between.
 *
 * One trap remains before the lock: a table that was rewritten after the snapshot looks empty to it,
 * without an error. So once the lock is there, the table must still be stored where the snapshot's
 * catalog says, and must have the same columns.
 */

import type { Client } from 'pg'

import { CodedError, fail } from '../core/errors.ts'
import type { Lsn } from '../core/lsn.ts'
import { describeTable, type SourceTable } from '../postgres/catalog.ts'
import { connect, type ConnectOptions } from '../postgres/connect.ts'
import { CopyStream } from '../postgres/copy-stream.ts'
import { quoteIdentifier, quoteLiteral, quoteTable } from '../postgres/quote.ts'
import { foreignCode, fromPostgres } from '../postgres/sqlstate.ts'
import type { PostgresCatalog } from './postgres-catalog.ts'
import type { LoadableTable, LoadSnapshot, TableCopy } from './source.ts'

export interface SnapshotParts {
  readonly connection: ConnectOptions
  readonly catalog: PostgresCatalog
}

/** A snapshot lives as long as a transaction, which must not be ended for being slow. */
const NO_TIMEOUTS = `
  SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0; SET lock_timeout = 0;`

/** Takes over the snapshot that a slot has just exported. */
export async function openSnapshot(
  parts: SnapshotParts,
  slot: { readonly lsn: Lsn; readonly exported: string },
): Promise<LoadSnapshot> {
  const keeper = await connect(parts.connection)
  try {
    await beginUnder(keeper, slot.exported)
    const { rows } = await keeper.query<{ name: string }>('SELECT pg_export_snapshot() AS name')
    const snapshot = rows[0]!.name
    return {
      lsn: slot.lsn,
      open: async (table) => openCopy(parts, snapshot, table),
      [Symbol.asyncDispose]: async () => keeper.end().catch(() => {}),
    }
  } catch (error) {
    await keeper.end().catch(() => {})
    throw fromPostgres(error)
  }
}

async function openCopy(
  { connection, catalog }: SnapshotParts,
  snapshot: string,
  table: LoadableTable,
): Promise<TableCopy> {
  const client = await connect(connection)
  try {
    await beginUnder(client, snapshot)
    const described = await lockUnchanged(client, table)
    const facts = await catalog.factsOf(client, described)
    return {
      name: described.name,
      facts,
      rows: (places) => copyRows(client, described, places),
      // Ending the connection releases the lock, and breaks off a copy that is under way.
      [Symbol.asyncDispose]: async () => client.end().catch(() => {}),
    }
  } catch (error) {
    await client.end().catch(() => {})
    throw isGone(error)
      ? new CodedError('TABLE_CHANGED', `${quoteTable(table.name)} or its snapshot is gone`, {
          cause: error,
        })
      : fromPostgres(error)
  }
}

async function beginUnder(client: Client, snapshot: string): Promise<void> {
  await client.query(NO_TIMEOUTS)
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  await client.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot)}`)
}

/**
 * pg_class is read under the snapshot, pg_relation_filenode is told by the server's caches, which
 * follow the present. Partitions are checked one by one: their root is stored nowhere.
 */
const IS_UNCHANGED = `
  select coalesce(bool_and(c.relfilenode = pg_relation_filenode(c.oid)), true) as is_unchanged
    from pg_class c
   where c.relkind = 'r' and c.oid in (select $1::oid union select relid from pg_partition_tree($1))`

/** The columns as they are now: syscache functions do not follow the snapshot either. */
async function lockUnchanged(client: Client, table: LoadableTable): Promise<SourceTable> {
  await client.query(`LOCK TABLE ${quoteTable(table.name)} IN ACCESS SHARE MODE`)
  const described = await describeTable(client, table.oid)
  const { rows } = await client.query<{ is_unchanged: boolean }>(IS_UNCHANGED, [table.oid])
  const isThere = described !== null && quoteTable(described.name) === quoteTable(table.name)
  if (!isThere || !rows[0]!.is_unchanged) {
    fail('TABLE_CHANGED', `${quoteTable(table.name)} was altered before it could be copied`)
  }
  return described
}

const GONE: ReadonlySet<string> = new Set([
  '42P01', // undefined_table
  '22023', // invalid_parameter_value: no such snapshot
  '42704', // undefined_object: the snapshot does not exist
])

function isGone(error: unknown): boolean {
  return GONE.has(foreignCode(error) ?? '')
}

async function* copyRows(
  client: Client,
  table: SourceTable,
  places: readonly (number | null)[],
): AsyncGenerator<Buffer> {
  const copy = client.query(new CopyStream(copyStatement(table, places)))
  for (let block = await copy.next(); block !== null; block = await copy.next()) yield block
}

/** Plain COPY where the line is the table as it is; a query where places are empty or rows are in partitions. */
export function copyStatement(table: SourceTable, places: readonly (number | null)[]): string {
  const name = quoteTable(table.name)
  const isPlain = !table.isPartitioned && places.every((place, i) => place === i)
  const columns = places.map((place) => {
    if (place === null) return 'NULL'
    return quoteIdentifier(table.columns[place]!.name)
  })
  const source = isPlain
    ? `${name} (${columns.join(', ')})`
    : `(SELECT ${columns.join(', ')} FROM ${name})`
  return `COPY ${source} TO STDOUT (FORMAT csv)`
}
