import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import {
  judge,
  type SlotReading,
  type WalBudget,
} from '../../../../src/capture/slot/guard-rules.ts'
import type { SlotInfo } from '../../../../src/capture/slot/slot.ts'
import { lsn } from '../../../../src/core/lsn.ts'

const GIB = 1024 ** 3
const MINUTE = 60_000

const SLOT: SlotInfo = {
  name: 'millrace_shop',
  plugin: 'pgoutput',
  database: 'shop',
  isOfThisDatabase: true,
  isTwoPhase: false,
  walStatus: 'reserved',
  confirmed: lsn(1n),
  restart: lsn(1n),
  safeBytes: null,
  activePid: 4711,
  isFailover: false,
  isSynced: false,
  invalidation: null,
  unusedMs: null,
}

interface Facts {
  readonly atMs?: number
  readonly keptGib: number
  readonly keepGib?: number
  readonly idleTimeoutMs?: number
  readonly slot?: Partial<SlotInfo>
}

function reading({ atMs = MINUTE, keptGib, keepGib, idleTimeoutMs = 0, slot }: Facts): SlotReading {
  return {
    atMs,
    lsn: lsn(1n + BigInt(Math.round(keptGib * GIB))),
    slot: { ...SLOT, ...slot },
    keepBytes: keepGib === undefined ? null : keepGib * GIB,
    idleTimeoutMs,
  }
}

const warn: WalBudget = { bytes: 10 * GIB, action: 'warn' }
const drop: WalBudget = { bytes: 10 * GIB, action: 'drop-slot' }

describe('a slot', () => {
  const cases: {
    name: string
    before?: Facts
    now: Facts
    budget?: WalBudget
    says?: string[]
    mustDrop?: boolean
  }[] = [
    { name: 'without a limit is in no danger', now: { keptGib: 900 } },
    { name: 'far from its limit is in no danger', now: { keptGib: 3, keepGib: 20 } },
    {
      name: 'that is half way to its limit, and stays there, is told of it',
      before: { atMs: 0, keptGib: 12 },
      now: { keptGib: 12, keepGib: 20 },
      says: [
        'the server keeps 12.0 GiB of WAL for our slot; the limit is max_slot_wal_keep_size (20.0 GiB)',
      ],
    },
    {
      name: 'that nears its limit is told how long that takes',
      before: { atMs: 0, keptGib: 12.25 },
      now: { keptGib: 12.3, keepGib: 20 },
      says: [
        'the server keeps 12.3 GiB of WAL for our slot; at the present rate max_slot_wal_keep_size (20.0 GiB) is reached in 2 h 34 min',
      ],
    },
    {
      name: 'that is far from its limit, but fast, is told as well',
      before: { atMs: 0, keptGib: 2 },
      now: { keptGib: 4, keepGib: 20 },
      says: [
        'the server keeps 4.0 GiB of WAL for our slot; at the present rate max_slot_wal_keep_size (20.0 GiB) is reached in 8 min',
      ],
    },
    {
      name: 'that has got most of its limit free is not judged by a burst',
      before: { atMs: 0, keptGib: 0 },
      now: { keptGib: 1, keepGib: 20 },
    },
    {
      name: 'is believed what the server says is safe',
      now: { keptGib: 1, keepGib: 20, slot: { safeBytes: 5 * GIB } },
      says: [
        'the server keeps 1.0 GiB of WAL for our slot; the limit is max_slot_wal_keep_size (20.0 GiB)',
      ],
    },
    {
      name: 'that the next checkpoint may take is told of it',
      now: { keptGib: 21, keepGib: 20, slot: { walStatus: 'unreserved', safeBytes: -5 } },
      says: [
        'the server may remove WAL that our slot needs at its next checkpoint',
        'the server keeps 21.0 GiB of WAL for our slot, more than max_slot_wal_keep_size (20.0 GiB) allows',
      ],
    },
    {
      name: 'that is lost is told why',
      now: { keptGib: 0, slot: { walStatus: 'lost', restart: null, invalidation: 'idle_timeout' } },
      says: [
        'the server gave up the replication slot millrace_shop: it was not used for longer than idle_replication_slot_timeout',
      ],
    },
    {
      name: 'that nobody uses is told of the idle timeout from half of it on',
      now: { keptGib: 0, idleTimeoutMs: 6 * 60 * MINUTE, slot: { unusedMs: 4 * 60 * MINUTE } },
      says: [
        'our slot has not been used for 4 h; idle_replication_slot_timeout (6 h) is reached in 2 h, and then it is lost',
      ],
    },
    {
      name: 'that is used knows no idle timeout',
      now: { keptGib: 0, idleTimeoutMs: MINUTE },
    },
    { name: 'within its budget is left alone', now: { keptGib: 4 }, budget: drop },
    {
      name: 'over its budget is told of it',
      now: { keptGib: 11 },
      budget: warn,
      says: [
        'the server keeps 11.0 GiB of WAL for our slot, more than source.walBudget (10.0 GiB) allows',
      ],
    },
    {
      name: 'over a budget that counts more than the slot is dropped',
      now: { keptGib: 11 },
      budget: drop,
      says: [
        'the server keeps 11.0 GiB of WAL for our slot, more than source.walBudget (10.0 GiB) allows',
      ],
      mustDrop: true,
    },
    {
      name: 'at its budget is not dropped yet',
      now: { keptGib: 10 },
      budget: drop,
      says: [
        'the server keeps 10.0 GiB of WAL for our slot; the limit is source.walBudget (10.0 GiB)',
      ],
    },
  ]
  for (const { name, before, now, budget = null, says = [], mustDrop = false } of cases) {
    test(name, () => {
      const verdict = judge(before ? reading(before) : null, reading(now), budget)
      assert.deepEqual(
        verdict.warnings.map(({ message }) => message),
        says,
      )
      assert.equal(verdict.mustDrop, mustDrop)
    })
  }

  test('that is not there is not judged: it is not made yet, or capture tells', () => {
    const now = { ...reading({ keptGib: 99, keepGib: 1 }), slot: null }
    assert.deepEqual(judge(null, now, drop), { warnings: [], keptBytes: 0, mustDrop: false })
  })
})
