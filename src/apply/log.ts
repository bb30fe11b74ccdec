/**
 * What the apply loop needs of the lake, and what it may remember of it.
 *
 * The interfaces are those of the classes in `lake/`; they stand here so that a test can script a log
 * without writing one. `LogFacts` keeps the answers that cost a request: the state of the log at one
 * number never changes, and what retention has removed matters only to who lies far behind.
 */

import type { BlockPool, ChangeLog } from '../core/change-log.ts'
import type { Clock } from '../core/clock.ts'
import { ZERO_LSN, type Lsn } from '../core/lsn.ts'
import type { ChangesEntry, LoadPartEntry, Manifest, RunInfo } from '../core/manifest.ts'
import type { Shape, TableId } from '../core/table.ts'
import type { LoadPart } from '../core/target.ts'

/** The log, as a consumer reads it. */
export interface Log {
  /** The state after the newest manifest. */
  recover(): Promise<LogView>
  /** The state after manifest `n`. */
  stateAt(n: number): Promise<LogView>
  /** Resolves to `null` beyond the head, and below the first manifest that is kept. */
  manifest(n: number): Promise<Manifest | null>
  /** The first manifest that is kept; 1 for an empty log. */
  first(): Promise<number>
  readChanges(entry: ChangesEntry, pool: BlockPool): Promise<ChangeLog>
  readLoadPart(entry: LoadPartEntry, shape: Shape): LoadPart
  loadParts(load: LoadStretch): Promise<LoadPartEntry[]>
}

/** One load of one table, and the manifests between which its entries stand. */
export interface LoadStretch {
  readonly table: TableId
  readonly load: string
  readonly beganAt: number
  readonly endedAt: number
}

export interface LogView {
  readonly n: number
  readonly epoch: number
  readonly confirm: Lsn | null
  readonly run: RunInfo | null
  readonly tables: ReadonlyMap<TableId, TableView>
}

export interface TableView {
  readonly newestLoad: LoadView | null
  readonly openLoads: readonly LoadView[]
}

export interface LoadView {
  readonly load: string
  readonly lsn: Lsn
  readonly epoch: number
  readonly since: number
  readonly for: 'all' | readonly string[]
  /** The name under which it stands in the log, if the table has another now. */
  readonly under?: TableId
  readonly beganAt: number
  readonly endedAt: number | null
}

export interface ShapeReader {
  read(key: string): Promise<Shape>
}

/** "Please load this table for me." Only the consumer writes and removes its requests. */
export interface LoadRequests {
  read(consumer: string, table: TableId): Promise<{ readonly after: number } | null>
  write(consumer: string, table: TableId, after: number): Promise<void>
  remove(consumer: string, table: TableId): Promise<void>
}

/** How much is taken at once: into one batch, into one fold, into one step of a load. */
export interface Limits {
  readonly rows: number
  readonly bytes: number
  readonly manifests: number
}

export interface Size {
  rows: number
  bytes: number
}

export function isFull(size: Size, limits: Limits): boolean {
  return size.rows >= limits.rows || size.bytes >= limits.bytes
}

export function addChanges(size: Size, entry: ChangesEntry): void {
  size.rows += entry.rows.i + entry.rows.u + entry.rows.d
  size.bytes += entry.bytes
}

/** How far the log was at a manifest. */
export interface Reached {
  readonly n: number
  readonly epoch: number
  readonly confirm: Lsn
}

const FIRST_IS_NEWS_FOR_MS = 60_000

export class LogFacts {
  readonly #log: Log
  readonly #clock: Clock
  #state: LogView | null = null
  #reached: Reached | null = null
  #first: { readonly n: number; readonly at: number } | null = null

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  async stateAt(n: number): Promise<LogView> {
    if (this.#state?.n === n) return this.#state
    const state = await this.#log.stateAt(n)
    this.#state = state
    return state
  }

  /** A manifest that was just taken; it spares the question how far the log was there. */
  note({ n, epoch, confirm }: Manifest): void {
    this.#reached = { n, epoch, confirm }
  }

  async reached(n: number): Promise<Reached> {
    if (n === 0) return { n, epoch: 0, confirm: ZERO_LSN }
    if (this.#reached?.n === n) return this.#reached
    const { epoch, confirm } = await this.stateAt(n)
    const reached = { n, epoch, confirm: confirm ?? ZERO_LSN }
    this.#reached = reached
    return reached
  }

  /** Something was not there any more: the log was cut since we asked. */
  forgetFirst(): void {
    this.#first = null
  }

  /** The first manifest that is kept, as it was at most a minute ago. */
  async first(): Promise<number> {
    const now = this.#clock.now()
    if (this.#first !== null && now - this.#first.at < FIRST_IS_NEWS_FOR_MS) return this.#first.n
    const n = await this.#log.first()
    this.#first = { n, at: now }
    return n
  }
}
