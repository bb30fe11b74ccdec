/**
 * The real capture, log and apply loop, in thousands of histories that a network could give them.
 *
 *   npm test -- simulation                              2,000 histories
 *   SIM_RUNS=100000 npm test -- simulation              any number
 *   SIM_SEED=42 SIM_TRACE=1 npm test -- simulation      one of them, step by step
 *
 * Every choice follows from the seed. Tables are altered, dropped and made again, large transactions
 * are streamed before they end, and operators want tables loaded again. What must hold is in `audit.ts` (the log), `consumer.ts` (each
 * target after each commit), `late-reader.ts` (the files) and `history.ts` (rest is reached, and all
 * are equal then). The second half of the tests breaks one rule of the protocol at a time: each must
 * be noticed.
 */

// oxlint-disable-next-line import/no-unassigned-import -- it must come before all that uses zlib
import './immediate-zlib.ts'
// oxlint-disable-next-line import/no-unassigned-import -- it must come before all that uses files
import './memory-disk.ts'
// oxlint-disable-next-line import/no-unassigned-import -- it changes what all pools do
import './shared-blocks.ts'
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'

import { history } from './history.ts'
import type { Knockouts } from './knockouts.ts'
import { liveAll } from './shards.ts'
import type { ViolationCode } from './violation.ts'

const RUNS = Number(process.env['SIM_RUNS'] ?? 2000)
const SEED = process.env['SIM_SEED']
const print = (line: string): boolean => process.stdout.write(`${line}\n`)

/** How often each must occur in a hundred histories, or the histories are too tame. */
const FAULTS: Readonly<Record<string, number>> = {
  commit: 500,
  crash: 100,
  stop: 50,
  zombie: 80,
  zombieManifest: 3,
  heldUp: 150,
  takenOver: 90,
  fenced: 15,
  lostAnswer: 200,
  timedOut: 30,
  diskFull: 15,
  brokenRead: 30,
  brokenConnection: 10,
  serverRestart: 40,
  keeperDeath: 8,
  tableChanged: 2,
  loadGivenUp: 6,
  cutTransaction: 120,
  changesManifest: 400,
  openManifest: 250,
  heartbeatManifest: 20,
  commitAtHeartbeat: 1,
  commitAtSnapshot: 5,
  'load-begin': 150,
  'load-end': 150,
  'load-cancel': 10,
  truncate: 40,
  shape: 30,
  joined: 300,
  suspended: 30,
  workerCrash: 80,
  lostCommitAnswer: 6,
  brokenTarget: 30,
  lateConsumer: 30,
  resync: 80,
  streamed: 200,
  rolledBack: 25,
  spoolFull: 8,
  ambiguous: 15,
  drop: 5,
}

describe('the log, its writers and its readers', { skip: SEED !== undefined }, () => {
  test(`keep every promise in ${RUNS} random histories`, async (t) => {
    const { violations, counters } = await liveAll(RUNS)
    t.diagnostic(`${RUNS} histories: ${String(counters)}`)
    const how = 'each can be had again: SIM_SEED=<seed> SIM_TRACE=1 npm test -- simulation'
    assert.deepEqual(violations, [], how)
    if (RUNS < 500) return
    const rare = Object.entries(FAULTS)
      .map(([name, least]) => ({ name, least: (least * RUNS) / 100, found: counters.of(name) }))
      .filter(({ least, found }) => found < least)
    assert.deepEqual(rare, [], 'these faults hardly occurred')
  })

  test('live the same history from the same seed', async () => {
    for (const seed of [1, 2, 3]) {
      const [first, second] = [await history(seed), await history(seed)]
      assert.equal(first.hash, second.hash)
      assert.equal(String(first.counters), String(second.counters))
    }
    assert.notEqual((await history(1)).hash, (await history(2)).hash)
  })
})

/** What each rule is for: how its lack shows. */
const KNOCKOUTS: readonly (readonly [keyof Knockouts, readonly ViolationCode[]])[] = [
  ['overwrite', ['dense']],
  ['no412', ['confirm', 'missing', 'load']],
  ['pipeline', ['confirm']],
  ['confirmKeepalive', ['confirm']],
  ['confirmEarly', ['confirm']],
  ['loadLE', ['atomic', 'stuck', 'suspended']],
  ['headFirst', ['failed']],
  ['noOrdinal', ['missing', 'to']],
  ['hbBack', ['to', 'stuck']],
  ['clockWall', ['order']],
  ['noSince', ['atomic', 'suspended', 'view', 'stuck']],
  ['noCancel', ['stuck']],
  ['notEnd', ['to']],
  ['joinEarly', ['atomic', 'suspended']],
  ['noLsnFilter', ['atomic', 'suspended']],
  ['noCAS', ['atomic', 'suspended']],
  ['noV', ['atomic', 'suspended']],
  ['noStragCAS', ['atomic', 'suspended', 'failed']],
  ['noAfter', ['stuck']],
  ['noFor', ['stuck']],
  ['contentEarly', ['asked']],
  ['noSubAbort', ['missing', 'twice', 'to']],
  ['streamAlways', ['stuck']],
  ['noVoid', ['atomic', 'view']],
  ['sameNumbers', ['atomic', 'view']],
  ['anyTable', ['atomic', 'view', 'suspended', 'failed']],
  ['noDrop', ['atomic', 'view', 'stuck', 'suspended']],
  ['noSweep', ['stuck']],
]

/** Rules that matter only where tables change. */
const OF_SHAPES: ReadonlySet<keyof Knockouts> = new Set([
  'noVoid',
  'sameNumbers',
  'anyTable',
  'noDrop',
])

const ENOUGH_HISTORIES = 400

describe('a rule that is broken is noticed', { skip: SEED !== undefined }, () => {
  const limit = Error.stackTraceLimit
  before(() => {
    Error.stackTraceLimit = 0
  })
  after(() => {
    Error.stackTraceLimit = limit
  })

  for (const [name, codes] of KNOCKOUTS) {
    test(`${name}: ${codes.join(', ')}`, async (t) => {
      for (let seed = 1; seed <= ENOUGH_HISTORIES; seed++) {
        const isRestless = OF_SHAPES.has(name) || seed % 4 === 0
        const { violation } = await history(seed, { knockouts: { [name]: true }, isRestless })
        if (violation === null) continue
        t.diagnostic(`in history ${seed}: ${violation.message.slice(0, 100)}`)
        assert.ok(codes.includes(violation.code), violation.message)
        return
      }
      assert.fail(`nobody noticed in ${ENOUGH_HISTORIES} histories`)
    })
  }
})

describe('one history', { skip: SEED === undefined }, () => {
  test(`${SEED} keeps every promise`, async () => {
    const trace = process.env['SIM_TRACE'] ? { trace: print } : {}
    const { violation, counters } = await history(Number(SEED), trace)
    print(String(counters))
    assert.equal(violation, null)
  })
})
