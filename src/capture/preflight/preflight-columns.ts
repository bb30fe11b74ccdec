/**
 * Whether `source.columns` can be done: what is excluded is there, is no key, and is not everything.
 *
 * A name that fits nothing is an error, for it may be a misspelling, and then what should have been
 * left out would be replicated.
 */

import { selectTables } from '../../core/table-selection.ts'
import type { TableName } from '../../core/table.ts'
import { listed } from '../publication/table-list.ts'
import type { Exclusions } from '../stream/exclusions.ts'
import { error, tableError, warning, type Check, type Finding } from './finding.ts'
import type { SourceFacts, TableFacts } from './preflight-facts.ts'

export function columnCheck({ tables }: SourceFacts, exclusions: Exclusions): Check {
  const findings = [
    ...unknownNames(tables, exclusions),
    ...tables.flatMap((table) => unfit(table, exclusions.excluded(table))),
  ]
  return { about: 'the columns of source.columns can be left out', findings }
}

function unknownNames(tables: readonly TableFacts[], exclusions: Exclusions): Finding[] {
  const findings: Finding[] = []
  for (const rule of exclusions.rules) {
    const isMeant = selectTables([rule.tables])
    const meant = tables.filter(({ name }) => isMeant(name))
    const known = new Set(meant.flatMap(namesIn))
    const missing = rule.exclude.filter((column) => !known.has(column))
    const renamed = missing.flatMap((column) => stays(tables, exclusions, { column, isMeant }))
    findings.push(...renamed.map(({ finding }) => finding))
    const unknown = missing.filter((column) => !renamed.some((one) => one.column === column))
    if (meant.length === 0 && unknown.length > 0) {
      const message = `source.columns: no selected table fits ${rule.tables}`
      findings.push({ ...error('COLUMNS_UNFIT', message), isOfConfig: true })
      continue
    }
    for (const name of unknown) {
      const message = `source.columns: ${listed(meant.map((table) => table.name))} has no column ${name}`
      const cure = 'write the name as it is in the database, or take it out of source.columns'
      findings.push({ ...error('COLUMNS_UNFIT', message, cure), isOfConfig: true })
    }
  }
  return findings
}

/** What the rule found once, under the name that is not there any more. */
function stays(
  tables: readonly TableFacts[],
  exclusions: Exclusions,
  { column, isMeant }: { column: string; isMeant: (table: TableName) => boolean },
): { readonly column: string; readonly finding: Finding }[] {
  return exclusions.renamed(tables, column, isMeant).map((now) => {
    const name = `${now.column} of ${listed([now.table])}`
    const message = `source.columns excluded ${name} when it was called ${column}, and it stays excluded`
    const cure = `write ${name} in source.columns; to capture it, take the rule out`
    return { column, finding: warning(message, cure) }
  })
}

function namesIn({ columns, generated }: TableFacts): string[] {
  return [...columns.map(({ name }) => name), ...generated]
}

function unfit(table: TableFacts, excluded: ReadonlySet<string>): Finding[] {
  const names = [table.name]
  const key = table.key.filter((column) => excluded.has(column))
  if (key.length > 0) {
    const message = `source.columns excludes ${key.join(', ')} of ${listed(names)}, by which its rows are found`
    const cure = 'take it out of source.columns, or leave the table out in source.tables'
    return [tableError('COLUMNS_UNFIT', names, { message, cure })]
  }
  const isLeft = table.columns.some(({ name }) => !excluded.has(name))
  if (isLeft || excluded.size === 0) return []
  const message = `source.columns excludes every column of ${listed(names)}`
  const cure = 'leave the table out in source.tables'
  return [tableError('COLUMNS_UNFIT', names, { message, cure })]
}
