import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { CodedError } from '../../../../src/core/errors.ts'
import type { TaskEvent } from '../../../../src/core/events.ts'
import { Retention } from '../../../../src/lake/retention/retention-loop.ts'
import type { KeepRules } from '../../../../src/lake/retention/retention.ts'
import { MemoryStore } from '../../../../src/storage/memory-store.ts'
import { wire } from '../../../support/wire.ts'
import { HOUR, SampleLake } from '../sample-lake.ts'

const KEEP: KeepRules = { keepMs: HOUR, keepLoads: null }

class Broken extends MemoryStore {
  error: Error | null = null

  override async delete(key: string): Promise<void> {
    if (this.error) throw this.error
    await super.delete(key)
  }
}

/** A lake of a day ago, and its retention, whose hours pass at once until there were enough. */
async function day(rules: KeepRules, hours: number) {
  const store = new Broken()
  const lake = new SampleLake({ store, rollupEvery: 4 })
  const writer = await lake.open()
  for (let i = 0; i < 9; i++) await lake.commit(writer, wire.insert(1, [`${i}`, 'x']))
  const events: TaskEvent[] = []
  const waits: number[] = []
  const stop = new AbortController()
  const sleep = (ms: number): Promise<void> => {
    waits.push(ms)
    if (waits.length > hours) stop.abort()
    return Promise.resolve()
  }
  const clock = { now: () => lake.nowMs + 24 * HOUR, sleep }
  const emit = (event: TaskEvent) => void events.push(event)
  const { reader } = lake
  const retention = new Retention({ store, reader, rules, consumers: [], clock, emit })
  return { retention, store, lake, events, waits, stop }
}

describe('retention beside a task', () => {
  test('begins after a while, and tells what it removed, once', async () => {
    const { retention, events, waits, stop } = await day(KEEP, 3)
    await retention.run(stop.signal)
    assert.deepEqual(events, [{ type: 'lake-swept', first: 9, manifests: 8, files: 7 }])
    assert.deepEqual(waits, [600_000, HOUR, HOUR, HOUR])
  })

  test('does nothing where everything is kept', async () => {
    const { retention, waits, stop } = await day({ keepMs: null, keepLoads: null }, 3)
    await retention.run(stop.signal)
    assert.deepEqual(waits, [])
  })

  test('tells what kept it from removing, and tries again an hour later', async () => {
    const { retention, store, events, waits, stop } = await day(KEEP, 2)
    store.error = new CodedError('LAKE_UNWRITABLE', 'denied')
    await retention.run(stop.signal)
    assert.deepEqual(
      events.map((event) => event.type),
      ['sweep-failed', 'sweep-failed'],
    )
    assert.equal(waits.length, 3)
  })

  test('ends with its task, and a bug in it ends the task', async () => {
    const whole = await day(KEEP, 3)
    assert.equal(await whole.retention.beside(() => Promise.resolve('done'), assert.fail), 'done')

    const { retention, store } = await day(KEEP, 3)
    store.error = new Error('a bug')
    const ended = new AbortController()
    const work = () =>
      new Promise<void>((resolve) => ended.signal.addEventListener('abort', () => resolve()))
    await assert.rejects(
      retention.beside(work, () => ended.abort()),
      /a bug/,
    )
  })
})
