/** What retention removes, what it never removes, and what a lake is when it is stopped on the way. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { CodedError } from '../../../../src/core/errors.ts'
import { checkLake } from '../../../../src/lake/check/check.ts'
import { manifestKey, parseManifestKey, rollupKey } from '../../../../src/lake/layout.ts'
import { LogReader } from '../../../../src/lake/log/log-reader.ts'
import type { LogWriter } from '../../../../src/lake/log/log-writer.ts'
import { writeRegistration } from '../../../../src/lake/retention/consumers.ts'
import { readKept } from '../../../../src/lake/retention/kept.ts'
import { planSweep, sweep, type KeepRules } from '../../../../src/lake/retention/retention.ts'
import { Shapes } from '../../../../src/lake/shapes.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import { collect } from '../../../support/collect.ts'
import { wire } from '../../../support/wire.ts'
import { HOUR, SampleLake } from '../sample-lake.ts'

const AT = '2026-11-23T10:00:00.000Z'
const DAY = 24 * HOUR
const FIRST_LOAD = 'public/customers/load/l1/000000.csv'

/** Deletes and writes as many times as it is let, and then no more. */
class MortalStore extends MemoryStore {
  life = Number.MAX_SAFE_INTEGER

  override async put(...args: Parameters<MemoryStore['put']>): Promise<void> {
    this.#live()
    await super.put(...args)
  }

  override async delete(key: string): Promise<void> {
    this.#live()
    await super.delete(key)
  }

  #live(): void {
    if (this.life-- <= 0) throw new CodedError('LAKE_UNWRITABLE', 'the process died')
  }
}

interface Sample {
  readonly lake: SampleLake
  readonly store: MortalStore
  readonly writer: LogWriter
}

/**
 * An hour between manifests and a roll-up at every 4th: 1 open, 2 and 3 load l1, 4 to 10 changes, 11
 * and 12 load l2, whose `since` is 10, 13 to 20 changes.
 */
async function sample(): Promise<Sample> {
  const store = new MortalStore()
  const lake = new SampleLake({ store, rollupEvery: 4 })
  const writer = await lake.open()
  await lake.load(writer, 'l1', ['1,Ada'])
  await changes(lake, writer, 7)
  lake.nowMs += HOUR
  await lake.load(writer, 'l2', ['1,Ada'])
  await changes(lake, writer, 8)
  assert.equal(writer.state.n, 20)
  return { lake, store, writer }
}

async function changes(lake: SampleLake, writer: LogWriter, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    lake.nowMs += HOUR
    await lake.commit(writer, wire.update(1, ['1', `Ada ${i}`]))
  }
}

const KEEP: KeepRules = { keepMs: 2 * HOUR, keepLoads: null }

async function sweepAt(
  { lake, store }: Sample,
  { rules = KEEP, ms = 0, consumers = [] as readonly string[], isDry = false } = {},
) {
  // A reader of its own: nothing that it might remember.
  const reader = new LogReader({ store, shapes: new Shapes(store), rollupEvery: 4 })
  const plan = await planSweep({ store, reader }, { rules, now: lake.nowMs + ms, consumers })
  return { plan, swept: await sweep({ store, reader }, plan, { isDry }) }
}

async function manifestsOf({ store }: Sample): Promise<number[]> {
  const keys = await collect(store.list('_millrace/manifests/'))
  return keys.map((key) => parseManifestKey(key)!)
}

async function findings({ store }: Sample) {
  return collect(checkLake(store, { manifests: 0, files: 0, bytes: 0 }))
}

