import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { CodedError } from '../../../src/core/errors.ts'
import type { TaskEvent } from '../../../src/core/events.ts'
import type { PausePoint } from '../../support/memory-target.ts'
import { UNCHANGED } from '../../support/tuples.ts'
import { CONSUMER, Desk, LARGE } from './desk.ts'
import {
  drop,
  id,
  insert,
  loadBegin,
  loadCancel,
  loadEnd,
  reshape,
  ScriptedLog,
  truncate,
  update,
} from './scripted-log.ts'

/** Tables `names` are live, empty, and where the log is: manifest 2 of a log under `cdc`. */
function liveLog(...names: string[]): ScriptedLog {
  const log = new ScriptedLog().open('cdc')
  return log.changes({
    to: [10, 2 * names.length],
    entries: names.map((name, i) => reshape(name, [10, 2 * i + 2], { shape: `${name}1` })),
  })
}

/** A log whose manifests 2 to 4 load table `a` with one row, true below LSN 50. */
function loadedLog(): ScriptedLog {
  const log = new ScriptedLog().open('full-load-and-cdc', { to: [40, 0], confirm: 40 })
  log.changes({ entries: [loadBegin('a', 'L', { lsn: 50, since: 1 })] })
  log.changes({ entries: [log.part('a', 'L', [['1', 'loaded']])] })
  return log.changes({ entries: [loadEnd('a', 'L')] })
}

async function drained(log: ScriptedLog, options = {}): Promise<Desk> {
  const desk = new Desk(log, options)
  await desk.applier.drainOnce()
  return desk
}

describe('a batch', () => {
  test('of several manifests is one transaction, folded per table', async () => {
    const log = liveLog('a', 'b')
    log.changes({ to: [20, 2], entries: [log.rows('a', [insert([20, 2], '1', 'x')])] })
    log.changes({ to: [30, 2], entries: [log.rows('b', [insert([30, 2], '1', 'y')])] })
    log.changes({
      to: [40, 4],
      entries: [log.rows('a', [update([40, 2], '1', 'z'), insert([40, 4], '2', 'x')])],
    })
    const desk = await drained(log)
    assert.equal(desk.rows('a'), '1=z 2=x')
    assert.equal(desk.rows('b'), '1=y')
    assert.deepEqual(desk.commits, [[], ['create', 'create', 'fold', 'fold']])
    assert.equal((await desk.ledger()).n, 5)
    assert.equal(desk.pool.bytesInUse, 0)
    const applied = desk.events.findLast((event) => event.type === 'applied')
    assert.deepEqual(applied, {
      type: 'applied',
      target: 'memory',
      n: 5,
      asOfMs: 5000,
      rows: 3,
      changes: 4,
      seconds: 0,
    })
  })

  test('forgets what a truncate in the middle of it took away', async () => {
    const log = liveLog('a')
    log.changes({ to: [20, 2], entries: [log.rows('a', [insert([20, 2], '1', 'x')])] })
    const desk = await drained(log)
    log.changes({
      to: [30, 6],
      entries: [
        log.rows('a', [insert([30, 2], '2', 'x')]),
        truncate('a', [30, 4]),
        log.rows('a', [insert([30, 6], '3', 'x')]),
      ],
    })
    await desk.applier.drainOnce()
    assert.equal(desk.rows('a'), '3=x')
    assert.deepEqual(desk.commits.at(-1), ['truncate', 'fold'])
  })

  test('goes on with a second chunk after a change of shape', async () => {
    const log = liveLog('a')
    log.changes({
      to: [20, 6],
      entries: [
        log.rows('a', [insert([20, 2], '1', 'x')]),
        reshape('a', [20, 4], { shape: 'a2', defaults: { w: 'new' } }),
        log.rows('a', [insert([20, 6], '2', 'x', 'w')], 'a2'),
      ],
    })
    const desk = await drained(log)
    assert.equal(desk.rows('a'), '1=x=new 2=x=w')
    assert.equal((await desk.ledger()).tables.get(id('a')), 'a2')
    log.changes({
      to: [30, 2],
      entries: [log.rows('a', [update([30, 2], '1', 'y', UNCHANGED)], 'a2')],
    })
    await desk.applier.drainOnce()
    assert.equal(desk.rows('a'), '1=y=new 2=x=w')
  })

  test('applies a transaction larger than the limits in chunks of one target transaction', async () => {
    const log = liveLog('a')
    for (let i = 1; i <= 5; i++) {
      const rows = [insert([20, 4 * i], `${i}`, 'x'), insert([20, 4 * i + 2], `${i}0`, 'x')]
      const at = [20, 4 * i + 2] as const
      log.changes({ to: i < 5 ? [...at, 'half'] : at, entries: [log.rows('a', rows)] })
    }
    const desk = await drained(log, { limits: { ...LARGE, rows: 4 } })
    assert.equal(desk.target.rows({ namespace: 'app', name: 'a' })!.size, 10)
    assert.deepEqual(desk.commits.slice(1), [['create'], ['fold', 'fold', 'fold']])
  })

  test('waits for the end of a transaction', async () => {
    const log = liveLog('a')
    log.changes({ to: [20, 2, 'half'], entries: [log.rows('a', [insert([20, 2], '1', 'x')])] })
    const desk = await drained(log)
    assert.equal(desk.rows('a'), '')
    assert.equal(await desk.applier.takeBatch(), 'nothing')
    log.changes({ to: [20, 4], entries: [log.rows('a', [insert([20, 4], '2', 'x')])] })
    assert.equal(await desk.applier.takeBatch(), 'applied')
    assert.equal(desk.rows('a'), '1=x 2=x')
  })
})

