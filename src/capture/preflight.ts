/**
 * Whether a source can be replicated: everything that stands in the way, at once, each with the
 * statement or setting that cures it.
 *
 *   queries ──► facts ──► rules ──► checks ──► findings
 *
 * The rules are pure, and nothing is changed at the source before they are content: a table without
 * a replica identity in a publication would make its owner's updates fail.
 */

import { formatLsn } from '../core/lsn.ts'
import type { Check, Finding } from './finding.ts'
import type { SourceFacts, Wanted } from './preflight-facts.ts'
import { publicationCheck } from './preflight-publication.ts'
import { serverChecks } from './preflight-server.ts'
import { tableChecks } from './preflight-tables.ts'
import { slotFindings } from './slot.ts'

/** What was looked at, and what was found. */
export function checksOf(facts: SourceFacts, wanted: Wanted): Check[] {
  return [
    ...serverChecks(facts, wanted),
    slotCheck(facts, wanted),
    ...tableChecks(facts, wanted),
    publicationCheck(facts, wanted),
  ]
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
