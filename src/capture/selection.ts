/** The tables of the source that the task replicates. */

import type { Client } from 'pg'

import { fail } from '../core/errors.ts'
import type { TableName } from '../core/table.ts'
import { listTables, type SourceTable } from '../postgres/catalog.ts'
import { quoteTable } from '../postgres/quote.ts'

export async function selectLoadable(
  client: Client,
  isSelected: (name: TableName) => boolean,
): Promise<SourceTable[]> {
  const tables = (await listTables(client)).filter(({ name }) => isSelected(name))
  if (tables.length === 0) fail('NO_TABLES', 'no table of the source matches source.tables')
  refuseWithoutKey(tables)
  return tables
}

/** Without a key, an update or delete names no row: it would be lost without a word. */
function refuseWithoutKey(tables: readonly SourceTable[]): void {
  const keyless = tables.filter(({ key }) => key.length === 0)
  if (keyless.length === 0) return
  const names = keyless.map(({ name }) => `${name.namespace}.${name.name}`)
  const [first] = keyless
  fail('TABLE_WITHOUT_KEY', `no primary key or replica identity: ${names.join(', ')}`, {
    hint:
      `run: ALTER TABLE ${quoteTable(first!.name)} ADD PRIMARY KEY (…); ` +
      `or leave it out with '!${names[0]}' in source.tables`,
  })
}
