/**
 * What the Redshift-shaped server does as Redshift does, each with where we know it from.
 *
 *   doc       the developer guide of AWS says so
 *   live      a named project, or we, saw it on a real cluster
 *   assumed   inferred; nobody of ours has seen it, and the conformance suite is there to settle it
 *
 * A refusal carries the id of its behaviour in the HINT of the error. `printBehaviours` makes a
 * document of the table, and the conformance suite turns `assumed` into `live` by running its cases
 * against a real cluster.
 */

import { SQL, TYPES, WIRE } from './behaviours-language.ts'
import { COPY, DDL, MERGE, TRANSACTIONS } from './behaviours-tables.ts'
import type { Behaviour, Provenance } from './provenance.ts'

export const BEHAVIOURS = {
  ...WIRE,
  ...SQL,
  ...TYPES,
  ...DDL,
  ...TRANSACTIONS,
  ...COPY,
  ...MERGE,
} as const satisfies Record<string, Behaviour>

export type BehaviourId = keyof typeof BEHAVIOURS

/** A page in Markdown: how many of each provenance, and all of them. */
export function printBehaviours(): string {
  const all: [string, Behaviour][] = Object.entries(BEHAVIOURS)
  const count = (wanted: Provenance): number =>
    all.filter(([, { provenance }]) => provenance === wanted).length
  const rows = all.map(
    ([id, { provenance, source, what }]) =>
      `| \`${id}\` | ${provenance}${source === '' ? '' : `: ${source}`} | ${what} |`,
  )
  return [
    '# What the Redshift-shaped server does',
    '',
    `${all.length} behaviours: ${count('doc')} documented, ${count('live')} seen live by others, ${count('assumed')} assumed.`,
    '',
    '| id | known from | behaviour |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n')
}
