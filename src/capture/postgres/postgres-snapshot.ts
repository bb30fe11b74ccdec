/**
 * A snapshot of the source from which tables are copied.
 *
 * A slot exports its snapshot only until its connection does anything else, so a keeper connection
 * takes it over at once and exports it again for as long as its transaction lives. Each table is
 * copied by a connection of its own, which holds ACCESS SHARE on the table until the caller is done
 * with it: no TRUNCATE or rewrite can come in between.
 *
 * One trap remains before the lock: a table that was rewritten after the snapshot, or made in its
 * place, looks empty to it, without an error. So once the lock is there, the name must still be that
 * of the same table, stored where the snapshot's catalog says, with the same columns.
 */

import type { Client } from 'pg'

import { CodedError, fail } from '../../core/errors.ts'
import type { Lsn } from '../../core/lsn.ts'
import { describeTable, type SourceTable } from '../../postgres/catalog.ts'
import { connect, type ConnectOptions } from '../../postgres/connect.ts'
import { CopyStream } from '../../postgres/copy-stream.ts'
import { quoteIdentifier, quoteLiteral, quoteTable } from '../../postgres/quote.ts'
import { foreignCode, fromPostgres } from '../../postgres/sqlstate.ts'
import { ctidIn, type PageRange } from '../loads/page-ranges.ts'
import { estimateRows } from '../loads/row-estimate.ts'
import type { LoadableTable, LoadSnapshot, RangeCopy, TableCopy } from '../source.ts'
import { rowOfLine, withRow, type OversizedRow } from '../stream/oversized.ts'
import { narrowedTable, type NarrowedTable, type Narrowers } from '../tables/narrowed-table.ts'
import type { PostgresCatalog } from './postgres-catalog.ts'

export interface SnapshotParts {
  readonly connection: ConnectOptions
  readonly catalog: PostgresCatalog
  /** What of the tables is captured. */
  readonly narrow: Narrowers
}

/**
 * A snapshot lives as long as a transaction, which must not be ended for being slow. Rows that a
 * policy hides from us are an error, not rows that are not there.
 */
const SETTINGS = `
  SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0; SET lock_timeout = 0;
  SET row_security = off;`

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
    const clients = new Set([keeper])
    return {
      lsn: slot.lsn,
      open: async (table) => openCopy(parts, { snapshot, clients }, table),
      [Symbol.asyncDispose]: async () => {
        await Promise.all([...clients].map((client) => client.end().catch(() => {})))
      },
    }
  } catch (error) {
    await keeper.end().catch(() => {})
    // Whoever exported it has just gone, for instance because we are told to stop.
    if (isGone(error)) {
      throw new CodedError('CONNECTION_LOST', 'the snapshot of the slot is gone', { cause: error })
    }
    throw fromPostgres(error)
  }
}

interface Keeper {
  readonly snapshot: string
  /** All connections that end with the snapshot. */
  readonly clients: Set<Client>
}

async function openCopy(
  { connection, catalog, narrow }: SnapshotParts,
  keeper: Keeper,
  table: LoadableTable,
): Promise<TableCopy> {
  const { client, end } = await join(connection, keeper)
  try {
    await beginUnder(client, keeper.snapshot)
    const described = await narrowedTable(client, await lockUnchanged(client, table), narrow)
    const facts = await catalog.factsOf(client, described)
    const pages = await pagesOf(client, described)
    const estimatedRows = await estimateRows(client, table.oid)
    return {
      name: described.name,
      facts,
      estimatedRows,
      rows: (places, range) => copyRows(client, { table: described, places, range }),
      ...(pages !== null && {
        pages,
        beside: () => openBeside(connection, keeper, described),
      }),
      [Symbol.asyncDispose]: end,
    }
  } catch (error) {
    await end()
    if (foreignCode(error) === DEADLOCK) {
      const message = `${quoteTable(table.name)} is being altered`
      throw new CodedError('TABLE_CHANGED', message, { cause: error })
    }
    throw isGone(error)
      ? new CodedError('TABLE_CHANGED', `${quoteTable(table.name)} or its snapshot is gone`, {
          cause: error,
        })
      : fromPostgres(error)
  }
}

interface Joined {
  readonly client: Client
  /** Releases the locks of the connection, and breaks off a copy that is under way. */
  readonly end: () => Promise<void>
}

/** A connection that ends with the keeper at the latest. */
async function join(connection: ConnectOptions, { clients }: Keeper): Promise<Joined> {
  const client = await connect(connection)
  clients.add(client)
  const end = async (): Promise<void> => {
    clients.delete(client)
    await client.end().catch(() => {})
  }
  return { client, end }
}