describe('an idle log', () => {
  test('opens no transaction and reads no ledger, and the position moves all the same', async () => {
    const points: PausePoint[] = []
    const log = liveLog('a')
    const desk = await drained(log, {
      pause: (point: PausePoint) => (points.push(point), Promise.resolve()),
    })
    points.length = 0
    log.heartbeat(50).open('cdc').heartbeat(60)
    await desk.applier.drainOnce()
    await desk.applier.drainOnce()
    assert.deepEqual(points, [])
    assert.deepEqual(desk.applier.position(), { n: 5, stragglers: 0, suspended: 0 })
    assert.equal((await desk.ledger()).n, 2)
  })

  test('is read once, and its manifests go with the next batch', async () => {
    const log = liveLog('a').heartbeat(50).heartbeat(60)
    const desk = await drained(log)
    const { asked } = log
    await desk.applier.drainOnce()
    assert.equal(log.asked, asked + 1)
    log.changes({ to: [70, 2], entries: [log.rows('a', [insert([70, 2], '1', 'x')])] })
    await desk.applier.drainOnce()
    assert.equal((await desk.ledger()).n, 5)
    assert.equal(desk.rows('a'), '1=x')
  })
})

describe('a loaded table', () => {
  test('is filled aside, catches up and joins', async () => {
    const log = loadedLog()
    const desk = await drained(log)
    assert.equal(desk.rows('a'), null)
    assert.equal(await desk.stragglers(), 'a:catching-up')
    log.changes({
      to: [50, 2],
      entries: [
        log.rows('a', [update([49, 2], '1', 'in the load already'), insert([50, 2], '2', 'x')]),
      ],
    })
    await desk.applier.drainOnce()
    assert.equal(desk.rows('a'), '1=loaded 2=x')
    assert.equal(await desk.stragglers(), '')
    assert.equal((await desk.ledger()).tables.get(id('a')), 'a1')
    assert.deepEqual(stragglerEvents(desk.events), ['ready 0', 'catching-up 1', 'joined 1'])
  })

  test('joins behind a heartbeat, for which alone the ledger would not move', async () => {
    const log = loadedLog()
    const desk = await drained(log)
    log.heartbeat(49)
    await desk.applier.drainOnce()
    assert.equal((await desk.ledger()).n, 4)
    log.heartbeat(50)
    await desk.applier.drainOnce()
    assert.equal((await desk.ledger()).n, 6)
    assert.equal(desk.rows('a'), '1=loaded')
  })

  test('without rows is created empty', async () => {
    const log = new ScriptedLog().open('full-load-and-cdc', { confirm: 50 })
    const load = loadBegin('a', 'L', { lsn: 50, since: 1 })
    log.changes({ entries: [load, loadEnd('a', 'L')], confirm: 50 })
    assert.equal((await drained(log)).rows('a'), '')
  })

  test('takes its parts one by one when each fills the limits', async () => {
    const log = new ScriptedLog().open('full-load-and-cdc', { confirm: 50 })
    const parts = ['1', '2', '3'].map((key) => log.part('a', 'L', [[key, 'x']]))
    const load = loadBegin('a', 'L', { lsn: 50, since: 1 })
    log.changes({ entries: [load, ...parts, loadEnd('a', 'L')], confirm: 50 })
    const desk = await drained(log, { limits: { ...LARGE, rows: 1 } })
    assert.equal(desk.rows('a'), '1=x 2=x 3=x')
    const loads = desk.commits.filter((steps) => steps.includes('load'))
    assert.deepEqual(loads, [['create', 'load'], ['load'], ['load']])
  })

  test('is loaded again beside the live copy, which goes on meanwhile', async () => {
    const log = liveLog('a')
    log.changes({ to: [20, 2], entries: [log.rows('a', [insert([20, 2], '1', 'wrong')])] })
    log.changes({ entries: [loadBegin('a', 'L', { lsn: 40, since: 3 })] })
    log.changes({ to: [30, 2], entries: [log.rows('a', [insert([30, 2], '2', 'x')])] })
    const desk = await drained(log)
    assert.equal(desk.rows('a'), '1=wrong 2=x')
    const part = log.part('a', 'L', [['1', 'right'], ['2', 'x']]) // prettier-ignore
    log.changes({ entries: [part, loadEnd('a', 'L')] })
    await desk.applier.drainOnce()
    assert.equal(desk.rows('a'), '1=wrong 2=x')
    log.changes({ to: [40, 2], entries: [log.rows('a', [insert([40, 2], '3', 'x')])] })
    await desk.applier.drainOnce()
    assert.equal(desk.rows('a'), '1=right 2=x 3=x')
  })

  test('keeps its live copy when its reload is cancelled', async () => {
    const log = liveLog('a')
    log.changes({ entries: [loadBegin('a', 'L', { lsn: 40, since: 2 })] })
    const desk = await drained(log)
    log.changes({
      to: [30, 2],
      entries: [loadCancel('a', 'L'), log.rows('a', [insert([30, 2], '2', 'x')])],
    })
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), '')
    assert.equal(desk.rows('a'), '2=x')
  })

  test('takes the shape that its log has after the load', async () => {
    const log = loadedLog()
    log.changes({
      to: [60, 4],
      entries: [
        reshape('a', [60, 2], { shape: 'a2', defaults: { w: 'new' } }),
        log.rows('a', [insert([60, 4], '2', 'x', 'w')], 'a2'),
      ],
    })
    const desk = await drained(log)
    assert.equal(desk.rows('a'), '1=loaded=new 2=x=w')
    assert.equal((await desk.ledger()).tables.get(id('a')), 'a2')
  })

  test('that waits takes a load which the log holds already', async () => {
    const log = loadedLog()
    log.changes({ to: [60, 2], entries: [log.rows('a', [insert([60, 2], '2', 'x')])] })
    log.changes({ entries: [loadBegin('a', 'M', { lsn: 70, since: 5 })] })
    const desk = new Desk(log)
    await desk.applier.open()
    assert.equal(await desk.stragglers(), 'a:ready')
    await desk.applier.drainOnce()
    log.changes({ entries: [loadBegin('a', 'N', { lsn: 80, since: 6 })] })
    log.changes({ entries: [loadCancel('a', 'N')] })
    await desk.applier.drainOnce()
    assert.equal(desk.rows('a'), '1=loaded 2=x')
  })
})

