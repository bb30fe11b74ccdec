/**
 * The publication decides which tables the server streams.
 *
 * Ours is made, as a list of the selected tables, and tables that match later are added. One that
 * was given by name is used as it is. Whether either will do was judged before anything is changed:
 * see `preflight-publication.ts`.
 */

import type { Client } from 'pg'

import { CodedError } from '../core/errors.ts'
import type { TableName } from '../core/table.ts'
import { quoteIdentifier, quoteTable } from '../postgres/quote.ts'
import { foreignCode, fromPostgres } from '../postgres/sqlstate.ts'
import type { PublicationFacts } from './publication-facts.ts'

const INSUFFICIENT_PRIVILEGE = '42501'

export interface Publication {
  readonly name: string
  /** Ours to make and to extend. One that was given is used as it is. */
  readonly isOurs: boolean
}

/** Undefined table or schema: it got another name, or went, after it was listed. */
const HAS_MOVED: ReadonlySet<string> = new Set(['42P01', '3F000'])

type Named = { readonly name: TableName }

/** Makes or extends our publication, if that is needed. `found` is how it is now. */
export async function ensurePublication(
  client: Client,
  { name, isOurs }: Publication,
  { found, tables }: { found: PublicationFacts | null; tables: readonly Named[] },
): Promise<void> {
  if (!isOurs) return
  if (found === null) return run(client, creation(name, tables))
  const missing = missingIn(found, tables)
  if (missing.length > 0) await run(client, addition(name, missing))
}

export function creation(name: string, tables: readonly Named[]): string {
  const options = 'WITH (publish_via_partition_root = true)'
  return `CREATE PUBLICATION ${quoteIdentifier(name)} FOR TABLE ${list(tables)} ${options}`
}

export function addition(name: string, tables: readonly Named[]): string {
  return `ALTER PUBLICATION ${quoteIdentifier(name)} ADD TABLE ${list(tables)}`
}

/** The tables that it does not publish. */
export function missingIn<T extends Named>(
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
    if (HAS_MOVED.has(String(foreignCode(error)))) {
      throw new CodedError('TABLE_CHANGED', `tables were renamed or dropped meanwhile: ${reason}`, {
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

function list(tables: readonly Named[]): string {
  return tables.map(({ name }) => quoteTable(name)).join(', ')
}
