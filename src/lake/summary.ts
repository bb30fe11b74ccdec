/** What a lake holds, counted from its manifests. */

import type { ChangesEntry, Entry, LoadPartEntry } from '../core/manifest.ts'
import type { LogReader } from './log/log-reader.ts'

export interface LakeSummary {
  /** Numbers of the oldest manifest that is kept and of the newest; `head` is 0 in an empty lake. */
  readonly first: number
  readonly head: number
  /** UTC times at which those two were written. */
  readonly from: string | null
  readonly upTo: string | null
  /** Of all tables together. */
  readonly total: Counts
  /** Sorted by name. */
  readonly tables: readonly TableSummary[]
  /** In the order of the log; empty unless one table was asked for. */
  readonly files: readonly FileSummary[]
}

interface Counts {
  files: number
  bytes: number
  /** Rows of loads, cancelled ones included, and of changes. */
  loaded: number
  changes: number
}

export interface TableSummary {
  readonly table: string
  /** Rows of loads, cancelled ones included. */
  loaded: number
  readonly counts: { i: number; u: number; d: number }
  files: number
  bytes: number
  /** The newest manifest with changes of the table; `null` if there is none. */
  lastManifest: number | null
  /** UTC time at which that was written. */
  lastChangeAt: string | null
}

export interface FileSummary {
  readonly path: string
  readonly table: string
  readonly type: 'changes' | 'load-part'
  readonly rows: number
  readonly bytes: number
  readonly manifest: number
}

/** Reads every kept manifest. `only` limits it to one table, and lists the files of that. */
export async function summarize(reader: LogReader, only: string | null): Promise<LakeSummary> {
  const tables = new Map<string, TableSummary>()
  const total: Counts = { files: 0, bytes: 0, loaded: 0, changes: 0 }
  const files: FileSummary[] = []
  // With the head known, a manifest that is missing below it is noticed.
  await reader.recover()
  const first = await reader.first()
  const times: { from: string | null; upTo: string | null } = { from: null, upTo: null }
  let head = 0
  for await (const { n, closedAt, entries } of reader.manifests(first)) {
    head = n
    times.from ??= closedAt
    times.upTo = closedAt
    for (const entry of entries) {
      if (!isFile(entry) || (only !== null && entry.table !== only)) continue
      count(tableOf(tables, entry.table), entry, { n, closedAt })
      add(total, entry)
      if (only === null) continue
      const { path, table, type, bytes } = entry
      files.push({ path, table, type, bytes, rows: rowsOf(entry), manifest: n })
    }
  }
  const sorted = [...tables.values()].toSorted((a, b) => (a.table < b.table ? -1 : 1))
  return { first, head, ...times, total, tables: sorted, files }
}

function tableOf(tables: Map<string, TableSummary>, table: string): TableSummary {
  const known = tables.get(table)
  if (known) return known
  const counts = { i: 0, u: 0, d: 0 }
  const nothing = { files: 0, bytes: 0, lastManifest: null, lastChangeAt: null }
  const summary: TableSummary = { table, loaded: 0, counts, ...nothing }
  tables.set(table, summary)
  return summary
}

function count(
  summary: TableSummary,
  entry: ChangesEntry | LoadPartEntry,
  { n, closedAt }: { readonly n: number; readonly closedAt: string },
): void {
  summary.files++
  summary.bytes += entry.bytes
  if (entry.type === 'load-part') {
    summary.loaded += entry.rows
    return
  }
  summary.counts.i += entry.rows.i
  summary.counts.u += entry.rows.u
  summary.counts.d += entry.rows.d
  summary.lastManifest = n
  summary.lastChangeAt = closedAt
}

function add(total: Counts, entry: ChangesEntry | LoadPartEntry): void {
  total.files++
  total.bytes += entry.bytes
  if (entry.type === 'load-part') total.loaded += entry.rows
  else total.changes += rowsOf(entry)
}

function isFile(entry: Entry): entry is ChangesEntry | LoadPartEntry {
  return entry.type === 'changes' || entry.type === 'load-part'
}

function rowsOf(entry: ChangesEntry | LoadPartEntry): number {
  return entry.type === 'changes' ? entry.rows.i + entry.rows.u + entry.rows.d : entry.rows
}