describe('a request for a load', () => {
  test('is written when capture does not load by itself, and removed when it is answered', async () => {
    const log = loadedLog()
    log.changes({ to: [60, 2], entries: [log.rows('a', [insert([60, 2], '2', 'x')])] })
    log.kept = 3
    const desk = await drained(log)
    assert.equal(await desk.stragglers(), 'a:waiting')
    assert.deepEqual([...log.requests], [['shop/memory app.a', 5]])
    log.changes({ entries: [loadBegin('a', 'M', { lsn: 61, since: 5, for: ['shop/memory'] })] })
    const part = log.part('a', 'M', [['1', 'y']])
    log.changes({ entries: [part, loadEnd('a', 'M')] })
    await desk.applier.drainOnce()
    assert.equal(desk.rows('a'), '1=y')
    assert.equal(log.requests.size, 0)
  })

  // Whoever asked for a resync would have waited for ever: capture was killed in the load, the target
  // withdrew the request, and capture was killed again in the load that was to take its place.
  test('stays until a load that answers it has joined', async () => {
    const log = liveLog('a')
    log.requests.set('shop/memory app.a', 1)
    log.changes({ entries: [loadBegin('a', 'L', { lsn: 40, since: 1, for: ['shop/memory'] })] })
    const desk = await drained(log)
    log.changes({ entries: [loadCancel('a', 'L')] })
    await desk.applier.drainOnce()
    assert.equal(log.requests.size, 1)
    log.changes({ entries: [loadBegin('a', 'M', { lsn: 0, since: 0, for: ['shop/memory'] })] })
    log.changes({ entries: [log.part('a', 'M', []), loadEnd('a', 'M')] })
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), '')
    assert.equal(log.requests.size, 1)
    log.changes({ entries: [loadBegin('a', 'N', { lsn: 0, since: 1, for: ['shop/memory'] })] })
    log.changes({ entries: [log.part('a', 'N', []), loadEnd('a', 'N')] })
    await desk.applier.drainOnce()
    assert.equal(log.requests.size, 0)
  })

  test('stays when a table that was suspended goes on without a load', async () => {
    const log = liveLog('a')
    const desk = await drained(log)
    const file = log.rows('a', [insert([30, 2], '1', 'x')])
    log.damage(file)
    log.changes({ to: [30, 2], entries: [file] })
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), 'a:suspended')
    log.requests.set('shop/memory app.a', 1)
    log.repair(file)
    await desk.applier.resume(id('a'))
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), '')
    assert.equal(log.requests.size, 1)
  })

  test('is withdrawn when its table is dropped, unless it is of one that took the name', async () => {
    for (const [after, left] of [
      [3, 0],
      [4, 1],
    ] as const) {
      const log = liveLog('a')
      const desk = await drained(log)
      log.changes({ entries: [loadBegin('a', 'L', { lsn: 40, since: 2 })], to: [20, 2] })
      await desk.applier.drainOnce()
      log.requests.set('shop/memory app.a', after)
      log.changes({ entries: [drop('a', [30, 2])], to: [30, 2] })
      await desk.applier.drainOnce()
      assert.equal(log.requests.size, left)
    }
  })

  // The load that answered it began in a part of the log that is not kept any more.
  test('is written anew when the load that answered it cannot be taken', async () => {
    const log = loadedLog()
    log.requests.set('shop/memory app.a', 0)
    log.changes({ to: [60, 2], entries: [log.rows('a', [insert([60, 2], '2', 'x')])] })
    log.kept = 3
    await drained(log)
    assert.deepEqual([...log.requests], [['shop/memory app.a', 5]])
  })

  test('is not written for a table that capture will load for all', async () => {
    const log = new ScriptedLog().open()
    const desk = await drained(log)
    log.changes({ to: [20, 2], entries: [log.rows('a', [insert([20, 2], '1', 'x')])] })
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), 'a:waiting')
    assert.equal(log.requests.size, 0)
  })
})