async function beginUnder(client: Client, snapshot: string): Promise<void> {
  await client.query(SETTINGS)
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  await client.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot)}`)
}

/**
 * Tables are read under the snapshot; `pg_relation_filenode` and `to_regclass` are told by the
 * server's caches, which follow the present. Partitions are checked one by one: their root is stored
 * nowhere.
 */
const IS_UNCHANGED = `
  select to_regclass($2) = $1::oid and not exists (
    select from pg_class c
     where c.relkind = 'r' and c.oid in (select $1::oid union select relid from pg_partition_tree($1))
       and c.relfilenode is distinct from pg_relation_filenode(c.oid)) as is_unchanged`

/**
 * The columns under the snapshot, generated ones too, in the form of a `Field`: there the type of a
 * domain is what it is made of.
 */
const COLUMNS = `
  select attname as name, attnum as "columnID", base.oid::int8::float8 as "dataTypeID",
         base.modifier as "dataTypeModifier"
    from pg_attribute, lateral (
      with recursive made_of (oid, modifier) as (
        select atttypid, atttypmod
         union all
        select typbasetype, typtypmod
          from made_of join pg_type on pg_type.oid = made_of.oid where typtype = 'd')
      select made_of.oid, modifier
        from made_of join pg_type on pg_type.oid = made_of.oid where typtype <> 'd') base
   where attrelid = $1 and attnum > 0 and not attisdropped order by attnum`

interface Field {
  readonly name: string
  readonly columnID: number
  readonly dataTypeID: number
  readonly dataTypeModifier: number
}

async function lockUnchanged(client: Client, table: LoadableTable): Promise<SourceTable> {
  const name = quoteTable(table.name)
  await client.query(`LOCK TABLE ${name} IN ACCESS SHARE MODE`)
  const described = await describeTable(client, table.oid)
  const { rows } = await client.query<{ is_unchanged: boolean | null }>(IS_UNCHANGED, [
    table.oid,
    name,
  ])
  const isThere = described !== null && quoteTable(described.name) === name
  if (!isThere || !rows[0]!.is_unchanged || !(await hasSameColumns(client, table))) {
    fail('TABLE_CHANGED', `${name} was altered before it could be copied`)
  }
  return described
}

/** What a query is told of its columns is the present: a column may have come, gone, or come again. */
async function hasSameColumns(client: Client, { oid, name }: LoadableTable): Promise<boolean> {
  const { rows: then } = await client.query<Field>(COLUMNS, [oid])
  const { fields: now } = await client.query(`SELECT * FROM ${quoteTable(name)} LIMIT 0`)
  return (
    then.length === now.length &&
    then.every((column, i) => {
      const field = now[i]!
      return (
        column.name === field.name &&
        column.columnID === field.columnID &&
        column.dataTypeID === field.dataTypeID &&
        column.dataTypeModifier === field.dataTypeModifier
      )
    })
  )
}

/** A scan of a range of pages came with 14; of partitions each has its own pages. */
const PAGES = `
  select (pg_relation_size(c.oid) / current_setting('block_size')::int)::float8 as pages
    from pg_class c join pg_am on pg_am.oid = c.relam
   where c.oid = $1 and c.relkind = 'r' and amname = 'heap'
     and current_setting('server_version_num')::int >= 140000`

/** `null` if it cannot be copied in ranges. */
async function pagesOf(client: Client, { oid }: SourceTable): Promise<number | null> {
  const { rows } = await client.query<{ pages: number }>(PAGES, [oid])
  return rows[0]?.pages ?? null
}

const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Another connection for ranges of a table that is locked already. It must not wait for a lock of its
 * own: it would stand behind whoever waits for the first connection, which waits for this one.
 */
async function openBeside(
  connection: ConnectOptions,
  keeper: Keeper,
  table: NarrowedTable,
): Promise<RangeCopy | null> {
  const { client, end } = await join(connection, keeper)
  try {
    await beginUnder(client, keeper.snapshot)
    await client.query(`LOCK TABLE ${quoteTable(table.name)} IN ACCESS SHARE MODE NOWAIT`)
    return {
      rows: (places, range) => copyRows(client, { table, places, range }),
      [Symbol.asyncDispose]: end,
    }
  } catch (error) {
    await end()
    if (foreignCode(error) === LOCK_NOT_AVAILABLE) return null
    throw fromPostgres(error)
  }
}

const GONE: ReadonlySet<string> = new Set([
  '42P01', // undefined_table
  '22023', // invalid_parameter_value: no such snapshot
  '42704', // undefined_object: the snapshot does not exist
  '55000', // object_not_in_prerequisite_state: its keeper has just gone
])

function isGone(error: unknown): boolean {
  return GONE.has(foreignCode(error) ?? '')
}

/** Who altered partitions of the table had locked them in another order. */
const DEADLOCK = '40P01'

interface Copied {
  readonly table: NarrowedTable
  readonly places: readonly (number | null)[]
  readonly range: PageRange | undefined
}

async function* copyRows(client: Client, copied: Copied): AsyncGenerator<Buffer> {
  // Each range would read the whole table if the planner took its rows for most of it.
  if (copied.range) await client.query('SET enable_seqscan = off')
  const copy = client.query(new CopyStream(copyStatement(copied)))
  try {
    for (let block = await copy.next(); block !== null; block = await copy.next()) yield block
  } catch (error) {
    throw copy.oversized ? withRow(error, rowOfCopy(copy.oversized, copied)) : error
  }
}

function rowOfCopy(head: Buffer, { table, places }: Copied): OversizedRow {
  const columns = places.map((place) => (place === null ? '' : table.columns[place]!.name))
  return rowOfLine(head, table, columns)
}

/**
 * Plain COPY where the line is the table as it is; a query where places are empty, or only some rows
 * are published, or they are in partitions. Tables that inherit from this one are tables of their own.
 */
function copyStatement({ table, places, range }: Copied): string {
  const name = quoteTable(table.name)
  const conditions = [table.narrowing?.rows ?? [], range ? ctidIn(range) : []].flat()
  const isPlain =
    conditions.length === 0 && !table.isPartitioned && places.every((place, i) => place === i)
  const columns = places.map((place) => {
    if (place === null) return 'NULL'
    return quoteIdentifier(table.columns[place]!.name)
  })
  const where = conditions.length === 0 ? '' : ` WHERE (${conditions.join(') AND (')})`
  const source = isPlain
    ? `${name} (${columns.join(', ')})`
    : `(SELECT ${columns.join(', ')} FROM ${table.isPartitioned ? '' : 'ONLY '}${name}${where})`
  return `COPY ${source} TO STDOUT (FORMAT csv)`
}
