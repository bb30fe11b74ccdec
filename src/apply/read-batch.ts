/**
 * Reads the manifests of the next batch.
 *
 * A batch ends where a transaction ends, so that no reader of the target ever sees half of one; a
 * transaction that is larger than the limits is taken whole all the same. It also ends before an
 * epoch, unless the transaction before the epoch never ended: then the rows that were voided and the
 * epoch are one batch.
 */

import type { Manifest } from '../core/manifest.ts'
import { addChanges, isFull, type Limits, type Log } from './log.ts'

/** The batch after manifest `after`; empty if the log holds no whole transaction more. */
export async function readBatch(
  window: LogWindow,
  after: number,
  limits: Limits,
): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = []
  const size = { rows: 0, bytes: 0 }
  let whole = 0
  for (let n = after + 1; ; n++) {
    const manifest = await window.manifest(n)
    if (manifest === null) break
    if (manifest.kind === 'epoch' && whole > 0) break
    manifests.push(manifest)
    for (const entry of manifest.entries) if (entry.type === 'changes') addChanges(size, entry)
    const isEnough = isFull(size, limits) || manifests.length >= limits.manifests
    if (manifest.to.end) whole = manifests.length
    if (whole > 0 && (isEnough || manifest.kind === 'epoch')) break
  }
  return manifests.slice(0, whole)
}

/** Something was lost: the rows of the batch, if it has any, are of a transaction that never ended. */
export function isVoided(manifests: readonly Manifest[]): boolean {
  const last = manifests.at(-1)
  return last?.kind === 'epoch' && !last.continues
}

/** A manifest that changes nothing for anybody: no consumer opens a transaction for it. */
export function isIdle({ kind, entries }: Manifest): boolean {
  return (kind === 'heartbeat' || kind === 'open') && entries.length === 0
}

/** Manifests beyond the ledger. An unfinished transaction is looked at often, and read once. */
export class LogWindow {
  readonly #log: Pick<Log, 'manifest'>
  readonly #manifests = new Map<number, Manifest>()

  constructor(log: Pick<Log, 'manifest'>) {
    this.#log = log
  }

  async manifest(n: number): Promise<Manifest | null> {
    const known = this.#manifests.get(n)
    if (known) return known
    const manifest = await this.#log.manifest(n)
    if (manifest !== null) this.#manifests.set(n, manifest)
    return manifest
  }

  /** Lets go of all that was read up to `n`. */
  forget(n: number): void {
    for (const known of this.#manifests.keys()) if (known <= n) this.#manifests.delete(known)
  }
}