describe('a new consumer', () => {
  test('begins at the newest end of a transaction, its tables at their loads', async () => {
    const log = loadedLog()
    log.changes({ entries: [loadBegin('b', 'B', { lsn: 55, since: 4 })] })
    log.changes({ to: [60, 2], entries: [log.rows('c', [insert([60, 2], '1', 'x')])] })
    log.changes({ to: [70, 2, 'half'], entries: [log.rows('a', [insert([70, 2], '7', 'x')])] })
    const desk = new Desk(log)
    await desk.applier.open()
    const { n, v, epoch } = await desk.ledger()
    assert.deepEqual({ n, v, epoch }, { n: 6, v: 0, epoch: 1 })
    assert.equal(await desk.stragglers(), 'a:ready b:loading c:waiting')
  })

  test('begins at the beginning of an empty log, and of a whole one without loads', async () => {
    assert.equal((await (await drained(new ScriptedLog())).ledger()).n, 0)
    const log = liveLog('a')
    log.changes({ to: [20, 2], entries: [log.rows('a', [insert([20, 2], '1', 'x')])] })
    assert.equal((await drained(log)).rows('a'), '1=x')
  })

  test('waits for loads where the beginning of a log without loads is gone', async () => {
    const log = liveLog('a')
    log.kept = 2
    const desk = await drained(log)
    assert.equal(await desk.stragglers(), 'a:waiting')
    assert.deepEqual([...log.requests.keys()], ['shop/memory app.a'])
  })
})

