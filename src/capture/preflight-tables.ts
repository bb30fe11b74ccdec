/** Whether the selected tables can be read, and their rows found again. */

import type { TableName } from '../core/table.ts'
import { quoteIdentifier, quoteTable } from '../postgres/quote.ts'
import { error, warning, type Check, type Finding } from './finding.ts'
import type { SourceFacts, TableFacts, Wanted } from './preflight-facts.ts'

export function tableChecks(facts: SourceFacts, wanted: Wanted): Check[] {
  const { tables } = facts
  if (tables.length === 0) return [selection(facts, wanted)]
  return [selection(facts, wanted), keys(tables), rights(facts)]
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

/** Without a key, an update or delete names no row: it would be lost without a word. */
function keys(tables: readonly TableFacts[]): Check {
  const findings: Finding[] = []
  const keyless = tables.filter(({ key }) => key.length === 0)
  const deferrable = keyless.filter(
    ({ identity, isKeyDeferrable }) => isKeyDeferrable && identity !== 'nothing',
  )
  const silenced = keyless.filter(
    ({ identity, hasPrimaryKey, isKeyDeferrable }) =>
      identity === 'nothing' && hasPrimaryKey && !isKeyDeferrable,
  )
  const without = keyless.filter(
    (table) => !deferrable.includes(table) && !silenced.includes(table),
  )
  if (without.length > 0) {
    const sql = `ALTER TABLE ${quoteTable(without[0]!.name)} ADD PRIMARY KEY (…)`
    findings.push(keylessError('no primary key or replica identity', without, sql))
  }
  if (silenced.length > 0) {
    const sql = silenced.map(
      ({ name }) => `ALTER TABLE ${quoteTable(name)} REPLICA IDENTITY DEFAULT`,
    )
    findings.push(keylessError('the replica identity is NOTHING', silenced, sql.join('; ')))
  }
  if (deferrable.length > 0) {
    const about =
      'the primary key is deferrable, which is no replica identity: published, its updates would fail at the source'
    const name = quoteTable(deferrable[0]!.name)
    const sql = `CREATE UNIQUE INDEX CONCURRENTLY … ON ${name} (…); ALTER TABLE ${name} REPLICA IDENTITY USING INDEX …`
    findings.push(keylessError(about, deferrable, sql))
  }
  return { about: 'every selected table has a key', findings: [...findings, ...partitions(tables)] }
}

/** What is published as its root is still found by the partition's own identity. */
function partitions(tables: readonly TableFacts[]): Finding[] {
  const bad = tables.flatMap(({ key, keylessPartitions }) =>
    key.length > 0 ? keylessPartitions : [],
  )
  if (bad.length === 0) return []
  const message = `partitions without a replica identity, whose updates would fail at the source: ${list(bad)}`
  const cure = `run: ALTER TABLE ${quoteTable(bad[0]!)} REPLICA IDENTITY DEFAULT, or give it the primary key of its root`
  return [error('TABLE_WITHOUT_KEY', message, cure)]
}

function keylessError(about: string, tables: readonly TableFacts[], sql: string): Finding {
  const first = plain(tables[0]!.name)
  return error(
    'TABLE_WITHOUT_KEY',
    `${about}: ${list(tables.map(({ name }) => name))}`,
    `run: ${sql}; or leave it out with '!${first}' in source.tables`,
  )
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
    const names = list([...new Set([...closed, ...unreadable])].map(({ name }) => name))
    const message = `the user ${server.user} may not read ${names}`
    findings.push(error('PERMISSION_DENIED', message, `run: ${grants.join('; ')}`))
  }
  const secured = tables.filter(({ isRowSecured, maySelect }) => isRowSecured && maySelect)
  if (secured.length > 0) {
    const names = list(secured.map(({ name }) => name))
    const message = `row security hides rows from the user ${server.user}: ${names}`
    findings.push(error('PERMISSION_DENIED', message, `run: ALTER ROLE ${user} BYPASSRLS`))
  }
  return { about: `the user ${server.user} may read every selected table`, findings }
}

function schemasOf(tables: readonly TableFacts[]): string[] {
  return [...new Set(tables.map(({ name }) => quoteIdentifier(name.namespace)))]
}

const LISTED = 20

function list(names: readonly TableName[]): string {
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : ''
  return names.slice(0, LISTED).map(plain).join(', ') + more
}

/** As people write it in source.tables. */
function plain({ namespace, name }: TableName): string {
  return `${namespace}.${name}`
}
