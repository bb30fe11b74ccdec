import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { readWindow } from '../../../../src/apply/ordered/window.ts'
import type { TableId } from '../../../../src/core/table.ts'
import { id, insert, loadBegin, loadEnd, ScriptedLog } from '../scripted-log.ts'

/** Manifest n of a scripted log was written n seconds after 1970. */
const LIMITS = { intervalMs: 3000, manifests: 100 }

interface Case {
  readonly name: string
  readonly log: ScriptedLog
  readonly after?: number
  readonly until?: number
  readonly busy?: ReadonlySet<TableId>
  readonly limits?: typeof LIMITS
  readonly numbers: readonly number[]
  readonly isClosed: boolean
  readonly beganAtMs: number | null
}

const CASES: readonly Case[] = [
  { name: 'is empty at the head', log: rows(1), after: 2, numbers: [], isClosed: false, beganAtMs: null },
  { name: 'is open while the interval is', log: rows(3), numbers: [1, 2, 3, 4], isClosed: false, beganAtMs: 2000 },
  { name: 'is closed by what came later', log: rows(6), numbers: [1, 2, 3, 4, 5], isClosed: true, beganAtMs: 2000 },
  { name: 'counts from the first that has something in it', log: rows(3, 5), numbers: [1, 2, 3, 4, 5, 6, 7, 8, 9], isClosed: false, beganAtMs: 7000 },
  { name: 'has no begin if nothing is in it', log: rows(0, 5), numbers: [1, 2, 3, 4, 5, 6], isClosed: false, beganAtMs: null },
  { name: 'ends where it is told to', log: rows(6), until: 3, numbers: [1, 2, 3], isClosed: false, beganAtMs: 2000 },
  { name: 'is no larger than the limit', log: rows(3), limits: { ...LIMITS, manifests: 2 }, numbers: [1, 2], isClosed: true, beganAtMs: 2000 },
  { name: 'leaves out a transaction that has not ended', log: half(1), numbers: [1, 2], isClosed: false, beganAtMs: 2000 },
  { name: 'is closed by time though a transaction has not ended', log: half(5), numbers: [1, 2], isClosed: true, beganAtMs: 2000 },
  { name: 'takes a transaction whole that is longer than the interval', log: half(5), after: 2, numbers: [], isClosed: false, beganAtMs: null },
  { name: 'ends before an epoch', log: rows(1).epoch({ continues: true, to: [1, 0] }), numbers: [1, 2], isClosed: true, beganAtMs: 2000 },
  { name: 'is an epoch and what it voids', log: half(1).epoch({ continues: false, to: [1, 0] }), after: 2, numbers: [3, 4], isClosed: true, beganAtMs: 3000 },
  { name: 'ends before a load that follows another of its table', log: reloaded(), numbers: [1, 2, 3], isClosed: true, beganAtMs: 2000 },
  { name: 'ends before a load of a table that is busy', log: reloaded(), after: 3, busy: new Set([id('a')]), numbers: [], isClosed: false, beganAtMs: null },
  { name: 'goes on over a load of a table that is not busy', log: reloaded(), after: 3, busy: new Set([id('b')]), numbers: [4], isClosed: false, beganAtMs: 4000 },
] // prettier-ignore

describe('a window of the log', () => {
  for (const { name, log, after = 0, limits = LIMITS, ...expected } of CASES) {
    const { numbers, isClosed, beganAtMs, until = Infinity, busy = new Set<TableId>() } = expected
    test(name, async () => {
      const window = await readWindow((n) => log.manifest(n), { after, until, busy }, limits)
      assert.deepEqual(
        { ...window, manifests: window.manifests.map(({ n }) => n) },
        { manifests: numbers, isClosed, beganAtMs },
      )
    })
  }
})

/** Manifest 1 opens the log; then come idle ones, then those with a row. */
function rows(count: number, idle = 0): ScriptedLog {
  const log = new ScriptedLog().open('cdc')
  for (let i = 1; i <= idle; i++) log.heartbeat(i)
  for (let i = 1; i <= count; i++) {
    const at = [100 * i, 2] as const
    log.changes({ to: at, entries: [log.rows('a', [insert(at, '1', 'x')])] })
  }
  return log
}

function half(count: number): ScriptedLog {
  const log = rows(1)
  for (let i = 1; i <= count; i++) {
    const entries = [log.rows('a', [insert([900, 2 * i], '1', 'x')])]
    log.changes({ to: [900, 2 * i, 'half'], entries })
  }
  return log
}

function reloaded(): ScriptedLog {
  const log = new ScriptedLog().open('full-load-and-cdc')
  log.changes({ entries: [loadBegin('a', 'L1', { lsn: 1, since: 1 })] })
  log.changes({ entries: [loadEnd('a', 'L1')] })
  log.changes({ entries: [loadBegin('a', 'L2', { lsn: 1, since: 3 })] })
  return log
}