describe('a sweep', () => {
  test('cuts the log at a roll-up below the newest load, with all files that it named', async () => {
    const its = await sample()
    const { swept } = await sweepAt(its)
    assert.equal((await manifestsOf(its))[0], 9)
    // Roll-up 8 is the last at or below manifest 10, which is the newest load's `since`.
    assert.deepEqual(swept, { manifests: 8, files: 6 })
    assert.deepEqual(await readKept(its.store), { first: 9, loads: 0, sweptLoads: 0 })
    assert.deepEqual(await collect(its.store.list('_millrace/rollups/', rollupKey(0))), [
      rollupKey(8),
      rollupKey(12),
      rollupKey(16),
      rollupKey(20),
    ])
    assert.deepEqual(await findings(its), [])
  })

  test('does nothing the second time', async () => {
    const its = await sample()
    await sweepAt(its)
    const before = await collect(its.store.list(''))
    assert.deepEqual((await sweepAt(its)).swept, { manifests: 0, files: 0 })
    assert.deepEqual(await collect(its.store.list('')), before)
  })

  test('says what it would do without doing it', async () => {
    const its = await sample()
    const before = await collect(its.store.list(''))
    assert.deepEqual((await sweepAt(its, { isDry: true })).swept, { manifests: 8, files: 6 })
    assert.deepEqual(await collect(its.store.list('')), before)
  })

  interface Case {
    readonly name: string
    readonly rules?: KeepRules
    readonly consumers?: readonly string[]
    readonly prepare?: (its: Sample) => Promise<void>
    readonly first: number
    readonly holder?: string
  }
  const register = (consumer: string, above: number) => (its: Sample) =>
    writeRegistration(its.store, { consumer, above, at: AT })
  const cases: readonly Case[] = [
    { name: 'nothing without a rule', rules: { keepMs: null, keepLoads: null }, first: 1 },
    { name: 'nothing that is not old enough', rules: { ...KEEP, keepMs: DAY }, first: 1 },
    {
      name: 'nothing that a consumer needs',
      prepare: register('shop/a', 5),
      first: 5,
      holder: 'shop/a',
    },
    {
      name: 'nothing while a consumer of the task has not said what it needs',
      consumers: ['shop/a', 'shop/b'],
      prepare: register('shop/a', 20),
      first: 1,
      holder: 'shop/b',
    },
    {
      name: 'nothing above the newest load, wherever the consumers are',
      prepare: register('shop/a', 20),
      first: 9,
      holder: 'the newest load of public.customers',
    },
    {
      name: 'nothing above a load that is open, wherever the newest is',
      prepare: async ({ lake, writer }) => {
        const { begin, part } = await lake.loadEntries(writer, 'l3', ['1,Ada'])
        lake.nowMs += HOUR
        await changes(lake, writer, 4)
        await lake.load(writer, 'l4', ['1,Ada'])
        await writer.write({ changes: null, loads: [begin, part] })
        await changes(lake, writer, 8)
      },
      // `since` of l3 is 20, and that of l4 24.
      first: 21,
    },
    {
      name: 'nothing above a load that was the newest until less than an hour ago',
      prepare: async ({ lake, writer }) => {
        await changes(lake, writer, 4)
        await lake.load(writer, 'l3', ['1,Ada'])
      },
      first: 9,
    },
  ]
  for (const { name, rules = KEEP, consumers = [], prepare, first, holder } of cases) {
    test(`removes ${name}`, async () => {
      const its = await sample()
      await prepare?.(its)
      const { plan } = await sweepAt(its, { rules, consumers })
      assert.equal((await manifestsOf(its))[0], first)
      if (holder !== undefined) assert.equal(plan.holders[0]?.who, holder)
      assert.deepEqual(await findings(its), [])
    })
  }

  test('removes nothing younger than an hour, whatever the rule says', async () => {
    const store = new MortalStore()
    const lake = new SampleLake({ store, rollupEvery: 4 })
    const writer = await lake.open()
    for (let i = 0; i < 9; i++) await lake.commit(writer, wire.insert(1, [`${i}`, 'x']))
    const its = { lake, store, writer }
    await sweepAt(its, { rules: { keepMs: 1, keepLoads: null }, ms: HOUR - 10_000 })
    assert.equal((await manifestsOf(its))[0], 1)
    await sweepAt(its, { rules: { keepMs: 1, keepLoads: null }, ms: HOUR })
    assert.equal((await manifestsOf(its))[0], 9)
  })

  test('removes nothing from a log that is not whole', async () => {
    const its = await sample()
    await its.store.delete(manifestKey(18))
    await its.store.delete(rollupKey(20))
    const before = await collect(its.store.list(''))
    await assert.rejects(sweepAt(its), { code: 'LAKE_DAMAGED' })
    assert.deepEqual(await collect(its.store.list('')), before)
  })

  test('leaves what it says readers may rely on: the state at every manifest that is left', async () => {
    const its = await sample()
    await sweepAt(its)
    const reader = new LogReader({
      store: its.store,
      shapes: new Shapes(its.store),
      rollupEvery: 4,
    })
    assert.equal(await reader.first(), 9)
    for (let n = 8; n <= 20; n++) assert.equal((await reader.stateAt(n)).n, n)
    await assert.rejects(reader.stateAt(7), { code: 'LOG_EXPIRED' })
  })

  test('lets the older load go once every consumer has the newer, if so told', async () => {
    const its = await sample()
    const rules: KeepRules = { keepMs: null, keepLoads: 'until-taken' }
    await writeRegistration(its.store, { consumer: 'shop/a', above: 11, at: AT })
    await sweepAt(its, { rules })
    assert.ok(await its.store.get(FIRST_LOAD))
    await writeRegistration(its.store, { consumer: 'shop/a', above: 12, at: AT })
    assert.deepEqual((await sweepAt(its, { rules })).swept, { manifests: 0, files: 1 })
    assert.equal(await its.store.get(FIRST_LOAD), null)
    assert.equal((await manifestsOf(its))[0], 1)
    assert.deepEqual(await findings(its), [])
  })

  test('keeps the older load for a time, if so told', async () => {
    const its = await sample()
    const after = async (keepLoads: number) => {
      await sweepAt(its, { rules: { keepMs: null, keepLoads } })
      return (await its.store.get(FIRST_LOAD)) !== null
    }
    assert.equal(await after(9 * HOUR), true)
    assert.equal(await after(8 * HOUR), false)
  })

  test('that is stopped anywhere leaves a whole lake, and the next one ends it', async () => {
    const rules: KeepRules = { keepMs: 2 * HOUR, keepLoads: 'until-taken' }
    const whole = await sample()
    await sweepAt(whole, { rules })
    const end = await collect(whole.store.list(''))
    let isDone = false
    for (let life = 0; !isDone; life++) {
      const its = await sample()
      its.store.life = life
      isDone = await sweepAt(its, { rules }).then(
        () => true,
        () => false,
      )
      its.store.life = Number.MAX_SAFE_INTEGER
      assert.deepEqual(await findings(its), [], `after ${life} steps`)
      const { store } = its
      const reader = new LogReader({ store, shapes: new Shapes(store), rollupEvery: 4 })
      assert.equal((await reader.recover()).n, 20)
      await reader.stateAt(await reader.first())
      await sweepAt(its, { rules })
      assert.deepEqual(await collect(store.list('')), end, `after ${life} steps`)
      assert.ok(life < 100)
    }
  })
})
