/**
 * Whether the publication publishes what we load.
 *
 * Ours need not be there yet; then we must be allowed to make it. One that was given is used as it
 * is, and must have every selected table with all kinds of changes. It may have only some columns or
 * rows of them: loads copy the same.
 */

import { quoteIdentifier, quoteTable } from '../../postgres/quote.ts'
import { columnList } from '../publication/column-list.ts'
import { addition, creation, missingIn, relistedIn, relisting } from '../publication/publication.ts'
import { plain } from '../publication/table-list.ts'
import { error, tableError, type Check, type ErrorFinding, type Finding } from './finding.ts'
import type { SourceFacts, TableFacts, Wanted } from './preflight-facts.ts'
import type { PublicationFacts } from './publication-facts.ts'

export function publicationCheck(
  facts: SourceFacts,
  { publication: { name, isOurs }, columns }: Wanted,
): Check {
  const { publication } = facts
  const tables = facts.tables.map((table) => ({
    ...table,
    list: columnList(table, facts, columns),
  }))
  if (publication === null) {
    const findings = tables.length === 0 ? [] : absent(facts, tables, { name, isOurs })
    return { about: `the publication ${name} will be made at the first start`, findings }
  }
  const findings = [...unfit(publication, name)]
  const missing = missingIn(publication, tables)
  if (isOurs) {
    const stale = relistedIn(publication, tables)
    const add = { sql: addition(name, missing), tables: missing }
    findings.push(...forbidden(facts, { ...add, mayAlter: publication.isOwned }))
    const relist = { sql: relisting(name, stale), tables: stale }
    findings.push(...forbidden(facts, { ...relist, mayAlter: publication.isOwned }))
  } else {
    findings.push(...lacking(name, missing), ...breaking(publication, tables, name))
  }
  return { about: `the publication ${name} is fit`, findings }
}

function lacking(name: string, missing: readonly Listed[]): Finding[] {
  if (missing.length === 0) return []
  const message = `the publication ${name} lacks ${missing.length} of the selected tables`
  const cure = `run: ${addition(name, missing)}`
  const names = missing.map((table) => table.name)
  return [tableError('PUBLICATION_UNFIT', names, { message, cure })]
}

/** A table, and the columns that our publication lists of it. */
type Listed = TableFacts & { readonly list: readonly string[] | null }

function absent(
  facts: SourceFacts,
  tables: readonly Listed[],
  { name, isOurs }: Wanted['publication'],
): Finding[] {
  const sql = creation(name, tables)
  if (!isOurs) {
    return [error('PUBLICATION_UNFIT', `there is no publication ${name}`, `run: ${sql}`)]
  }
  const findings = forbidden(facts, { sql, tables, mayAlter: facts.server.mayCreate })
  // Without a publication nothing can be replicated.
  return findings.map(({ code, message, cure }) => error(code, message, cure))
}

interface Change {
  readonly sql: string
  readonly tables: readonly TableFacts[]
  /** Apart from the tables themselves. */
  readonly mayAlter: boolean
}

/** What keeps us from making our own publication, or from bringing it in step. */
function forbidden({ server }: SourceFacts, { sql, tables, mayAlter }: Change): ErrorFinding[] {
  if (tables.length === 0) return []
  const all = tables.map(({ name }) => name)
  if (server.isStandby) {
    const message = 'a publication cannot be made on a standby'
    return [tableError('PUBLICATION_UNFIT', all, { message, cure: `run on the primary: ${sql}` })]
  }
  const others = tables.filter(({ isOwned }) => !isOwned).map(({ name }) => name)
  if (mayAlter && others.length === 0) return []
  const reasons = [
    ...(mayAlter ? [] : [`may not create or alter one in the database ${server.database}`]),
    ...(others.length === 0 ? [] : [`does not own ${others.length} of the tables`]),
  ]
  const message = `the publication cannot be made: the user ${server.user} ${reasons.join(', and ')}`
  const cure = `run as the owner of the tables: ${sql}`
  return [tableError('PERMISSION_DENIED', mayAlter ? others : all, { message, cure })]
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

/** With a list that does not cover the replica identity, the server refuses updates and deletes. */
function breaking(
  publication: PublicationFacts,
  tables: readonly TableFacts[],
  name: string,
): Finding[] {
  return tables.flatMap((table) => {
    const columns = publication.narrowed.get(quoteTable(table.name))?.columns ?? null
    if (columns === null) return []
    const lost = table.identityColumns.filter((column) => !columns.includes(column))
    if (!table.hasFullIdentity && lost.length === 0) return []
    const message = `the publication ${name} lists columns of ${plain(table.name)} that do not cover its replica identity, so its updates fail at the source`
    const cure = `run: ${relisting(name, [{ name: table.name }])}`
    return [tableError('PUBLICATION_UNFIT', [table.name], { message, cure })]
  })
}
