/** The parts of one complete load, as its straggler takes them. */

import { fail } from '../core/errors.ts'
import type { StragglerLoad } from '../core/ledger.ts'
import type { Lsn } from '../core/lsn.ts'
import type { LoadPartEntry } from '../core/manifest.ts'
import type { TableId } from '../core/table.ts'
import type { LoadPart, TupleBlock } from '../core/target.ts'
import { ofTable } from './faults.ts'
import type { Log } from './log.ts'

export interface LoadFiles {
  readonly load: string
  readonly lsn: Lsn
  readonly since: number
  readonly beganAt: number
  /** Key of the shape that the table had in the load's snapshot. */
  readonly shape: string
  readonly parts: readonly LoadPartEntry[]
}

export async function loadFiles(
  log: Pick<Log, 'manifest' | 'loadParts'>,
  table: TableId,
  found: StragglerLoad | null,
): Promise<LoadFiles> {
  if (found === null || found.endedAt === null) {
    return fail('LAKE_DAMAGED', `the load of ${table} has no end`, { details: { table } })
  }
  const { load, lsn, since, beganAt, endedAt } = found
  const manifest = await log.manifest(beganAt)
  if (manifest === null) {
    return fail('LOG_EXPIRED', `the load of ${table} began at manifest ${beganAt}, which is gone`, {
      details: { table, n: beganAt },
    })
  }
  for (const entry of manifest.entries) {
    if (entry.type !== 'load-begin' || entry.table !== table || entry.load !== load) continue
    try {
      const parts = await log.loadParts({ table, load, beganAt, endedAt })
      return { load, lsn, since, beganAt, shape: entry.shape, parts }
    } catch (error) {
      throw ofTable(error, table)
    }
  }
  return fail('LAKE_DAMAGED', `manifest ${beganAt} does not begin load ${load} of ${table}`, {
    details: { table, load },
  })
}

/** The part, with its failures marked as those of the table. */
export function markedPart(part: LoadPart, table: TableId): LoadPart {
  async function* read(): AsyncGenerator<TupleBlock> {
    try {
      yield* part.read()
    } catch (error) {
      throw ofTable(error, table)
    }
  }
  return { ...part, read }
}

/** Rows of the first `count` parts. */
export function rowsOf(parts: readonly LoadPartEntry[], count = parts.length): number {
  let rows = 0
  for (const part of parts.slice(0, count)) rows += part.rows
  return rows
}
