/**
 * One history: a source, a lake, processes that write and read it, and all that can happen to them.
 *
 * It has two parts. In the first, commits, crashes and faults come as they like. In the second it is
 * calm: whoever is needed runs, nothing fails any more, and everything must come to rest where the
 * source is.
 */

import { lsn } from '../../src/core/lsn.ts'
import { parseManifestKey, parseRequestKey } from '../../src/lake/layout.ts'
import { decodeManifest } from '../../src/lake/log/manifest-json.ts'
import { CaptureProcess, type Process, type ProcessParts } from './actors.ts'
import { Audit } from './audit.ts'
import { Consumer } from './consumer.ts'
import { Counters } from './counters.ts'
import { Shelf, type Network } from './faulty-store.ts'
import type { Knockouts } from './knockouts.ts'
import { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import { ScriptedDatabase, TABLES } from './scripted-database.ts'
import { Server } from './scripted-source.ts'
import { Violation } from './violation.ts'

const BEGIN_MS = Date.UTC(2026, 10, 23, 23, 59, 50)

export interface HistoryOptions {
  readonly knockouts?: Knockouts
  /** Tables are altered often; left out: in some histories. */
  readonly isRestless?: boolean
  readonly trace?: (line: string) => void
}

export class World {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly counters = new Counters()
  readonly database: ScriptedDatabase
  readonly server: Server
  readonly audit: Audit
  readonly network: Network
  readonly consumers: Consumer[] = []
  captures: CaptureProcess[] = []
  #violation: Violation | null = null
  readonly #parts: ProcessParts
  readonly #processes: Process[] = []

  constructor(seed: number, { knockouts = {}, isRestless, trace }: HistoryOptions) {
    this.random = new Random(seed)
    this.scheduler = new Scheduler(this.random, BEGIN_MS, trace ?? null)
    const { random, scheduler, counters } = this
    this.database = new ScriptedDatabase(random, isRestless ?? random.chance(0.25))
    const shelf = new Shelf((key, bytes) => this.#guard(() => this.#changed(key, bytes)))
    this.network = { shelf, scheduler, random, counters, isCalm: false }
    this.audit = new Audit({
      database: this.database,
      counters,
      read: (key) => shelf.get(key),
      ignoresTicks: knockouts.noSince ?? false,
    })
    this.server = new Server({
      database: this.database,
      random,
      counters,
      knockouts,
      confirmed: (at) => this.#guard(() => this.audit.confirmed(at)),
      created: (at) => this.audit.slotCreated(at),
    })
    const report = (violation: Violation): void => {
      this.#violation ??= violation
    }
    const flushRows = 2 + random.below(8)
    const { network, server } = this
    const started = (process: Process): void => void this.#processes.push(process)
    const spoolBytes = random.chance(0.6) ? Infinity : 0
    this.#parts = { network, server, knockouts, report, flushRows, spoolBytes, started }
    for (const name of TABLES) if (name !== 'c' || random.chance(0.7)) server.published.add(name)
  }

  startCapture(): CaptureProcess {
    const process = new CaptureProcess(`w${this.#processes.length + 1}`, this.#parts)
    this.captures.push(process)
    return process
  }

  addConsumer(name: string, workers: number): void {
    const consumer = new Consumer(name, this.#parts, this.audit)
    for (let i = 0; i < workers; i++) consumer.startWorker()
    this.consumers.push(consumer)
  }

  commit(): void {
    const { lsn: at } = this.database.commit(this.scheduler.now)
    this.counters.add('commit')
    if (this.audit.heartbeats.has(at)) this.counters.add('commitAtHeartbeat')
    if (this.server.snapshots.has(at)) this.counters.add('commitAtSnapshot')
    this.scheduler.note(`commit at ${at}`)
  }

  async step(): Promise<void> {
    await this.scheduler.step()
    if (this.#violation !== null) throw this.#violation
    this.captures = this.captures.filter(({ process }) => process.life.isAlive)
  }

  /** Everything that was committed is everywhere, and the source may forget it. */
  get isAtRest(): boolean {
    const { position } = this.database
    return (
      this.audit.isComplete &&
      (this.audit.state.confirm ?? 0n) >= position &&
      this.server.confirmed >= position &&
      !this.scheduler.hasOrphans &&
      this.consumers.every(({ isDone }) => isDone)
    )
  }

  calm(): void {
    this.network.isCalm = true
    this.server.isCalm = true
    for (const name of TABLES) this.server.published.add(name)
    this.scheduler.steps = Infinity
    for (const { process } of this.captures) process.abort.abort()
  }

  /** Keeps what is needed running. */
  async tend(): Promise<void> {
    await this.scheduler.settle()
    this.captures = this.captures.filter(({ process }) => process.life.isAlive)
    const isRunning = this.captures.some(({ process }) => !process.abort.signal.aborted)
    if (!isRunning) this.startCapture()
    for (const { capture } of this.captures) capture.want(lsn(this.database.position))
    for (const consumer of this.consumers) {
      consumer.ring()
      consumer.resume(consumer.workers[0]!)
    }
  }

  close(): void {
    for (const process of this.#processes) process.close()
  }

  get inWords(): string {
    const { n, to, confirm, tables } = this.audit.state
    const loads = [...tables].map(
      ([id, { newestLoad, openLoads }]) => `${id} ${newestLoad?.load} ${openLoads.length} open`,
    )
    const { position } = this.database
    const log = `log ${n} to ${to?.lsn}/${to?.ordinal}/${to?.end} confirm ${confirm} of ${position}`
    const consumers = this.consumers.map(({ inWords }) => inWords)
    return [log, ...loads, `slot ${this.server.confirmed}`, ...consumers].join('; ')
  }

  #changed(key: string, bytes: Buffer | null): void {
    const request = parseRequestKey(key)
    if (request !== null) {
      const after = bytes && (JSON.parse(bytes.toString()) as { after: number }).after
      this.consumers.find(({ id }) => id === request.consumer)!.requested(request.table, after)
      return
    }
    if (bytes === null || parseManifestKey(key) === null) return
    this.audit.landed(decodeManifest(bytes, key))
    for (const consumer of this.consumers) if (this.random.chance(0.6)) consumer.ring()
  }

  /** What goes wrong inside of a process is not for the process to handle. */
  #guard(check: () => void): void {
    try {
      check()
    } catch (error) {
      if (error instanceof Violation) this.#violation ??= error
      throw error
    }
  }
}