describe('an epoch', () => {
  test('that lost something voids the half transaction, and everything is loaded again', async () => {
    const log = liveLog('a')
    log.changes({ to: [20, 2], entries: [log.rows('a', [insert([20, 2], '1', 'x')])] })
    const desk = await drained(log)
    log.changes({ to: [30, 2, 'half'], entries: [log.rows('a', [insert([30, 2], '2', 'lost')])] })
    log.epoch({ to: [5, 0], confirm: 5, continues: false })
    await desk.applier.drainOnce()
    assert.equal(desk.rows('a'), '1=x')
    assert.equal(await desk.stragglers(), 'a:waiting')
    log.changes({
      entries: [
        loadBegin('a', 'L', { lsn: 5, since: 5 }),
        log.part('a', 'L', [['9', 'y']]),
        loadEnd('a', 'L'),
      ],
    })
    await desk.applier.drainOnce()
    assert.equal(desk.rows('a'), '9=y')
  })

  test('that continues changes nothing for a table that catches up', async () => {
    const log = loadedLog()
    log.epoch({ to: [5, 0], confirm: 5, continues: true })
    log.changes({ to: [6, 2], entries: [log.rows('a', [insert([6, 2], '2', 'x')])] })
    assert.equal((await drained(log)).rows('a'), '1=loaded 2=x')
  })
})

describe('a table that fails for good', () => {
  const missing = (at: number) => [update([at, 2], '7', UNCHANGED)]

  test('is suspended where it was, the others go on, and it can go on later', async () => {
    const log = liveLog('a', 'b')
    log.changes({
      to: [20, 4],
      entries: [log.rows('a', missing(20)), log.rows('b', [insert([20, 4], '1', 'x')])],
    })
    const desk = await drained(log)
    assert.equal(desk.rows('b'), '1=x')
    assert.equal(await desk.stragglers(), 'a:suspended')
    const { n, error } = (await desk.ledger()).stragglers.get(id('a'))!
    assert.equal(n, 0)
    assert.equal(error?.code, 'FILL_MISSING')
    assert.deepEqual(desk.applier.position(), { n: 3, stragglers: 0, suspended: 1 })
    assert.equal(await desk.applier.resume(id('b')), false)
    assert.equal(await desk.applier.resume(id('a')), true)
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), 'a:suspended')
  })

  test('catches up in its live table once what was wrong is right', async () => {
    const log = liveLog('a')
    const desk = await drained(log)
    const file = log.rows('a', [insert([20, 2], '1', 'x')])
    log.damage(file)
    log.changes({ to: [20, 2], entries: [file] })
    log.changes({ to: [30, 2], entries: [log.rows('a', [insert([30, 2], '2', 'x')])] })
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), 'a:suspended')
    assert.equal(desk.rows('a'), '')
    log.repair(file)
    assert.equal(await desk.applier.resume(id('a')), true)
    await desk.applier.drainOnce()
    assert.equal(desk.rows('a'), '1=x 2=x')
    assert.equal(await desk.stragglers(), '')
  })

  test('in a part of its load is suspended with what it has', async () => {
    const log = loadedLog()
    const part = log.manifests[2]!.entries[0]!
    assert.ok(part.type === 'load-part')
    log.damage(part)
    const desk = await drained(log)
    const { state, load, error } = (await desk.ledger()).stragglers.get(id('a'))!
    assert.deepEqual([state, load?.load, error?.code], ['suspended', 'L', 'LAKE_DAMAGED'])
  })

  test('because its log is gone lets its load go, and asks for another', async () => {
    const log = loadedLog()
    const desk = new Desk(log)
    await desk.applier.open()
    await desk.applier.takeBatch()
    assert.equal(await desk.applier.advanceStraggler(id('a')), 'moved')
    log.kept = 3
    await desk.applier.drainOnce()
    assert.equal(await desk.stragglers(), 'a:waiting')
    assert.equal(log.requests.get(`${CONSUMER} ${id('a')}`), log.head.n)
  })
})

