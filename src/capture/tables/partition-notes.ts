/**
 * Keeps the log's notes of partitions up to date, and says what happened to them that it cannot tell.
 */

import type { LoadMode } from '../../core/manifest.ts'
import { tableId } from '../../core/table.ts'
import type { LogState, TableState } from '../../lake/log/log-state.ts'
import type { LoadableTable, Source } from '../source.ts'
import type { Mark } from './marks.ts'
import { partitionChanges } from './partitions.ts'
import type { TrackedTables } from './tracked-tables.ts'

export interface PartitionNotesParts {
  readonly source: Pick<Source, 'hadRows'>
  readonly mode: LoadMode
  readonly tables: TrackedTables
  readonly mark: (make: () => readonly Mark[]) => void
}

type State = Pick<LogState, 'n' | 'tables'>

/** What a look found. */
export interface PartitionsFound {
  readonly tables: readonly LoadableTable[]
  /** The log when we looked. */
  readonly before: State
}

/** Whether the log has other notes of some tables. */
export function haveOthers(
  state: Pick<State, 'tables'>,
  tables: readonly LoadableTable[],
): boolean {
  return tables.some(({ name, partitions }) => {
    const known = state.tables.get(tableId(name))
    return partitions !== undefined && known?.partitions?.join() !== partitions.join()
  })
}

/**
 * Compares what was found with the log, which has got as far by now, and puts the difference into it.
 * If a TRUNCATE has come since the look, what was found may be of before it: the next look tells. A
 * table that had no load when we looked, or has lost it since, gets one that brings what we saw.
 */
export async function notePartitions(
  { source, mode, tables, mark }: PartitionNotesParts,
  { tables: looked, before, now }: PartitionsFound & { readonly now: State },
): Promise<void> {
  for (const table of looked) {
    const { oid, name, partitions } = table
    const known = now.tables.get(tableId(name))
    if (partitions === undefined || known === undefined || !tables.isAtHome(table)) continue
    const then = before.tables.get(tableId(name))
    if (then === undefined || known.partitions !== then.partitions) continue
    const found = known.partitions ? await wordsFor(source, known.partitions, partitions) : []
    if (found === null) continue
    const isVoid = hasNoLoad(then) || (known.ambiguousAt ?? 0) > before.n
    const changes = isVoid && mode !== 'cdc' ? [] : found
    mark(() => tables.changed(oid, changes, partitions))
  }
}

function hasNoLoad({ newestLoad, openLoads }: TableState): boolean {
  return newestLoad === null && openLoads.length === 0
}

/** `null` if there is nothing to note; no words for what changes no row. */
async function wordsFor(
  source: PartitionNotesParts['source'],
  before: readonly string[],
  now: readonly string[],
): Promise<string[] | null> {
  const changes = partitionChanges(before, now)
  if (changes === null) return null
  const words: string[] = []
  if (await anyHadRows(source, changes.attached)) {
    words.push('a partition was attached that had rows')
  }
  if (changes.detached > 0) words.push('a partition was detached or dropped')
  if (changes.rewritten > 0) words.push('a partition was truncated or written anew')
  return words
}

async function anyHadRows(
  source: PartitionNotesParts['source'],
  partitions: readonly number[],
): Promise<boolean> {
  for (const partition of partitions) {
    if ((await source.hadRows?.(partition)) ?? false) return true
  }
  return false
}
