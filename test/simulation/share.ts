/** Lives a share of the histories, given as an argument, and tells its parent how they went. */

// oxlint-disable-next-line import/no-unassigned-import -- it must come before all that uses zlib
import './immediate-zlib.ts'
// oxlint-disable-next-line import/no-unassigned-import -- it must come before all that uses files
import './memory-disk.ts'
// oxlint-disable-next-line import/no-unassigned-import -- it changes what all pools do
import './shared-blocks.ts'
import { Counters } from './counters.ts'
import { history } from './history.ts'
import type { Share, ShareResult } from './shards.ts'

const ENOUGH = 3

async function live({ first, step, last }: Share): Promise<ShareResult> {
  // A stack for each failure that is expected would take half of the time.
  Error.stackTraceLimit = 0
  const counters = new Counters()
  const violations: string[] = []
  for (let seed = first; seed <= last && violations.length < ENOUGH; seed += step) {
    const result = await history(seed)
    counters.addAll(result.counters)
    if (result.violation) violations.push(`SIM_SEED=${seed}: ${result.violation.message}`)
  }
  return { violations, counts: counters.counts }
}

process.send!(await live(JSON.parse(process.argv[2]!) as Share))
