/**
 * The processes of a history: real capture and real appliers, each with a life of its own.
 *
 * Nothing in them is simulated but what they talk to. A process that is killed simply never hears
 * again of what it waits for; one that was overtaken goes on and does not know.
 */

import { Applier } from '../../src/apply/applier.ts'
import { Capture } from '../../src/capture/capture.ts'
import { BlockPool } from '../../src/core/change-log.ts'
import { fail, recoveryOf } from '../../src/core/errors.ts'
import type { TaskEvent } from '../../src/core/events.ts'
import type { TableId } from '../../src/core/table.ts'
import { createOrCheck } from '../../src/lake/lake-info.ts'
import { LogReader } from '../../src/lake/log/log-reader.ts'
import { LogWriter } from '../../src/lake/log/log-writer.ts'
import { listRequests, Requests } from '../../src/lake/requests.ts'
import { Shapes } from '../../src/lake/shapes.ts'
import { MemoryTarget, type MemoryPlace, type PausePoint } from '../support/memory-target.ts'
import { FaultyStore, type Network } from './faulty-store.ts'
import * as knock from './knockouts.ts'
import { MemoryDisk, mount } from './memory-disk.ts'
import { Life } from './scheduler.ts'
import { ScriptedSource, type Server } from './scripted-source.ts'
import { Violation } from './violation.ts'

export const ROLLUP_EVERY = 8
export const LAKE_ID = 'lake'

export interface ProcessParts {
  readonly network: Network
  readonly server: Server
  readonly knockouts: knock.Knockouts
  /** Hears of what must not be. */
  readonly report: (violation: Violation) => void
  readonly flushRows: number
  /** Bytes that the disk of a spool can hold. */
  readonly spoolBytes: number
  /** Hears of every process. */
  readonly started: (process: Process) => void
}

/** What every process has. */
export class Process {
  readonly life: Life
  readonly abort = new AbortController()
  readonly #parts: ProcessParts

  constructor(name: string, parts: ProcessParts) {
    this.life = new Life(name, parts.network.scheduler)
    this.#parts = parts
    parts.started(this)
  }

  /** The history is over. The runtime keeps signals that somebody hears until they abort. */
  close(): void {
    this.life.end()
    this.abort.abort()
  }

  lake(): { store: FaultyStore; shapes: Shapes; reader: LogReader } {
    const store = new FaultyStore(this.#parts.network, this.life, this.#parts.knockouts)
    const shapes = new Shapes(store)
    return { store, shapes, reader: new LogReader({ store, shapes, rollupEvery: ROLLUP_EVERY }) }
  }

  follow(running: Promise<void>, mayGiveUp: boolean): void {
    const { report, network } = this.#parts
    running.then(
      () => this.life.end(),
      (error: unknown) => {
        this.life.end()
        if (mayGiveUp && recoveryOf(error) === 'retry') return network.counters.add('gaveUp')
        if (error instanceof Violation) return report(error)
        const { stack } = error as Error
        const code = error instanceof Error && 'code' in error ? String(error.code) : ''
        report(new Violation('failed', `${this.life.name}: ${code} ${stack}`))
      },
    )
  }
}

export class CaptureProcess {
  readonly process: Process
  readonly capture: Capture

