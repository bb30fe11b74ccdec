/** Where an ordered consumer begins that is new, or whose place in the log is gone. */

import type { TableId } from '../../core/table.ts'
import { newLedger } from '../beginning.ts'
import type { Log } from '../log.ts'
import { NEW_TABLE, type OrderedPlace, type TablePlace } from './place.ts'

/** `before`: what it knows from earlier, whose memos stay. */
export async function beginning(
  log: Log,
  consumer: string,
  before: OrderedPlace | null,
): Promise<OrderedPlace> {
  const { n, epoch, stragglers } = await newLedger(log, consumer)
  const tables = new Map<TableId, TablePlace>()
  for (const [table, { memo }] of before?.tables ?? []) {
    tables.set(table, { ...NEW_TABLE, state: 'gone', memo })
  }
  for (const [table, { state, load }] of stragglers) {
    const memo = tables.get(table)?.memo ?? {}
    const isFound = state === 'ready' || state === 'loading'
    tables.set(table, { ...NEW_TABLE, state: isFound ? state : 'waiting', load, memo })
  }
  return { n, epoch, pending: null, tables, memo: before?.memo ?? {} }
}
