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

/** Whether a batch ended because it may not be larger. */
export function isAtLimits(manifests: readonly Manifest[], limits: Limits): boolean {
  const size = { rows: 0, bytes: 0 }
  for (const { entries } of manifests) {
    for (const entry of entries) if (entry.type === 'changes') addChanges(size, entry)
  }
  return isFull(size, limits) || manifests.length >= limits.manifests
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

/** Manifests that are asked for at the same time, once several were there in a row. */
const READ_AHEAD = 16

/**
 * Manifests beyond the ledger. An unfinished transaction is looked at often, and read once. Who is far
 * behind gets them a few at a time, so that he does not wait for each; who waits at the head asks for
 * one.
 */
export class LogWindow {
  readonly #log: Pick<Log, 'manifest'>
  readonly #manifests = new Map<number, Manifest>()
  /** How many were there in a row, up to the last answer. */
  #run = 0

  constructor(log: Pick<Log, 'manifest'>) {
    this.#log = log
  }

  async manifest(n: number): Promise<Manifest | null> {
    const known = this.#manifests.get(n)
    if (known) return known
    const count = this.#run < 2 ? 1 : Math.min(this.#run, READ_AHEAD)
    const asked = Array.from({ length: count }, (_, i) => this.#log.manifest(n + i))
    let there = 0
    for (const answer of await Promise.allSettled(asked)) {
      // What is wrong with a later one is told when its turn comes.
      if (answer.status === 'rejected' || answer.value === null) break
      this.#manifests.set(n + there++, answer.value)
    }
    this.#run = there === count ? this.#run + there : 0
    return asked[0]!
  }

  /** Lets go of all that was read up to `n`. */
  forget(n: number): void {
    for (const known of this.#manifests.keys()) if (known <= n) this.#manifests.delete(known)
  }
}
