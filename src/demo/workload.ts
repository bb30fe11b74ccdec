/**
 * Keeps the demo shop busy: a mix of transactions at a steady rate, until it is told to stop.
 *
 * A few workers run steps side by side, so that transactions interleave in the log. What is chosen
 * follows from the seed. Workers may get into each other's way, as in life: a deadlock or a row that
 * is gone rolls the one transaction back, and the work goes on.
 */

import { setInterval as ticks } from 'node:timers/promises'

import type pg from 'pg'

import { seededRandom, type Random } from './random.ts'
import { STEPS, type Run, type ShopSize, type Step } from './workload-steps.ts'

export interface WorkloadOptions {
  readonly signal: AbortSignal
  readonly seed?: number
  /** Changed rows; 300 by default. */
  readonly ratePerSecond?: number
}

export interface WorkloadCounts {
  readonly transactions: number
  /** Rows that were inserted, updated or deleted by transactions that committed. */
  readonly changes: number
  readonly rollbacks: number
}

const WORKERS = 4
const TICK_MS = 50

/** Resolves after `signal` aborts, when no transaction is open any more. */
export async function runWorkload(
  pool: pg.Pool,
  { signal, seed = 1, ratePerSecond = 300 }: WorkloadOptions,
): Promise<WorkloadCounts> {
  const shop = await sizeOf(pool)
  // A shop that has grown gives other numbers, so a second run does not repeat the ids of the first.
  const grown = seed * 1_000_003 + shop.orders + shop.events
  const randoms = Array.from({ length: WORKERS }, (_, i) => seededRandom(grown * WORKERS + i))
  const counts = { transactions: 0, changes: 0, rollbacks: 0 }
  let due = 0
  for await (const _ of untilAborted(signal)) {
    due = Math.min(due + (ratePerSecond * TICK_MS) / 1000, ratePerSecond)
    while (due > 0 && !signal.aborted) {
      // All of them are waited for, also when one fails: nobody may still hold a connection then.
      const round = await Promise.allSettled(randoms.map((random) => transact(pool, random, shop)))
      for (const outcome of round) {
        if (outcome.status === 'rejected') throw outcome.reason
        const changes = outcome.value
        if (changes === null) counts.rollbacks++
        else counts.transactions++
        // A transaction that was rolled back is work, too.
        due -= changes ?? 1
        counts.changes += changes ?? 0
      }
    }
  }
  return counts
}

async function* untilAborted(signal: AbortSignal): AsyncGenerator<void> {
  try {
    for await (const _ of ticks(TICK_MS, undefined, { signal })) yield
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** Runs one step and resolves to the number of changed rows, or to `null` if it was rolled back. */
async function transact(pool: pg.Pool, random: Random, shop: ShopSize): Promise<number | null> {
  const client = await pool.connect()
  let isBroken = true
  try {
    let changes = 0
    const run: Run = async (sql, params = []) => {
      const { rowCount } = await client.query(sql, [...params])
      changes += rowCount ?? 0
    }
    await client.query('begin')
    const isCommitted = await attempt(chooseStep(random).run(run, random, shop))
    await client.query(isCommitted ? 'commit' : 'rollback')
    isBroken = false
    return isCommitted ? changes : null
  } finally {
    client.release(isBroken)
  }
}

/** Serialization failure, deadlock, foreign key, unique key, check. */
const COLLISIONS: ReadonlySet<unknown> = new Set(['40001', '40P01', '23503', '23505', '23514'])

async function attempt(step: Promise<boolean>): Promise<boolean> {
  try {
    return await step
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (COLLISIONS.has(code)) return false
    throw error
  }
}

const TOTAL_WEIGHT = STEPS.reduce((sum, { weight }) => sum + weight, 0)

function chooseStep(random: Random): Step {
  let left = random.upTo(TOTAL_WEIGHT)
  for (const step of STEPS) {
    left -= step.weight
    if (left <= 0) return step
  }
  return STEPS[0]!
}

async function sizeOf(pool: pg.Pool): Promise<ShopSize> {
  const { rows } = await pool.query<Record<keyof ShopSize, number>>(`select
    (select max(id) from app.customers)::int as customers,
    (select max(id) from app.products)::int as products,
    (select max(id) from app.orders)::int as orders,
    (select max(id) from analytics.events)::int as events,
    (select max(id) from analytics.documents)::int as documents`)
  return rows[0]!
}
