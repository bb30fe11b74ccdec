/**
 * The columns that our publication lists of a table of which some are excluded.
 *
 * A list lets the server keep what is excluded. But a list that does not cover the replica identity
 * makes the server refuse every update and delete of the table, and REPLICA IDENTITY FULL means that
 * no list covers it. That must never happen through us: such a table is published whole, and what is
 * excluded is cut from its rows as they come, which is done in any case: see `column-cutter.ts`.
 */

import type { SourceFacts, TableFacts } from '../preflight/preflight-facts.ts'
import type { Exclusions } from '../stream/exclusions.ts'

/** Column lists came with 15. */
const LISTS_SINCE = 150_000

/** `null` if it is published without a list. */
export function columnList(
  table: TableFacts,
  { server }: Pick<SourceFacts, 'server'>,
  exclusions: Exclusions | undefined,
): readonly string[] | null {
  if (exclusions === undefined || server.version < LISTS_SINCE) return null
  const { columns, hasFullIdentity, identityColumns } = table
  const excluded = exclusions.excluded(table)
  const kept = columns.map((column) => column.name).filter((column) => !excluded.has(column))
  if (kept.length === columns.length || kept.length === 0) return null
  if (hasFullIdentity || identityColumns.some((column) => excluded.has(column))) return null
  return kept
}
