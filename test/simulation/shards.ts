/** Spreads many histories over the processors of the machine: each share is a process of its own. */

import { fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

import { Counters } from './counters.ts'

/** Seeds `first`, `first + step` and so on, up to `last`. */
export interface Share {
  readonly first: number
  readonly step: number
  readonly last: number
}

export interface ShareResult {
  readonly violations: readonly string[]
  readonly counts: ReadonlyMap<string, number>
}

const MOST = 8

/** Histories 1 to `last`. */
export async function liveAll(
  last: number,
): Promise<{ readonly violations: readonly string[]; readonly counters: Counters }> {
  const step = Math.min(MOST, availableParallelism())
  const shares = Array.from({ length: step }, (_, i) => ({ first: i + 1, step, last }))
  const results = await Promise.all(shares.map(live))
  const counters = new Counters()
  for (const { counts } of results) for (const [name, count] of counts) counters.add(name, count)
  return { violations: results.flatMap(({ violations }) => violations), counters }
}

function live(share: Share): Promise<ShareResult> {
  const file = import.meta.url.endsWith('.ts') ? './share.ts' : './share.js'
  const path = fileURLToPath(new URL(file, import.meta.url))
  // Most of what a history makes is garbage soon, so there is room for all of it.
  const execArgv = [...process.execArgv, '--max-semi-space-size=64']
  const child = fork(path, [JSON.stringify(share)], { serialization: 'advanced', execArgv })
  return new Promise((resolve, reject) => {
    child.once('message', (result) => resolve(result as ShareResult))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`a share ended with code ${code}`)))
  })
}
