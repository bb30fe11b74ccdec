/** A consumer whose place in the log is gone, and what it tells the lake so that this does not happen. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { neededAbove } from '../../../src/apply/registration.ts'
import { CodedError } from '../../../src/core/errors.ts'
import type { Ledger, Straggler } from '../../../src/core/ledger.ts'
import { CONSUMER, Desk, type DeskOptions } from './desk.ts'
import { id, insert, loadBegin, loadEnd, ScriptedLog } from './scripted-log.ts'

/** Manifests 2 to 4 load table `a`, with one row, true below LSN 50. */
function loadedLog(): ScriptedLog {
  const log = new ScriptedLog().open('full-load-and-cdc', { to: [40, 0], confirm: 60 })
  addLoad(log, { load: 'L', at: 50, row: 'loaded' })
  return log
}

function addLoad(
  log: ScriptedLog,
  { load, at, row, names }: { load: string; at: number; row: string; names?: string[] },
): void {
  const since = log.head.n
  const consumers = names ? { for: names } : {}
  log.changes({ entries: [loadBegin('a', load, { lsn: at, since, ...consumers })] })
  log.changes({ entries: [log.part('a', load, [['1', row]])] })
  log.changes({ entries: [loadEnd('a', load)] })
}

function addRow(log: ScriptedLog, at: number): void {
  log.changes({ to: [at, 2], entries: [log.rows('a', [insert([at, 2], String(at), 'x')])] })
}

/** A target that has table `a` as it is at manifest 5, and a log that goes on without it. */
async function left(): Promise<{ log: ScriptedLog; first: Desk }> {
  const log = loadedLog()
  addRow(log, 70)
  const first = new Desk(log)
  await first.applier.drainOnce()
  assert.equal(first.rows('a'), '1=loaded 70=x')
  assert.equal(await first.stragglers(), '')
  for (const at of [80, 90, 100]) addRow(log, at)
  return { log, first }
}

describe('a consumer below the first manifest that is kept', () => {
  test('takes the newest load that the log still follows, and shows what it had until then', async () => {
    const { log, first } = await left()
    addLoad(log, { load: 'M', at: 101, row: 'again' })
    addRow(log, 110)
    log.kept = 8
    const desk = new Desk(log, { place: first.target.place })
    await desk.applier.open()
    assert.equal(desk.rows('a'), '1=loaded 70=x')
    await desk.applier.drainOnce()
    assert.equal(desk.rows('a'), '110=x 1=again')
    assert.equal(await desk.stragglers(), '')
    assert.equal((await desk.ledger()).n, log.head.n)
    const told = desk.events.flatMap((event) =>
      event.type === 'target-state' ? [event.error?.code ?? event.state] : [],
    )
    assert.deepEqual(told, ['LOG_EXPIRED', 'running'])
  })

  test('asks for a load if there is none that the log still follows, and takes that', async () => {
    const { log, first } = await left()
    log.kept = 8
    const desk = new Desk(log, { place: first.target.place })
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), 'a:waiting')
    assert.equal(desk.rows('a'), '1=loaded 70=x')
    assert.equal(log.requests.get(`${CONSUMER} ${id('a')}`), 8)
    addLoad(log, { load: 'M', at: 101, row: 'again', names: [CONSUMER] })
    addRow(log, 110)
    await desk.applier.drainOnce()
    assert.equal(desk.rows('a'), '110=x 1=again')
    assert.equal(log.requests.size, 0)
  })

  test('is told so, too, by a file that went before its manifest', async () => {
    const { log, first } = await left()
    const readChanges = log.readChanges.bind(log)
    // The files below manifest 8 are gone, and their manifests still there.
    log.kept = 8
    log.manifest = (n) => Promise.resolve(log.manifests[n - 1] ?? null)
    log.readChanges = (entry, pool) =>
      entry.first.lsn < 100n
        ? Promise.reject(new CodedError('OBJECT_MISSING', entry.path))
        : readChanges(entry, pool)
    const desk = new Desk(log, { place: first.target.place })
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), 'a:waiting')
    assert.equal((await desk.ledger()).n, 8)
  })
})

