/** Short ways to write events of a task. */

import type { TaskEvent } from '../../../src/core/events.ts'
import { lsn, ZERO_LSN } from '../../../src/core/lsn.ts'
import type { Entry, Manifest } from '../../../src/core/manifest.ts'
import type { TableId } from '../../../src/core/table.ts'

export const ORDERS = 'app.orders' as TableId
export const USERS = 'app.users' as TableId

const position = { lsn: lsn(100n), ordinal: 2 }

export function changes(
  table: TableId,
  rows: { i?: number; u?: number; d?: number },
  first = position,
): Entry {
  return {
    type: 'changes',
    table,
    shape: 'shape',
    path: `${table}.csv`,
    first,
    last: first,
    rows: { i: 0, u: 0, d: 0, ...rows },
    unchanged: 0,
    bytes: 1000,
    sha256: '',
    order: 1,
  }
}

export function truncate(table: TableId): Entry {
  return { type: 'truncate', table, position, order: 1 }
}

export function rename(table: TableId, to: TableId): Entry {
  return { type: 'rename', table, to, shape: 'shape', position, order: 1 }
}

export function drop(table: TableId): Entry {
  return { type: 'drop', table, position, order: 1 }
}

export function loadPart(table: TableId, rows: number): Entry {
  return { type: 'load-part', table, load: 'l', path: 'p', rows, bytes: rows * 10, sha256: '' }
}

export function loadEnd(table: TableId, rows: number): Entry {
  return { type: 'load-end', table, load: 'l', rows }
}

/** Manifest `n`, closed at `at`. */
export function written(
  n: number,
  at: number,
  { entries = [], latencyMs = null }: { entries?: Entry[]; latencyMs?: number | null },
): TaskEvent {
  const manifest: Manifest = {
    n,
    kind: entries.length > 0 ? 'changes' : 'heartbeat',
    writer: 'w',
    generation: 1,
    epoch: 1,
    timeline: 1,
    to: { ...position, end: true },
    confirm: ZERO_LSN,
    clock: 1,
    closedAt: new Date(at).toISOString(),
    entries,
  }
  return { type: 'manifest-written', manifest, bytes: 1000, seconds: 0.25, latencyMs }
}

export function applied(n: number, asOfMs: number, changesTaken = 0): TaskEvent {
  return {
    type: 'applied',
    target: 'warehouse',
    n,
    asOfMs,
    rows: changesTaken,
    changes: changesTaken,
    seconds: 0.1,
  }
}
