/**
 * Which manifests are taken together: those that were written within one interval, counted from the
 * first that has something in it.
 *
 * The time is that of the log, not of our clock: who is far behind takes the log in the same pieces as
 * who was there. Only whether the last piece is over already is a question of the present, and its
 * answer is written into the ledger before it counts.
 */

import type { Manifest } from '../../core/manifest.ts'

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

/** The window after manifest `after`, at most up to `until`. */
export async function readWindow(
  manifestAt: (n: number) => Promise<Manifest | null>,
  { after, until = Infinity }: { readonly after: number; readonly until?: number },
  limits: WindowLimits,
): Promise<Window> {
  const manifests: Manifest[] = []
  let whole = 0
  let beganAtMs: number | null = null
  let isClosed = false
  for (let n = after + 1; n <= until; n++) {
    const manifest = await manifestAt(n)
    if (manifest === null) break
    const closedAtMs = Date.parse(manifest.closedAt)
    const isLate = beganAtMs !== null && closedAtMs > beganAtMs + limits.intervalMs
    isClosed = whole > 0 && (isLate || manifest.kind === 'epoch')
    if (isClosed) break
    manifests.push(manifest)
    if (manifest.entries.length > 0) beganAtMs ??= closedAtMs
    if (manifest.to.end) whole = manifests.length
    isClosed = whole > 0 && (manifest.kind === 'epoch' || manifests.length >= limits.manifests)
    if (isClosed) break
  }
  return { manifests: manifests.slice(0, whole), isClosed, beganAtMs }
}
