/** What a lake holds, counted from its manifests. */

import type { ChangesEntry, Entry, LoadPartEntry } from '../core/manifest.ts'
import type { LogReader } from './log-reader.ts'

export interface LakeSummary {
  /** Number of the newest manifest. */
  readonly head: number
  /** Sorted by name. */
  readonly tables: readonly TableSummary[]
  /** In the order of the log. */
  readonly files: readonly FileSummary[]
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
}

export interface FileSummary {
  readonly path: string
  readonly table: string
  readonly type: 'changes' | 'load-part'
  readonly rows: number
  readonly bytes: number
  readonly manifest: number
}

/** Reads every kept manifest. `only` limits it to one table. */
export async function summarize(reader: LogReader, only: string | null): Promise<LakeSummary> {
  const tables = new Map<string, TableSummary>()
  const files: FileSummary[] = []
  let head = 0
  for await (const { n, entries } of reader.manifests(await reader.first())) {
    head = n
    for (const entry of entries) {
      if (!isFile(entry) || (only !== null && entry.table !== only)) continue
      count(tableOf(tables, entry.table), entry, n)
      const { path, table, type, bytes } = entry
      files.push({ path, table, type, bytes, rows: rowsOf(entry), manifest: n })
    }
  }
  const sorted = [...tables.values()].toSorted((a, b) => (a.table < b.table ? -1 : 1))
  return { head, tables: sorted, files }
}

function tableOf(tables: Map<string, TableSummary>, table: string): TableSummary {
  const known = tables.get(table)
  if (known) return known
  const counts = { i: 0, u: 0, d: 0 }
  const summary = { table, loaded: 0, counts, files: 0, bytes: 0, lastManifest: null }
  tables.set(table, summary)
  return summary
}

function count(summary: TableSummary, entry: ChangesEntry | LoadPartEntry, n: number): void {
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
}

function isFile(entry: Entry): entry is ChangesEntry | LoadPartEntry {
  return entry.type === 'changes' || entry.type === 'load-part'
}

function rowsOf(entry: ChangesEntry | LoadPartEntry): number {
  return entry.type === 'changes' ? entry.rows.i + entry.rows.u + entry.rows.d : entry.rows
}