describe('a failure', () => {
  test('of the answer to a commit that was done is no reason to do it again', async () => {
    let isLost = false
    const pause = (point: PausePoint) => {
      if (point !== 'committed' || !isLost) return Promise.resolve()
      isLost = false
      return Promise.reject(new CodedError('CONNECTION_LOST', 'the connection broke'))
    }
    const log = liveLog('a')
    const desk = await drained(log, { pause })
    log.changes({ to: [20, 2], entries: [log.rows('a', [insert([20, 2], '1', 'x')])] })
    isLost = true
    await assert.rejects(desk.applier.takeBatch(), { code: 'CONNECTION_LOST' })
    assert.equal(await desk.applier.takeBatch(), 'nothing')
    assert.equal(desk.rows('a'), '1=x')
    assert.equal((await desk.ledger()).n, 3)
  })

  test('that may pass is retried with longer and longer waits, until it is told to stop', async () => {
    const stop = new AbortController()
    const sleeps: number[] = []
    let failures = 3
    const pause = (point: PausePoint) =>
      point === 'open' && failures-- > 0
        ? Promise.reject(new CodedError('CONNECTION_LOST', 'no connection'))
        : Promise.resolve()
    const sleep = (ms: number) => {
      sleeps.push(ms)
      if (sleeps.length === 4) stop.abort()
      return Promise.resolve()
    }
    const log = liveLog('a')
    const desk = new Desk(log, { pause, clock: { now: () => 0, sleep } })
    await desk.applier.run(stop.signal)
    assert.deepEqual(sleeps, [500, 1000, 2000, 1000])
    const states = desk.events.flatMap((event) =>
      event.type === 'target-state' ? event.state : [],
    )
    assert.deepEqual(states, ['starting', 'retrying', 'retrying', 'retrying', 'running', 'stopped'])
    assert.equal(desk.rows('a'), '')
  })

  test('that nobody can mend ends the run with its error', async () => {
    const pause = (point: PausePoint) =>
      point === 'open'
        ? Promise.reject(new CodedError('LOGIN_FAILED', 'no such user'))
        : Promise.resolve()
    const desk = new Desk(liveLog('a'), { pause })
    await assert.rejects(desk.applier.run(new AbortController().signal), { code: 'LOGIN_FAILED' })
    const last = desk.events.at(-1)!
    assert.ok(last.type === 'target-state' && last.state === 'failed')
    assert.equal(last.error?.code, 'LOGIN_FAILED')
  })
})

describe('a run', () => {
  test('looks when the bell rings, and by itself when none does', async () => {
    const stop = new AbortController()
    const log = liveLog('a')
    let wakes: (() => void)[] = []
    const sleep = (_: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        wakes.push(resolve)
        signal?.addEventListener('abort', () => resolve())
      })
    const desk = new Desk(log, { clock: { now: () => 0, sleep } })
    const running = desk.applier.run(stop.signal)
    await until(() => wakes.length === 1)
    log.changes({ to: [20, 2], entries: [log.rows('a', [insert([20, 2], '1', 'x')])] })
    desk.applier.ring()
    await until(() => wakes.length === 2)
    assert.equal(desk.rows('a'), '1=x')
    log.changes({ to: [30, 2], entries: [log.rows('a', [insert([30, 2], '2', 'x')])] })
    wakes[1]!()
    await until(() => wakes.length === 3)
    assert.equal(desk.rows('a'), '1=x 2=x')
    stop.abort()
    await running
    wakes = []
  })
})

async function until(isTrue: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !isTrue(); i++) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(isTrue())
}

function stragglerEvents(events: readonly TaskEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === 'straggler' ? `${event.state} ${event.rows}` : [],
  )
}
