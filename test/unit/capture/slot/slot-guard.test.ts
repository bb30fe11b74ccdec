import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import type { SlotReading, WalBudget } from '../../../../src/capture/slot/guard-rules.ts'
import { GuardedCapture } from '../../../../src/capture/slot/guarded-capture.ts'
import { SlotGuard, type SlotWatch } from '../../../../src/capture/slot/slot-guard.ts'
import { CodedError } from '../../../../src/core/errors.ts'
import type { TaskEvent } from '../../../../src/core/events.ts'
import { lsn } from '../../../../src/core/lsn.ts'
import { ManualClock, settled } from '../manual-clock.ts'

const MIB = 1024 ** 2

class ScriptedWatch implements SlotWatch {
  keptMib = 0
  reads = 0
  drops = 0
  isClosed = false
  failure: Error | null = null
  dropFailure: Error | null = null
  /** It never answers. */
  isDeaf = false
  readonly #clock: ManualClock

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  async read(): Promise<SlotReading> {
    this.reads++
    if (this.isDeaf) await new Promise(() => {})
    if (this.failure !== null) throw this.failure
    return {
      atMs: this.#clock.now(),
      lsn: lsn(BigInt(this.keptMib * MIB) + 1n),
      slot: {
        name: 'millrace_shop',
        plugin: 'pgoutput',
        database: 'shop',
        isOfThisDatabase: true,
        isTwoPhase: false,
        walStatus: 'reserved',
        confirmed: lsn(1n),
        restart: lsn(1n),
        safeBytes: null,
        activePid: 1,
        isFailover: false,
        isSynced: false,
        invalidation: null,
        unusedMs: null,
      },
      keepBytes: null,
      idleTimeoutMs: 0,
    }
  }

  async drop(): Promise<void> {
    this.drops++
    if (this.dropFailure !== null) throw this.dropFailure
  }

  close(): void {
    this.isClosed = true
  }
}

function start(budget: WalBudget | null = { bytes: 100 * MIB, action: 'warn' }) {
  const clock = new ManualClock()
  const watch = new ScriptedWatch(clock)
  const told: string[][] = []
  const messages: string[] = []
  const emit = (event: TaskEvent): void => {
    if (event.type !== 'capture-warnings') return
    told.push(event.warnings.map(({ kind }) => kind))
    messages.push(...event.warnings.map(({ message }) => message))
  }
  const stop = new AbortController()
  const guard = new SlotGuard({ watch, budget, clock, emit })
  return { clock, watch, told, messages, stop, guard, running: guard.run(stop.signal) }
}

describe('the guard of a slot', () => {
  test('looks every ten seconds, tells what is wrong, and that it is over', async () => {
    const { clock, watch, told, stop, running } = start()
    await clock.pass(10_000)
    watch.keptMib = 120
    await clock.pass(10_000)
    await clock.pass(10_000)
    watch.keptMib = 0
    await clock.pass(10_000)
    assert.equal(watch.reads, 4)
    assert.deepEqual(told, [['wal-budget'], []])
    stop.abort()
    await running
    assert.equal(watch.isClosed, true)
    assert.equal(watch.drops, 0)
  })

  test('measures the rate over the last minute', async () => {
    const { clock, watch, messages, stop, running } = start({ bytes: 1000 * MIB, action: 'warn' })
    watch.keptMib = 600
    for (let i = 0; i < 30; i++) await clock.pass(10_000)
    watch.keptMib = 660 // within a minute
    await clock.pass(10_000)
    assert.match(messages.at(-1)!, /source.walBudget .* is reached in 5 min 40 s$/)
    stop.abort()
    await running
  })

  test('is silent while the source is away, since capture tells', async () => {
    const { clock, watch, told, stop, running } = start()
    watch.failure = new CodedError('CONNECTION_LOST', 'gone')
    await clock.pass(10_000)
    watch.failure = new CodedError('PERMISSION_DENIED', 'no')
    await clock.pass(10_000)
    watch.failure = null
    await clock.pass(10_000)
    assert.deepEqual(told, [['blind'], []])
    stop.abort()
    await running
  })

  test('drops a slot over its budget, if that was asked for, and ends with the reason', async () => {
    const { clock, watch, told, running } = start({ bytes: 100 * MIB, action: 'drop-slot' })
    const failed = assert.rejects(running, {
      code: 'WAL_BUDGET_SPENT',
      message:
        'the slot held back 101 MiB of WAL, source.walBudget allows 100 MiB, and so it was dropped',
    })
    watch.keptMib = 101
    await clock.pass(10_000)
    await failed
    assert.equal(watch.drops, 1)
    assert.equal(watch.isClosed, true)
    assert.deepEqual(told, [['wal-budget']])
  })

  test('leaves a slot alone that somebody else reads, says so, and tries again', async () => {
    const { clock, watch, told, stop, running } = start({ bytes: MIB, action: 'drop-slot' })
    watch.dropFailure = new CodedError('SLOT_IN_USE', 'another process reads the slot')
    watch.keptMib = 5
    await clock.pass(10_000)
    await clock.pass(10_000)
    assert.equal(watch.drops, 2)
    assert.deepEqual(told.at(-1), ['wal-budget', 'not-dropped'])
    stop.abort()
    await running
  })

  test('ends at once, though the server never answers', async () => {
    const { clock, watch, stop, running } = start()
    watch.isDeaf = true
    await clock.pass(10_000)
    stop.abort()
    await running
    assert.equal(watch.isClosed, true)
  })
})

describe('capture with a guard', () => {
  const never = new Promise<void>(() => {})

  /** Ends when it is told to, with what it is given. */
  function part(outcome: () => void = () => {}) {
    let end!: () => void
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const run = async (signal: AbortSignal): Promise<void> => {
      const stopped = new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve())
      })
      await Promise.race([ended, stopped, never])
      outcome()
    }
    return { run, want: () => {}, end }
  }

  test('ends with capture, and the guard with it', async () => {
    const [capture, guard] = [part(), part()]
    const running = new GuardedCapture(capture, guard).run(new AbortController().signal)
    capture.end()
    await running
  })

  test('fails as capture fails', async () => {
    const lost = new CodedError('SLOT_LOST', 'gone')
    const capture = part(() => {
      throw lost
    })
    const running = new GuardedCapture(capture, part()).run(new AbortController().signal)
    capture.end()
    await assert.rejects(running, lost)
  })

  test('fails as the guard fails, whatever that makes of capture', async () => {
    const spent = new CodedError('WAL_BUDGET_SPENT', 'dropped')
    const guard = part(() => {
      throw spent
    })
    const capture = part(() => {
      throw new CodedError('SLOT_LOST', 'gone')
    })
    const running = new GuardedCapture(capture, guard).run(new AbortController().signal)
    guard.end()
    await assert.rejects(running, spent)
  })

  test('stops when it is told to', async () => {
    const stop = new AbortController()
    const running = new GuardedCapture(part(), part()).run(stop.signal)
    await settled()
    stop.abort()
    await running
  })
})
