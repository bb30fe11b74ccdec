/**
 * Whether `source.columns` can be done: what is excluded is there, is no key, and is not everything.
 *
 * A name that fits nothing is an error, for it may be a misspelling, and then what should have been
 * left out would be replicated.
 */

import { selectTables } from '../core/table-selection.ts'
import { error, tableError, type Check, type Finding } from './finding.ts'
import type { ColumnWishes, SourceFacts, TableFacts } from './preflight-facts.ts'
import { listed } from './table-list.ts'

export function columnCheck({ tables }: SourceFacts, wishes: ColumnWishes): Check {
  const findings = [
    ...unknownNames(tables, wishes),
    ...tables.flatMap((table) => unfit(table, wishes.excluded(table.name))),
  ]
  return { about: 'the columns of source.columns can be left out', findings }
}

function unknownNames(tables: readonly TableFacts[], { rules }: ColumnWishes): Finding[] {
  const findings: Finding[] = []
  for (const rule of rules) {
    const isMeant = selectTables([rule.tables])
    const meant = tables.filter(({ name }) => isMeant(name))
    if (meant.length === 0) {
      const message = `source.columns: no selected table fits ${rule.tables}`
      findings.push({ ...error('COLUMNS_UNFIT', message), isOfConfig: true })
      continue
    }
    const known = new Set(meant.flatMap(namesIn))
    for (const name of rule.exclude.filter((column) => !known.has(column))) {
      const message = `source.columns: ${listed(meant.map((table) => table.name))} has no column ${name}`
      const cure = 'write the name as it is in the database, or take it out of source.columns'
      findings.push({ ...error('COLUMNS_UNFIT', message, cure), isOfConfig: true })
    }
  }
  return findings
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
