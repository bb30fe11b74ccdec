/**
 * Drains the log into a taker, unfolded and in order, exactly once in effect.
 *
 *   decide ──► ledger: pending ──► take, any number of times ──► ledger: done
 *
 * What is taken next is written into the ledger before it begins, since it depends on the present:
 * whether an interval is over, whether somebody stops. From then on ledger and log alone decide, so a
 * worker that finds something pending does the very same, and two at once do no harm.
 */

import { Bell } from '../../core/bell.ts'
import { fail, hasCode, recoveryOf } from '../../core/errors.ts'
import type { Manifest } from '../../core/manifest.ts'
import type { TableId } from '../../core/table.ts'
import { backoffMs } from '../backoff.ts'
import { isIdle, LogWindow } from '../read-batch.ts'
import { rest } from '../rest.ts'
import { selectedLog } from '../selected-log.ts'
import { ToldRun } from '../told-run.ts'
import { beginning } from './beginning.ts'
import type { Version } from './ledger-chain.ts'
import type { OrderedDrainOptions } from './options.ts'
import {
  busyTables,
  stragglersOf,
  withTables,
  type OrderedPlace,
  type Pending,
  type TablePlace,
} from './place.ts'
import { OrderedRegistration } from './registration.ts'
import { reselection } from './reselection.ts'
import { Takes } from './takes.ts'
import { readWindow, type Window } from './window.ts'

export interface DrainPosition {
  readonly n: number | null
  readonly stragglers: number
  readonly suspended: number
}

const MANY_IDLE = 500

export class OrderedDrain {
  readonly #options: OrderedDrainOptions
  readonly #takes: Takes
  readonly #window: LogWindow
  readonly #registration: OrderedRegistration
  readonly #bell = new Bell()
  readonly #told: ToldRun
  #known: Version | null = null
  #reached: number | null = null
  /** Somebody waits, or we are to stop: nothing is held back. */
  #isHurried = false
  #turns = 0
  #isReselected = false
  /** Until when the changes after manifest `after` are held back: nothing need be read before. */
  #held: { readonly after: number; readonly untilMs: number } | null = null

  constructor(given: OrderedDrainOptions) {
    const { isSelected, log } = given
    const options = isSelected ? { ...given, log: selectedLog(log, isSelected) } : given
    this.#options = options
    this.#told = new ToldRun(options.taker.name, options.emit)
    this.#window = new LogWindow(options.log)
    this.#registration = new OrderedRegistration(options)
    this.#takes = new Takes(options)
  }

  /** Drains the log until `signal` aborts, and what it holds then. Rejects with what cannot be retried. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#told.run(
      signal,
      () => this.hurry(),
      () => this.#runUntil(signal),
    )
  }

  /** Look at the log now. */
  ring(): void {
    this.#bell.ring()
  }

  /** Take what is there from now on, however little it is. */
  hurry(): void {
    this.#isHurried = true
    this.ring()
  }

