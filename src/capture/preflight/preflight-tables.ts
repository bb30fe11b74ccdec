/** Whether the selected tables are there, and can be read. */

import { quoteIdentifier, quoteTable } from '../../postgres/quote.ts'
import { listed, plain } from '../publication/table-list.ts'
import { error, tableError, warning, type Check, type Finding } from './finding.ts'
import { columnCheck } from './preflight-columns.ts'
import type { SourceFacts, TableFacts, Wanted } from './preflight-facts.ts'
import { keyCheck } from './preflight-keys.ts'

export function tableChecks(facts: SourceFacts, wanted: Wanted): Check[] {
  const { tables } = facts
  if (tables.length === 0) return [selection(facts, wanted)]
  const columns = wanted.columns ? [columnCheck(facts, wanted.columns)] : []
  return [selection(facts, wanted), keyCheck(tables), rights(facts), ...columns]
}

function selection({ tables, others }: SourceFacts, { patterns }: Wanted): Check {
  const findings: Finding[] = []
  if (tables.length === 0) {
    findings.push(error('NO_TABLES', 'no table of the source matches source.tables'))
  }
  const named = new Set(patterns.filter((pattern) => !/[*!]/.test(pattern)))
  for (const pattern of named) {
    const isThere = [...tables, ...others].some(({ name }) => plain(name) === pattern)
    if (!isThere) findings.push(warning(`there is no table ${pattern}`, 'look at source.tables'))
  }
  for (const { name, kind } of others) {
    const sql = `ALTER TABLE ${quoteTable(name)} SET LOGGED`
    const leaveOut = `leave it out with '!${plain(name)}' in source.tables`
    if (kind === 'unlogged table') {
      const message = `${plain(name)} is an unlogged table: the server writes no WAL for it, so it is not replicated`
      findings.push(warning(message, `run: ${sql}; or ${leaveOut}`))
    } else if (kind === 'foreign table') {
      const message = `${plain(name)} is a foreign table, and is not replicated`
      findings.push(warning(message, `replicate it from its own server, and ${leaveOut}`))
    } else if (named.has(plain(name))) {
      const message = `${plain(name)} is a ${kind}, and is not replicated as such`
      const instead = kind === 'partition' ? 'its root' : 'the tables that it reads'
      findings.push(warning(message, `name ${instead} in source.tables`))
    }
  }
  return { about: `${tables.length} tables are selected`, findings }
}

function rights({ server, tables }: SourceFacts): Check {
  const user = quoteIdentifier(server.user)
  const findings: Finding[] = []
  const closed = tables.filter(({ mayEnter }) => !mayEnter)
  const unreadable = tables.filter(({ maySelect }) => !maySelect)
  const grants = [
    ...schemasOf(closed).map((name) => `GRANT USAGE ON SCHEMA ${name} TO ${user}`),
    ...(unreadable.length > 0
      ? [`GRANT SELECT ON ${unreadable.map(({ name }) => quoteTable(name)).join(', ')} TO ${user}`]
      : []),
  ]
  if (grants.length > 0) {
    const names = [...new Set([...closed, ...unreadable])].map(({ name }) => name)
    const message = `the user ${server.user} may not read ${listed(names)}`
    const cure = `run: ${grants.join('; ')}`
    findings.push(tableError('PERMISSION_DENIED', names, { message, cure }))
  }
  const secured = tables.filter(({ isRowSecured, maySelect }) => isRowSecured && maySelect)
  if (secured.length > 0) {
    const names = secured.map(({ name }) => name)
    const message = `row security hides rows from the user ${server.user}: ${listed(names)}`
    const cure = `run: ALTER ROLE ${user} BYPASSRLS`
    findings.push(tableError('PERMISSION_DENIED', names, { message, cure }))
  }
  return { about: `the user ${server.user} may read every selected table`, findings }
}

function schemasOf(tables: readonly TableFacts[]): string[] {
  return [...new Set(tables.map(({ name }) => quoteIdentifier(name.namespace)))]
}