describe('what the lake is told', () => {
  /** Each registration, with what the ledger was at that time. */
  function registering(log: ScriptedLog, options: Partial<DeskOptions> = {}) {
    const told: { above: number; ledger: number | null }[] = []
    let desk: Desk | null = null
    const registry = {
      write: async (consumer: string, above: number) => {
        assert.equal(consumer, CONSUMER)
        const ledger = await desk!.target.ledger().catch(() => null)
        told.push({ above, ledger: ledger?.n ?? null })
      },
    }
    let now = 0
    const clock = { now: () => now, sleep: () => Promise.resolve() }
    desk = new Desk(log, { registry, clock, ...options })
    return { desk, told, pass: (ms: number) => (now += ms) }
  }

  test('comes before the ledger is there, and names the load that it begins with', async () => {
    const log = loadedLog()
    const { desk, told } = registering(log)
    await desk.applier.open()
    // The newest load is since manifest 1.
    assert.deepEqual(told[0]?.above, 1)
  })

  test('goes on with the ledger, once a minute', async () => {
    const log = loadedLog()
    const { desk, told, pass } = registering(log)
    await desk.applier.drainOnce()
    addRow(log, 70)
    await desk.applier.drainOnce()
    assert.equal(told.length, 1)
    pass(60_000)
    await desk.applier.drainOnce()
    assert.deepEqual(told.at(-1), { above: 5, ledger: 5 })
    const { length } = told
    pass(60_000)
    await desk.applier.drainOnce()
    assert.equal(told.length, length)
  })

  test('goes back before the ledger does, for a load that is taken', async () => {
    const log = loadedLog()
    const { desk, told, pass } = registering(log)
    await desk.applier.drainOnce()
    addRow(log, 70)
    pass(60_000)
    await desk.applier.drainOnce()
    assert.equal(told.at(-1)?.above, 5)
    const since = log.head.n
    addRow(log, 80)
    addRow(log, 90)
    pass(60_000)
    await desk.applier.drainOnce()
    assert.equal(told.at(-1)?.above, 7)
    log.changes({ entries: [loadBegin('a', 'M', { lsn: 75, since })] })
    await desk.applier.drainOnce()
    assert.deepEqual(told.at(-1), { above: 5, ledger: 7 })
  })

  test('does not matter where the lake may not be written', async () => {
    const write = () => Promise.reject(new CodedError('LAKE_UNWRITABLE', 'read only'))
    const desk = new Desk(loadedLog(), { registry: { write } })
    await desk.applier.drainOnce()
    assert.equal(desk.rows('a'), '1=loaded')
  })

  const row = (fields: Partial<Straggler>): Straggler => ({
    state: 'catching-up',
    isPassed: true,
    load: null,
    partsDone: 0,
    n: null,
    shape: null,
    error: null,
    ...fields,
  })
  const load = { load: 'L', lsn: 50n as never, epoch: 1, since: 3, beganAt: 4, endedAt: null }
  const cases: readonly { name: string; rows: readonly Straggler[]; above: number }[] = [
    { name: 'the ledger, without stragglers', rows: [], above: 9 },
    { name: 'the ledger, with one that waits', rows: [row({ state: 'waiting' })], above: 9 },
    { name: 'where its load begins, for one that takes it', rows: [row({ load })], above: 3 },
    { name: 'where it is, for one that catches up', rows: [row({ load, n: 6 })], above: 6 },
    {
      name: 'the lowest, with several',
      rows: [row({ n: 7 }), row({ load, n: 5 }), row({ state: 'suspended', n: 4 })],
      above: 4,
    },
  ]
  for (const { name, rows, above } of cases) {
    test(`is ${name}`, () => {
      const stragglers = new Map(rows.map((one, i) => [id(`t${i}`), one]))
      const ledger: Ledger = { n: 9, epoch: 1, v: 0, stragglers, tables: new Map() }
      assert.equal(neededAbove(ledger), above)
    })
  }
})