  position(): DrainPosition {
    const stragglers = this.#known === null ? 0 : stragglersOf(this.#known.place)
    return { n: this.#reached, stragglers, suspended: 0 }
  }

  /** Works until there is nothing that is due. */
  async drainOnce(): Promise<void> {
    while (await this.#turn());
  }

  async #runUntil(signal: AbortSignal): Promise<void> {
    let failures = 0
    for (;;) {
      try {
        await this.#open()
        this.#told.tell('running')
        await this.#loop(signal, () => {
          failures = 0
        })
        return
      } catch (error) {
        if (recoveryOf(error) !== 'retry') throw error
        this.#known = null
        if (signal.aborted) return
        this.#told.tell('retrying', error)
        await this.#options.clock.sleep(backoffMs(failures++), signal)
      }
    }
  }

  /** What is there when we are to stop is taken too: see `#isHurried`. */
  async #loop(signal: AbortSignal, done: () => void): Promise<void> {
    for (;;) {
      const isLast = signal.aborted
      const isBusy = await this.#turn()
      done()
      if (isBusy) continue
      if (isLast) return
      const { clock, lookEveryMs } = this.#options
      if (!signal.aborted) await rest(this.#bell, clock, lookEveryMs)
    }
  }

  async #open(): Promise<OrderedPlace> {
    const { ledger, log, consumer } = this.#options
    for (;;) {
      this.#known ??= await ledger.read()
      if (this.#known !== null) {
        await this.#registration.before(this.#known.place)
        return this.#known.place
      }
      const place = await beginning(log, consumer, null)
      await this.#registration.before(place)
      this.#known = await ledger.replace(0, place)
    }
  }

  /** One thing that is to be done. False if nothing is due. */
  async #turn(): Promise<boolean> {
    try {
      const place = await this.#open()
      await this.#registration.keepUp(place)
      if (place.pending !== null) return await this.#take(place, place.pending)
      if (await this.#reselect(place)) return true
      if (this.#turns++ % 2 === 0) {
        return (await this.#straggler(place)) || (await this.#batch(place))
      }
      return (await this.#batch(place)) || (await this.#straggler(place))
    } catch (error) {
      if (!hasCode(error, 'LOG_EXPIRED') || !(await this.#beginAgain())) throw error
      return true
    }
  }

  /** Once, as soon as nothing is pending. */
  async #reselect(place: OrderedPlace): Promise<boolean> {
    const { isSelected, consumer, log } = this.#options
    if (this.#isReselected || isSelected === undefined) return false
    this.#isReselected = true
    if (place.n === 0) return false
    const facts = { isSelected, consumer, first: await log.first() }
    const changes = reselection(place, await log.stateAt(place.n), facts)
    return changes.size > 0 && this.#replace(withTables(place, changes))
  }

  /** Decides on a batch, if one is due. */
  async #batch(place: OrderedPlace): Promise<boolean> {
    if (this.#isHeld(place)) return false
    const window = await this.#next(place)
    const last = window.manifests.at(-1)
    if (last === undefined) return false
    if (!this.#isDue(place, window)) {
      if (window.manifests.every(isIdle)) this.#reachedAt(last)
      return false
    }
    return this.#replace({ ...place, pending: { table: null, until: last.n } })
  }

  async #next(place: OrderedPlace): Promise<Window> {
    const read = (n: number) => this.#window.manifest(n)
    const span = { after: place.n, busy: busyTables(place) }
    const window = await readWindow(read, span, this.#options.limits)
    if (window.manifests.length === 0) await this.#checkKept(place)
    return window
  }

  #isHeld({ n }: OrderedPlace): boolean {
    if (this.#isHurried || this.#held?.after !== n) return false
    return this.#options.clock.now() < this.#held.untilMs
  }

  #isDue({ n }: OrderedPlace, { isClosed, beganAtMs, manifests }: Window): boolean {
    if (isClosed) return true
    // A ledger that is never written would have to read all of this again at the next start.
    if (beganAtMs === null) return manifests.length >= MANY_IDLE
    const { clock, limits } = this.#options
    const untilMs = beganAtMs + limits.intervalMs
    if (this.#isHurried || clock.now() >= untilMs) return true
    this.#held = { after: n, untilMs }
    return false
  }

  /** A step of a table that is elsewhere; each turn begins with another one. */
  async #straggler(place: OrderedPlace): Promise<boolean> {
    const tables = [...place.tables].filter(([, { state }]) => state !== 'live')
    const first = this.#turns % Math.max(1, tables.length)
    for (const [table, row] of [...tables.slice(first), ...tables.slice(0, first)]) {
      if (await this.#advance(place, table, row)) return true
    }
    return false
  }

  async #advance(place: OrderedPlace, table: TableId, row: TablePlace): Promise<boolean> {
    if (row.state === 'waiting') {
      await this.#takes.ask(place, table)
      return false
    }
    if (row.state === 'ready') return this.#replace(await this.#takes.load(place, table, row))
    if (row.state !== 'catching-up') return false
    const after = row.n ?? place.n
    const { limits, log } = this.#options
    const read = (n: number) => log.manifest(n)
    const { manifests } = await readWindow(read, { after, until: place.n }, limits)
    const until = manifests.at(-1)?.n ?? place.n
    return this.#replace({ ...place, pending: { table, until } })
  }

  async #take(place: OrderedPlace, pending: Pending): Promise<boolean> {
    const began = this.#options.clock.now()
    const { next, last, changes } = await this.#takes.pending(place, pending)
    const isDone = await this.#replace(next)
    if (!isDone || pending.table !== null) return true
    this.#window.forget(next.n)
    if (last !== null) {
      const seconds = (this.#options.clock.now() - began) / 1000
      this.#reachedAt(last, changes, seconds)
    }
    return true
  }

  async #replace(next: OrderedPlace): Promise<true> {
    const known = this.#known!
    await this.#registration.before(next)
    this.#known = await this.#options.ledger.replace(known.v, next)
    if (this.#known !== null) this.#tellTables(known.place, next)
    return true
  }

  #reachedAt({ n, closedAt }: Manifest, changes = 0, seconds = 0): void {
    if (this.#reached === n) return
    this.#reached = n
    const { emit, taker } = this.#options
    const asOfMs = Date.parse(closedAt)
    emit({ type: 'applied', target: taker.name, n, asOfMs, rows: changes, changes, seconds })
  }

  async #checkKept({ n }: OrderedPlace): Promise<void> {
    if (this.#reached === null) this.#reached = n
    const first = await this.#options.log.first()
    if (n + 1 < first) fail('LOG_EXPIRED', `the log begins at ${first}, and we are at ${n}`)
  }

  /** Our place in the log is gone: goes on as one that is new. False if it is not gone. */
  async #beginAgain(): Promise<boolean> {
    const { ledger, log, consumer } = this.#options
    this.#known = await ledger.read()
    if (this.#known === null) return true
    const { place } = this.#known
    if (place.n + 1 >= (await log.first())) return false
    return this.#replace(await beginning(log, consumer, place))
  }

  #tellTables(before: OrderedPlace, { tables }: OrderedPlace): void {
    const { emit, taker } = this.#options
    for (const [table, { state }] of tables) {
      if (state === before.tables.get(table)?.state) continue
      const told = state === 'live' || state === 'gone' ? 'joined' : state
      emit({ type: 'straggler', target: taker.name, table, state: told, rows: 0, error: null })
    }
  }
}
