/**
 * Whether a source can be replicated: everything that stands in the way, at once, each with the
 * statement or setting that cures it.
 *
 *   queries ──► facts ──► rules ──► checks ──► findings
 *
 * The rules are pure, and nothing is changed at the source before they are content: a table without
 * a replica identity in a publication would make its owner's updates fail.
 */

import type { ErrorCode } from '../../core/errors.ts'
import { formatLsn } from '../../core/lsn.ts'
import { quoteTable } from '../../postgres/quote.ts'
import { slotFindings } from '../slot/slot.ts'
import { refusedTables, type Check, type Finding } from './finding.ts'
import type { SourceFacts, TableFacts, Wanted } from './preflight-facts.ts'
import { publicationCheck } from './preflight-publication.ts'
import { serverChecks } from './preflight-server.ts'
import { tableChecks } from './preflight-tables.ts'

/** What was looked at, and what was found. */
export function checksOf(facts: SourceFacts, wanted: Wanted): Check[] {
  const tables = tableChecks(facts, wanted)
  return [
    ...serverChecks(facts, wanted),
    slotCheck(facts, wanted),
    ...tables,
    publicationCheck({ ...facts, tables: publishable(facts, findingsOf(tables)) }, wanted),
  ]
}

const UNPUBLISHABLE: ReadonlySet<ErrorCode> = new Set(['TABLE_WITHOUT_KEY', 'COLUMNS_UNFIT'])

/** No statement that we give or run publishes a table whose updates would fail from then on. */
function publishable({ tables }: SourceFacts, findings: readonly Finding[]): readonly TableFacts[] {
  const errors = findings.filter((finding) => finding.severity === 'error')
  const refused = refusedTables(errors.filter(({ code }) => UNPUBLISHABLE.has(code)))
  const names = new Set(refused.map(({ name }) => quoteTable(name)))
  return tables.filter(({ name }) => !names.has(quoteTable(name)))
}

/**
 * The findings that keep the whole task from going on. Before anything was made at the source that is
 * every error. Later it is not one of some tables, which are refused alone; nor, in a process that
 * has begun, a mistake of the configuration that a change of the source has made.
 */
export function blocking(
  findings: readonly Finding[],
  { isMade, hasBegun }: { readonly isMade: boolean; readonly hasBegun: boolean },
): readonly Finding[] {
  return findings.filter((finding) => {
    if (finding.severity !== 'error') return false
    if (finding.isOfConfig && hasBegun) return false
    return finding.tables === undefined || !isMade
  })
}

export function findingsOf(checks: readonly Check[]): Finding[] {
  return checks.flatMap(({ findings }) => findings)
}

function slotCheck({ slot }: SourceFacts, wanted: Wanted): Check {
  if (slot === null) {
    return { about: `the slot ${wanted.slot} will be made at the first start`, findings: [] }
  }
  const place = slot.confirmed === null ? '' : `, confirmed up to ${formatLsn(slot.confirmed)}`
  return { about: `the slot ${slot.name} is fit${place}`, findings: slotFindings(slot) }
}
