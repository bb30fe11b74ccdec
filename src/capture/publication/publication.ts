/**
 * The publication decides which tables the server streams.
 *
 * Ours is made, as a list of the selected tables, and tables that match later are added. From 15 on
 * it lists the columns of those of which some are excluded; a list is fixed, so it is made anew when
 * the table has got another column. One that was given by name is used as it is. Whether either will
 * do was judged before anything is changed: see `preflight-publication.ts`.
 */

import type { Client } from 'pg'

import { CodedError } from '../../core/errors.ts'
import type { Lsn } from '../../core/lsn.ts'
import type { TableName } from '../../core/table.ts'
import { quoteIdentifier, quoteTable } from '../../postgres/quote.ts'
import { foreignCode, fromPostgres } from '../../postgres/sqlstate.ts'
import { readPublication, type PublicationFacts } from '../preflight/publication-facts.ts'
import { remembering } from './publication-memory.ts'

const INSUFFICIENT_PRIVILEGE = '42501'

export interface Publication {
  readonly name: string
  /** Ours to make and to extend. One that was given is used as it is. */
  readonly isOurs: boolean
}

/** What was read of the tables is not so any more, or somebody changes them at this very moment. */
const HAS_CHANGED: ReadonlySet<string> = new Set([
  '42P01', // undefined_table
  '3F000', // invalid_schema_name
  '42703', // undefined_column
  '42704', // undefined_object: the table was taken out of the publication
  '40P01', // deadlock_detected
  '55P03', // lock_not_available: see Preparation
  'XX000', // internal_error: "tuple concurrently updated", where the publication itself was changed
])

/** Duplicate object; and unique violation, where we had waited for the other's transaction. */
const CAME_BEFORE: ReadonlySet<string> = new Set(['42710', '23505'])

/** A table, and what is published of it. */
export interface Published {
  readonly name: TableName
  /** The columns that are listed; `null` or left out for all. */
  readonly list?: readonly string[] | null
  /** A condition that rows must meet; `null` or left out for none. */
  readonly rows?: string | null
}

export interface EnsuredPublication {
  /** How it is now. */
  readonly found: PublicationFacts | null
  readonly tables: readonly Published[]
  /** Where the WAL was when tables came in that it did not have from the beginning, by OID. */
  readonly since?: ReadonlyMap<number, Lsn>
}

/** Makes our publication or brings it in step, if that is needed. */
export async function ensurePublication(
  client: Client,
  { name, isOurs }: Publication,
  wished: EnsuredPublication,
): Promise<void> {
  if (!isOurs) return
  try {
    await bringInStep(client, name, wished)
  } catch (error) {
    if (!CAME_BEFORE.has(foreignCode(error) ?? '')) throw error
    // Another process was faster: what it has made is taken as if it had been there before.
    await bringInStep(client, name, { ...wished, found: await readPublication(client, name) })
  }
}

async function bringInStep(
  client: Client,
  name: string,
  { found, tables, since = new Map() }: EnsuredPublication,
): Promise<void> {
  if (found === null) return run(client, creation(name, tables))
  const missing = missingIn(found, tables)
  if (missing.length > 0) {
    // Sent together they are one transaction.
    await run(client, `${addition(name, missing)}; ${remembering(name, since)}`)
  }
  const stale = relistedIn(found, tables)
  if (stale.length > 0) await run(client, relisting(name, stale))
}

export function creation(name: string, tables: readonly Published[]): string {
  const options = 'WITH (publish_via_partition_root = true)'
  return `CREATE PUBLICATION ${quoteIdentifier(name)} FOR TABLE ${list(tables)} ${options}`
}

export function addition(name: string, tables: readonly Published[]): string {
  return `ALTER PUBLICATION ${quoteIdentifier(name)} ADD TABLE ${list(tables)}`
}

/** Statements that are one transaction when they are sent together: nothing is missed in between. */
export function relisting(name: string, tables: readonly Published[]): string {
  const names = tables.map((table) => quoteTable(table.name)).join(', ')
  const drop = `ALTER PUBLICATION ${quoteIdentifier(name)} DROP TABLE ${names}`
  return `${drop}; ${addition(name, tables)}`
}

/** The tables whose columns are not those that are to be listed, with the filter that they have. */
export function relistedIn<T extends Published>(
  found: PublicationFacts,
  tables: readonly T[],
): T[] {
  if (found.hasAllTables) return []
  return tables.flatMap((table) => {
    const name = quoteTable(table.name)
    if (!found.tables.has(name)) return []
    const now = found.narrowed.get(name)
    const columns = now?.columns ?? null
    return isSameList(columns, table.list ?? null) ? [] : [{ ...table, rows: now?.rows ?? null }]
  })
}

/** A list names columns in any order. */
function isSameList(a: readonly string[] | null, b: readonly string[] | null): boolean {
  if (a === null || b === null) return a === b
  return a.length === b.length && a.every((name) => b.includes(name))
}

/** The tables that it does not publish. */
export function missingIn<T extends Published>(
  { hasAllTables, tables: published }: PublicationFacts,
  tables: readonly T[],
): T[] {
  if (hasAllTables) return []
  return tables.filter(({ name }) => !published.has(quoteTable(name)))
}

/** A statement that the operator can run himself if we may not. */
async function run(client: Client, sql: string): Promise<void> {
  try {
    await client.query(sql)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    if (HAS_CHANGED.has(String(foreignCode(error)))) {
      throw new CodedError('TABLE_CHANGED', `tables are being changed: ${reason}`, {
        cause: error,
      })
    }
    if (foreignCode(error) !== INSUFFICIENT_PRIVILEGE) throw fromPostgres(error)
    throw new CodedError('PERMISSION_DENIED', `the publication cannot be made: ${reason}`, {
      cause: error,
      hint: `run as the owner of the tables: ${sql}`,
    })
  }
}

function list(tables: readonly Published[]): string {
  return tables.map(withNarrowing).join(', ')
}

function withNarrowing({ name, list: columns = null, rows = null }: Published): string {
  const listed = columns === null ? '' : ` (${columns.map(quoteIdentifier).join(', ')})`
  const filtered = rows === null ? '' : ` WHERE (${rows})`
  return `${quoteTable(name)}${listed}${filtered}`
}
