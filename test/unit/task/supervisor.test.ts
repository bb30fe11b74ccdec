import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { CodedError } from '../../../src/core/errors.ts'
import type { TaskEvent } from '../../../src/core/events.ts'
import { lsn, type Lsn } from '../../../src/core/lsn.ts'
import type { TargetPosition } from '../../../src/task/caught-up.ts'
import { Statistics } from '../../../src/task/statistics.ts'
import { Supervisor, type CapturePart, type TargetPart } from '../../../src/task/supervisor.ts'
import { changesManifest } from '../../support/manifests.ts'

/** Runs until it is stopped or told to fail. */
class Part implements CapturePart, TargetPart {
  wanted: Lsn | null = null
  rings = 0
  at: TargetPosition = { n: 0, stragglers: 0, suspended: 0 }
  signal: AbortSignal | null = null
  #fail: ((error: unknown) => void) | null = null

  run(signal: AbortSignal): Promise<void> {
    this.signal = signal
    return new Promise<void>((resolve, reject) => {
      this.#fail = reject
      if (signal.aborted) resolve()
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  fail(error: unknown): void {
    this.#fail?.(error)
  }

  want(wanted: Lsn): void {
    this.wanted = wanted
  }

  ring(): void {
    this.rings++
  }

  position(): TargetPosition {
    return this.at
  }
}

class Setup {
  readonly capture = new Part()
  readonly target = new Part()
  readonly statistics = new Statistics({
    task: 'shop',
    now: () => 0,
    load: 'full-load-and-cdc',
    source: 'shop on localhost',
    lakeUrl: 'memory:',
    targets: [],
  })
  readonly supervisor = new Supervisor({
    capture: this.capture,
    targets: [this.target],
    statistics: this.statistics,
  })

  get state(): string {
    return this.statistics.view().state
  }

  hear(...events: TaskEvent[]): void {
    for (const event of events) this.supervisor.hear(event)
  }
}

const streaming: TaskEvent = { type: 'capture-state', state: 'streaming', error: null }
const applied: TaskEvent = {
  type: 'applied', target: 'warehouse', n: 5, asOfMs: 0, rows: 0, changes: 0, seconds: 0,
} // prettier-ignore
const lost = new CodedError('SLOT_LOST', 'gone')

function written(n: number, confirm: bigint): TaskEvent {
  const manifest = changesManifest(n, { confirm: lsn(confirm) })
  return { type: 'manifest-written', manifest, bytes: 0, seconds: 0, latencyMs: null }
}

describe('a task', () => {
  test('runs until its signal aborts, and then all its parts end', async () => {
    const { supervisor, capture, target, ...setup } = new Setup()
    const stop = new AbortController()
    const running = supervisor.run(stop.signal)
    supervisor.hear(streaming)
    assert.equal(setup.statistics.view().state, 'running')
    stop.abort()
    assert.equal(setup.statistics.view().state, 'stopping')
    assert.equal(await running, true)
    assert.equal(setup.statistics.view().state, 'stopped')
    assert.ok(capture.signal?.aborted && target.signal?.aborted)
  })

  test('whose signal is aborted already ends at once', async () => {
    const setup = new Setup()
    assert.equal(await setup.supervisor.run(AbortSignal.abort()), true)
    assert.equal(setup.state, 'stopped')
  })

  test('may be stopped twice', async () => {
    const setup = new Setup()
    const running = setup.supervisor.run(new AbortController().signal)
    setup.supervisor.stop()
    setup.supervisor.stop()
    assert.equal(await running, true)
  })

  test('fails with the error of capture, when its targets have ended', async () => {
    const setup = new Setup()
    const running = setup.supervisor.run(new AbortController().signal)
    setup.capture.fail(lost)
    await assert.rejects(running, { code: 'SLOT_LOST' })
    assert.equal(setup.state, 'failed')
    assert.ok(setup.target.signal?.aborted)
  })

  test('goes on without a target that failed, and says so in the end', async () => {
    const setup = new Setup()
    const stop = new AbortController()
    const running = setup.supervisor.run(stop.signal)
    setup.hear(streaming)
    setup.target.fail(new CodedError('TARGET_FAILED', 'no'))
    await settled()
    assert.equal(setup.state, 'running')
    stop.abort()
    assert.equal(await running, false)
    assert.equal(setup.state, 'stopped')
  })

  test('tells its targets of every manifest', () => {
    const setup = new Setup()
    setup.hear(streaming, written(1, 10n), applied, written(2, 20n))
    assert.equal(setup.target.rings, 2)
  })
})

describe('the end of `--until-caught-up`', () => {
  test('comes once the log and the targets have what was asked for', async () => {
    const setup = new Setup()
    const running = setup.supervisor.run(new AbortController().signal)
    setup.supervisor.endAt(lsn(100n))
    assert.equal(setup.capture.wanted, 100n)
    setup.hear(streaming, written(5, 100n))
    assert.equal(setup.state, 'running')
    setup.target.at = { n: 5, stragglers: 0, suspended: 0 }
    setup.hear(applied)
    assert.equal(await running, true)
  })

  test('comes at once if they have it already', async () => {
    const setup = new Setup()
    const running = setup.supervisor.run(new AbortController().signal)
    setup.target.at = { n: 5, stragglers: 0, suspended: 0 }
    setup.hear(streaming, written(5, 100n))
    setup.supervisor.endAt(lsn(100n))
    assert.equal(await running, true)
  })

  test('comes when a target fails, which would never have it', async () => {
    const setup = new Setup()
    const running = setup.supervisor.run(new AbortController().signal)
    setup.supervisor.endAt(lsn(100n))
    setup.target.fail(new CodedError('TARGET_FAILED', 'no'))
    assert.equal(await running, false)
  })

  test('comes when a target has failed before it was asked for', { timeout: 5000 }, async () => {
    // The demo asks after some seconds. If the warehouse had failed by then, it waited for ever.
    const setup = new Setup()
    const running = setup.supervisor.run(new AbortController().signal)
    setup.hear(streaming)
    setup.target.fail(new CodedError('TARGET_FAILED', 'no'))
    await settled()
    setup.supervisor.endAt(lsn(100n))
    assert.equal(await running, false)
  })
})

/** After all that is ready to run has run. */
async function settled(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
}
