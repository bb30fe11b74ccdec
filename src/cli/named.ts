/** Tables and targets that a command is given by name. */

import type { Lake } from '../compose.ts'
import type { Config } from '../config/config.ts'
import { fail } from '../core/errors.ts'
import type { TableId } from '../core/table.ts'

/** Fails with USAGE if the lake has no such table. */
export async function tableIn({ reader }: Lake, table: string): Promise<TableId> {
  const { tables } = await reader.recover()
  const found = [...tables.keys()].find((id) => id === table)
  if (found !== undefined) return found
  return fail('USAGE', `the lake has no table ${table}`, { hint: 'see `millrace lake ls`' })
}

/** All targets, or the one that is named; fails with USAGE if there is no such target. */
export function targetNames(
  { targets }: Pick<Config, 'targets'>,
  only: string | null,
): readonly string[] {
  const names = targets.map(({ name }) => name)
  if (only === null) return names
  if (names.includes(only)) return [only]
  return fail('USAGE', `there is no target ${only}`, { hint: `targets: ${names.join(', ')}` })
}
