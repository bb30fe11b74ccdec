/**
 * A table as it is captured: without the columns that are excluded, and with what the publication has
 * of it, so that load and stream take the same columns and the same rows.
 */

import type { Client } from 'pg'

import { narrowing, type Narrowing } from '../../core/narrowing.ts'
import type { SourceTable } from '../../postgres/catalog.ts'
import { readNarrowed, type Narrowed } from '../preflight/publication-facts.ts'
import type { Exclusions } from '../stream/exclusions.ts'

export interface NarrowedTable extends SourceTable {
  /** Absent if everything of the table is captured. */
  readonly narrowing?: Narrowing
  /** A part of its key is not captured, so it has none here. */
  readonly isKeyCut: boolean
}

export interface Narrowers {
  /** Name of the publication. */
  readonly publication: string
  /** Left out if no column is excluded. */
  readonly exclusions?: Exclusions
}

/** As the transaction of `client` sees the publication. */
export async function narrowedTable(
  client: Client,
  table: SourceTable,
  { publication, exclusions }: Narrowers,
): Promise<NarrowedTable> {
  const excluded = exclusions?.excluded(table) ?? new Set()
  const published = await readNarrowed(client, publication, table.oid)
  exclusions?.saw(table, published.columns)
  await exclusions?.keep()
  return narrow(table, { excluded, published })
}

/** A key that is not captured whole finds no rows, and so is none. */
export function narrow<T extends SourceTable>(
  table: T,
  { excluded, published }: { excluded: ReadonlySet<string>; published: Narrowed },
): T & NarrowedTable {
  const { columns: listed, rows } = published
  const isKept = (name: string) => !excluded.has(name) && listed?.includes(name) !== false
  const omitted = table.columns.map(({ name }) => name).filter((name) => excluded.has(name))
  const narrowed = narrowing({ omitted, listed, rows })
  const isKeyCut = !table.key.every(isKept)
  return {
    ...table,
    columns: table.columns.filter(({ name }) => isKept(name)),
    key: isKeyCut ? [] : table.key,
    isKeyCut,
    ...(narrowed && { narrowing: narrowed }),
  }
}
