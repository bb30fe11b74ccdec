/**
 * Whether the publication publishes what we load.
 *
 * Ours need not be there yet; then we must be allowed to make it. One that was given is used as it
 * is, and must have every selected table, with all rows, all columns and all kinds of changes: a load
 * copies all of a table, and what the stream left out would be wrong from then on.
 */

import { quoteIdentifier, quoteTable } from '../postgres/quote.ts'
import { error, type Check, type Finding } from './finding.ts'
import type { SourceFacts, TableFacts, Wanted } from './preflight-facts.ts'
import type { PublicationFacts } from './publication-facts.ts'
import { addition, creation, missingIn } from './publication.ts'

export function publicationCheck(
  facts: SourceFacts,
  { publication: { name, isOurs } }: Wanted,
): Check {
  const { publication, tables } = facts
  if (publication === null) {
    const findings = tables.length === 0 ? [] : absent(facts, name, isOurs)
    return { about: `the publication ${name} will be made at the first start`, findings }
  }
  const findings = [...unfit(publication, name), ...narrowed(publication, tables, name)]
  const missing = missingIn(publication, tables)
  if (missing.length > 0) {
    const sql = addition(name, missing)
    if (!isOurs) {
      const message = `the publication ${name} lacks ${missing.length} of the selected tables`
      findings.push(error('PUBLICATION_UNFIT', message, `run: ${sql}`))
    } else {
      findings.push(...forbidden(facts, { sql, tables: missing, mayAlter: publication.isOwned }))
    }
  }
  return { about: `the publication ${name} is fit`, findings }
}

function absent(facts: SourceFacts, name: string, isOurs: boolean): Finding[] {
  const sql = creation(name, facts.tables)
  if (!isOurs) {
    return [error('PUBLICATION_UNFIT', `there is no publication ${name}`, `run: ${sql}`)]
  }
  return forbidden(facts, { sql, tables: facts.tables, mayAlter: facts.server.mayCreate })
}

interface Change {
  readonly sql: string
  readonly tables: readonly TableFacts[]
  /** Apart from the tables themselves. */
  readonly mayAlter: boolean
}

/** What keeps us from making or extending our own publication. */
function forbidden({ server }: SourceFacts, { sql, tables, mayAlter }: Change): Finding[] {
  if (server.isStandby) {
    const message = 'a publication cannot be made on a standby'
    return [error('PUBLICATION_UNFIT', message, `run on the primary: ${sql}`)]
  }
  const others = tables.filter(({ isOwned }) => !isOwned)
  if (mayAlter && others.length === 0) return []
  const reasons = [
    ...(mayAlter ? [] : [`may not create or alter one in the database ${server.database}`]),
    ...(others.length === 0 ? [] : [`does not own ${others.length} of the tables`]),
  ]
  const message = `the publication cannot be made: the user ${server.user} ${reasons.join(', and ')}`
  return [error('PERMISSION_DENIED', message, `run as the owner of the tables: ${sql}`)]
}

function unfit(publication: PublicationFacts, name: string): Finding[] {
  const set = `run: ALTER PUBLICATION ${quoteIdentifier(name)} SET`
  const findings: Finding[] = []
  const add = (what: string, option: string): void => {
    const message = `the publication ${name} ${what}`
    findings.push(error('PUBLICATION_UNFIT', message, `${set} (${option})`))
  }
  if (!publication.hasAllKinds) {
    const all = "publish = 'insert, update, delete, truncate'"
    add('does not publish every kind of change', all)
  }
  if (!publication.isViaRoot) {
    add('publishes partitions one by one', 'publish_via_partition_root = true')
  }
  if (publication.hasGenerated) {
    add('publishes generated columns, which no load copies', 'publish_generated_columns = none')
  }
  return findings
}

function narrowed(
  publication: PublicationFacts,
  tables: readonly TableFacts[],
  name: string,
): Finding[] {
  const alter = `ALTER PUBLICATION ${quoteIdentifier(name)}`
  return tables
    .map((table) => quoteTable(table.name))
    .filter((table) => publication.narrowed.has(table))
    .map((table) => {
      const message = `the publication ${name} publishes only some rows or columns of ${table}`
      const sql = `${alter} DROP TABLE ${table}; ${alter} ADD TABLE ${table}`
      return error('PUBLICATION_UNFIT', message, `run: ${sql}`)
    })
}
