/**
 * Whether the rows of the selected tables can be found again by updates and deletes.
 *
 * A table without a replica identity never goes into a publication of ours: the server would refuse
 * the updates and deletes of its owner from then on. One with REPLICA IDENTITY FULL and no key can be
 * published, and the log has whole rows of it; a target that holds the rows as they are now cannot
 * find them, so that is said beforehand.
 */

import type { TableName } from '../../core/table.ts'
import { quoteTable } from '../../postgres/quote.ts'
import { listed, plain } from '../publication/table-list.ts'
import { tableError, warning, type Check, type Finding } from './finding.ts'
import type { TableFacts } from './preflight-facts.ts'

export function keyCheck(tables: readonly TableFacts[]): Check {
  const keyless = tables.filter(({ key }) => key.length === 0)
  const whole = keyless.filter(({ identity }) => identity === 'full')
  const unfit = keyless.filter(({ identity }) => identity !== 'full')
  const findings = [...keylessErrors(unfit), ...wholeRows(whole), ...partitions(tables, unfit)]
  return { about: 'every selected table has a key', findings }
}

/** Without a key, an update or delete names no row: it would be lost without a word. */
function keylessErrors(keyless: readonly TableFacts[]): Finding[] {
  const findings: Finding[] = []
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
  return findings
}

function wholeRows(tables: readonly TableFacts[]): Finding[] {
  if (tables.length === 0) return []
  const names = tables.map(({ name }) => name)
  const message = `REPLICA IDENTITY FULL and no primary key: ${listed(names)}. The lake gets every change, and targets only with mode: history`
  const cure = `run: ALTER TABLE ${quoteTable(names[0]!)} ADD PRIMARY KEY (…)`
  return [warning(message, cure)]
}

/** What is published as its root is still found by the partition's own identity. */
function partitions(tables: readonly TableFacts[], unfit: readonly TableFacts[]): Finding[] {
  const roots = tables.filter(
    (table) => table.keylessPartitions.length > 0 && !unfit.includes(table),
  )
  const bad = roots.flatMap(({ keylessPartitions }) => keylessPartitions)
  if (bad.length === 0) return []
  const message = `partitions without a replica identity, whose updates would fail at the source: ${listed(bad)}`
  const cure = `run: ALTER TABLE ${quoteTable(bad[0]!)} REPLICA IDENTITY DEFAULT, or give it the primary key of its root`
  const names = roots.map(({ name }) => name)
  return [tableError('TABLE_WITHOUT_KEY', names, { message, cure })]
}

function keylessError(about: string, tables: readonly TableFacts[], sql: string): Finding {
  const names: TableName[] = tables.map(({ name }) => name)
  const message = `${about}: ${listed(names)}`
  const cure = `run: ${sql}; or leave it out with '!${plain(names[0]!)}' in source.tables`
  return tableError('TABLE_WITHOUT_KEY', names, { message, cure })
}