  constructor(name: string, parts: ProcessParts) {
    const process = new Process(name, parts)
    const { knockouts, network, server, flushRows } = parts
    const { life } = process
    if (network.random.chance(0.3)) life.skewMs = network.random.below(120_000) - 60_000
    const { store, shapes, reader } = process.lake()
    const clock = life.clock()
    let ids = 0
    mount(name, new MemoryDisk(parts.spoolBytes))
    const log = { store, reader, shapes, rollups: reader.rollups, clock, format: 'csv' as const }
    this.process = process
    this.capture = new Capture({
      source: new ScriptedSource(server, life),
      reader: knock.captureReader(reader, knockouts),
      shapes,
      newWriter: () => knock.writer(new LogWriter({ ...log, writer: name }), knockouts, clock),
      isSelected: (table) => server.parts.database.tables.get(table.name)!.isSelected,
      claimLake: async ({ systemId, database }) => {
        const createdAt = new Date(clock.now()).toISOString()
        const source = { systemId, database }
        await createOrCheck(store, { id: LAKE_ID, createdAt, task: 'shop', source })
      },
      spoolFolder: name,
      requests: () => knock.requestsSeen(listRequests(store), knockouts),
      clock,
      limits: {
        everyMs: 20,
        rows: flushRows,
        bytes: 1e6,
        heartbeatMs: network.random.pick([0, 60]),
        parallel: 2,
        rangeBytes: 1 << 28,
        maxRowsPerSecond: null,
        partBytes: 150,
        lookEveryMs: network.random.pick([300, 1500]),
      },
      newId: () => `${name}-${ids++}`,
      emit: (event) => this.#hear(event, parts),
    })
    process.follow(this.capture.run(process.abort.signal), true)
  }

  #hear(event: TaskEvent, { network }: ProcessParts): void {
    if (event.type === 'load-cancelled') network.counters.add('loadGivenUp')
    if (event.type !== 'capture-state' || event.error === null) return
    const { code } = event.error
    network.counters.add(RETRIES[code] ?? 'retried')
  }
}

/** An operator who wants a table loaded again for a consumer, as the command does it. */
export function resync(
  name: string,
  parts: ProcessParts,
  { consumer, table }: { readonly consumer: string; readonly table: TableId },
): void {
  const process = new Process(name, parts)
  const { store, reader } = process.lake()
  const ask = async (): Promise<void> => {
    const { n } = await reader.recover()
    await new Requests(store, () => '').write(consumer, table, n)
  }
  process.follow(ask(), true)
}

const RETRIES: Readonly<Record<string, string>> = { FENCED: 'fenced', SPOOL_FULL: 'spoolFull' }

export interface ConsumerParts extends ProcessParts {
  readonly consumer: string
  readonly place: MemoryPlace
  /** Hears that something was committed there. */
  readonly committed: () => void
}

export class ApplierProcess {
  readonly process: Process
  readonly applier: Applier

  constructor(name: string, parts: ConsumerParts) {
    const process = new Process(name, parts)
    const { consumer, place, knockouts, network } = parts
    const { store, reader, shapes } = process.lake()
    const { random } = network
    const pause = (point: PausePoint): Promise<void> => this.#pause(point, parts)
    const real = new MemoryTarget({ place, consumer, lakeId: LAKE_ID, pause })
    this.process = process
    this.applier = new Applier({
      consumer,
      target: knock.target(real, knockouts),
      log: knock.consumerLog(reader, knockouts),
      shapes,
      requests: knock.requests(new Requests(store, () => ''), knockouts),
      clock: process.life.clock({ isDeaf: knockouts.noSweep ?? false }),
      pool: new BlockPool(),
      limits: { rows: 1 + random.below(8), bytes: 1e6, manifests: 1 + random.below(5) },
      emit: (event) => this.#hear(event, parts),
      intervalMs: 200,
    })
    process.follow(this.applier.run(process.abort.signal), false)
  }

  /** An operator lets a table go on. */
  resume(table: TableId): void {
    this.applier.resume(table).catch(() => {})
  }

  /** What was committed is checked before anybody hears of it. */
  #pause(point: PausePoint, parts: ConsumerParts): Promise<void> {
    if (point === 'committed') parts.committed()
    const { random, counters, isCalm } = parts.network
    if (point === 'step' && random.chance(0.7)) return Promise.resolve()
    return this.process.life.gate(`${point} of ${parts.consumer}`, () => {
      if (isCalm || parts.network.isCalm || !random.chance(0.01)) return
      counters.add(point === 'committed' ? 'lostCommitAnswer' : 'brokenTarget')
      fail('CONNECTION_LOST', `the target broke at ${point}`)
    })
  }

  #hear(event: TaskEvent, { network }: ConsumerParts): void {
    if (event.type === 'applied') network.counters.add('applied')
    if (event.type === 'straggler' && event.state === 'joined') network.counters.add('joined')
  }
}
