/** The selected tables that can be replicated, and what of them is. */

import type { RefusedTable } from '../../core/events.ts'
import { quoteTable } from '../../postgres/quote.ts'
import type { SourceFacts, Wanted } from '../preflight/preflight-facts.ts'
import type { LoadableTable } from '../source.ts'
import { narrow } from '../tables/narrowed-table.ts'
import { columnList } from './column-list.ts'
import type { Published } from './publication.ts'

export interface ReplicatedTable extends LoadableTable, Published {
  /** The publication is there, and does not have it yet. */
  readonly isAdded: boolean
}

export function replicatedTables(
  facts: SourceFacts,
  { publication: { isOurs }, columns }: Wanted,
  refused: readonly RefusedTable[],
): ReplicatedTable[] {
  const names = new Set(refused.map(({ name }) => quoteTable(name)))
  const { publication } = facts
  const fit = facts.tables.filter(({ name }) => !names.has(quoteTable(name)))
  return fit.map((table) => {
    const name = quoteTable(table.name)
    const now = publication?.narrowed.get(name) ?? { columns: null, rows: null }
    const list = isOurs && !publication?.hasAllTables ? columnList(table, facts, columns) : null
    const { narrowing, columns: captured } = narrow(table, {
      excluded: columns?.excluded(table) ?? new Set(),
      published: isOurs ? { ...now, columns: list } : now,
    })
    const isThere = publication === null || publication.hasAllTables || publication.tables.has(name)
    return {
      ...table,
      list,
      ...(narrowing && { narrowing }),
      columns: captured,
      isAdded: !isThere,
    }
  })
}

/**
 * Tables that are refused now and were published by us before. They stay, so that nothing is missed of
 * those that only we may not read; but a column list must not make their updates fail.
 */
export function refusedButPublished(
  facts: SourceFacts,
  { publication: { isOurs }, columns }: Wanted,
  refused: readonly RefusedTable[],
): Published[] {
  const { publication } = facts
  if (!isOurs || !publication?.isOwned) return []
  const names = new Set(refused.map(({ name }) => quoteTable(name)))
  return facts.tables
    .filter(({ name, isOwned }) => isOwned && names.has(quoteTable(name)))
    .filter(({ name }) => publication.tables.has(quoteTable(name)))
    .map((table) => ({ name: table.name, list: columnList(table, facts, columns) }))
}
