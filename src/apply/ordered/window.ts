/**
 * Which manifests are taken together: those that were written within one interval, counted from the
 * first that has something in it.
 *
 * The time is that of the log, not of our clock: who is far behind takes the log in the same pieces as
 * who was there. Only whether the last piece is over already is a question of the present, and its
 * answer is written into the ledger before it counts.
 *
 * A load that begins while the one before it is not taken yet would take its place, and what was
 * written in between would be in no file. So a window ends before it.
 */

import type { Manifest } from '../../core/manifest.ts'
import type { TableId } from '../../core/table.ts'

export interface Window {
  /** Ends where a transaction ends; empty if the log has no whole one more. */
  readonly manifests: readonly Manifest[]
  /** No manifest that is still to come belongs to it. */
  readonly isClosed: boolean
  /** When the first was written that has something in it, ms since 1970; `null` if none has. */
  readonly beganAtMs: number | null
}

export interface WindowLimits {
  readonly intervalMs: number
  readonly manifests: number
}

interface Span {
  readonly after: number
  readonly until?: number
  /** Tables that have a load to take, or changes to catch up with. */
  readonly busy?: ReadonlySet<TableId>
}

/** The window after manifest `after`, at most up to `until`. */
export async function readWindow(
  manifestAt: (n: number) => Promise<Manifest | null>,
  { after, until = Infinity, busy }: Span,
  limits: WindowLimits,
): Promise<Window> {
  const manifests: Manifest[] = []
  const loaded = new Set<TableId>()
  let whole = 0
  let lateAfterMs = Infinity
  let isClosed = false
  for (let n = after + 1; n <= until; n++) {
    const manifest = await manifestAt(n)
    if (manifest === null) break
    const closedAtMs = Date.parse(manifest.closedAt)
    const isLate = closedAtMs > lateAfterMs || manifest.kind === 'epoch'
    isClosed = whole > 0 && (isLate || beginsLoad(manifest, loaded))
    if (isClosed || (busy !== undefined && beginsLoad(manifest, busy))) break
    manifests.push(manifest)
    if (manifest.entries.length > 0 && lateAfterMs === Infinity) {
      lateAfterMs = closedAtMs + limits.intervalMs
    }
    for (const { type, table } of manifest.entries) {
      if (type === 'load-end' || type === 'load-cancel') loaded.add(table)
    }
    if (manifest.to.end) whole = manifests.length
    isClosed = whole > 0 && (manifest.kind === 'epoch' || manifests.length >= limits.manifests)
    if (isClosed) break
  }
  const taken = manifests.slice(0, whole)
  const first = taken.find(({ entries }) => entries.length > 0)
  return { manifests: taken, isClosed, beganAtMs: first ? Date.parse(first.closedAt) : null }
}

function beginsLoad({ entries }: Manifest, tables: ReadonlySet<TableId>): boolean {
  return entries.some(({ type, table }) => type === 'load-begin' && tables.has(table))
}
