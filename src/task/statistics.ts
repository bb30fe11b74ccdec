/**
 * Turns the events of a task into what people want to know of it.
 *
 * Events come in as they happen; `tick` is called once a second by whoever owns the statistics, and
 * gives each second a point in the history. Nothing here waits, writes or reads a clock of its own.
 *
 * Two figures need a definition. The lag of capture is how old changes were when they became durable,
 * the worst of the last ten seconds; while the source is away it is the time since the last manifest.
 * The lag of a target is explained in `target-statistics.ts`; it adds to that of capture.
 */

import { entriesInOrder } from '../core/entry-order.ts'
import type {
  CaptureEvent,
  LoadEvent,
  RefusedTable,
  TargetEvent,
  TaskEvent,
} from '../core/events.ts'
import type { LoadMode } from '../core/manifest.ts'
import { tableId } from '../core/table.ts'
import { CaptureStatistics } from './capture-statistics.ts'
import { errorView } from './error-view.ts'
import { LakeStatistics } from './lake-statistics.ts'
import { LogTail } from './log-tail.ts'
import { MeanRate } from './recent.ts'
import type { RequestCosts } from './request-costs.ts'
import {
  nextTaskState,
  taskSentence,
  type TaskPhase,
  type TaskState,
  type TaskTransition,
} from './state.ts'
import { type TableInTargets, TableStatistics } from './table-statistics.ts'
import { TargetStatistics } from './target-statistics.ts'
import type { ErrorView, HistoryPoint, TaskView } from './view.ts'

export const HISTORY_POINTS = 15 * 60

export interface StatisticsOptions {
  readonly task: string
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly load: LoadMode
  /** As people may see it: without secrets. */
  readonly source?: string
  readonly lakeUrl: string
  /** Left out if nobody counts them. */
  readonly lakeCosts?: RequestCosts
  readonly targets: readonly { readonly name: string; readonly type: string }[]
}

/** What the lake remembers of a table's load. */
export interface LoadedTable {
  readonly table: string
  readonly loadedRows: number
  readonly isComplete: boolean
}

/** What the lake held before this run. */
export interface LakeSoFar {
  readonly head: number
  readonly rows: number
  readonly bytes: number
  readonly files: number
  readonly lastManifestAt: number | null
}

export class Statistics {
  readonly #options: StatisticsOptions
  readonly #now: () => number
  readonly #tail = new LogTail()
  readonly #lake: LakeStatistics
  readonly #tables = new Map<string, TableStatistics>()
  readonly #targets = new Map<string, TargetStatistics>()
  readonly #rows: MeanRate
  readonly #bytes: MeanRate
  readonly #capture = new CaptureStatistics()
  readonly #history: HistoryPoint[] = []
  #startedAt: number
  #state: TaskState = 'starting'
  #error: ErrorView | null = null
  /** Once true it stays: a table that is loaded later does not undo "Load complete". */
  #isLoadComplete = false

  constructor(options: StatisticsOptions) {
    this.#options = options
    this.#now = options.now
    this.#startedAt = options.now()
    this.#lake = new LakeStatistics(options.lakeUrl, options.lakeCosts ?? null)
    this.#rows = new MeanRate(this.#startedAt)
    this.#bytes = new MeanRate(this.#startedAt)
    for (const { name, type } of options.targets) {
      this.#targets.set(name, new TargetStatistics(name, type))
    }
  }

  /** Tells of loads of earlier runs. */
  seed(tables: readonly LoadedTable[]): void {
    for (const { table, loadedRows, isComplete } of tables) {
      this.#table(table).seed(loadedRows, isComplete)
    }
  }

  /** Tells what the lake holds already, so that its totals are those of the whole lake. */
  seedLake(lake: LakeSoFar): void {
    this.#tail.startAt(lake.head)
    this.#lake.seed(lake)
  }

  /** A step in the life of the task. One that cannot happen is a bug, and is thrown. */
  transition(transition: TaskTransition, error: unknown = null): void {
    const next = nextTaskState(this.#state, transition)
    if (next === null) throw new Error(`a task that is ${this.#state} cannot take "${transition}"`)
    this.#state = next
    if (transition === 'start') {
      this.#startedAt = this.#now()
      this.#error = null
    }
    if (error !== null) this.#error = errorView(error)
  }

  apply(event: TaskEvent): void {
    switch (event.type) {
      case 'capture-state':
      case 'manifest-written':
      case 'source-lag':
      case 'capture-warnings':
      case 'clock-ahead':
      case 'values-unfit':
      case 'look-failed':
      case 'lake-swept':
      case 'sweep-failed':
      case 'ddl-ambiguous':
      case 'table-dropped':
      case 'tables-refused':
        return this.#applyCapture(event)
      case 'load-planned':
      case 'load-began':
      case 'load-progress':
      case 'load-ended':
      case 'load-cancelled':
        return this.#applyLoad(event)
      case 'target-state':
      case 'applied':
      case 'straggler':
        return this.#applyTarget(event)
    }
  }

  /** Called once a second. */
  tick(): void {
    const now = this.#now()
    this.#rows.tick(now)
    this.#bytes.tick(now)
    this.#lake.tick(now)
    const targets: Record<string, number | null> = {}
    for (const target of this.#targets.values()) {
      targets[target.name] = target.lagSeconds(this.#tail, now)
    }
    this.#history.push({
      at: now,
      rowsPerSecond: this.#rows.perSecond,
      bytesPerSecond: this.#bytes.perSecond,
      captureLagSeconds: this.#capture.lagSeconds(now, this.#lake.lastManifestAt),
      targets,
    })
    if (this.#history.length > HISTORY_POINTS) this.#history.shift()
  }

  /** Oldest first, at most fifteen minutes. */
  history(): HistoryPoint[] {
    return [...this.#history]
  }

  view(): TaskView {
    const now = this.#now()
    const tables = [...this.#tables.values()]
      .toSorted((a, b) => (a.table < b.table ? -1 : 1))
      .map((table) => table.view(this.#inTargets(table), now))
    const targets = [...this.#targets.values()]
    const hasErrors =
      tables.some(({ state }) => state === 'Table error') ||
      targets.some((target) => target.needsAttention)
    return {
      task: this.#options.task,
      source: this.#options.source ?? null,
      state: this.#state,
      sentence: taskSentence(this.#state, this.#phase(), hasErrors),
      startedAt: this.#startedAt,
      at: now,
      error: this.#error,
      capture: this.#capture.view(now, this.#lake.lastManifestAt),
      lake: this.#lake.view(this.#tail.head),
      tables,
      targets: targets.map((target) => target.view(this.#tail, now)),
      rates: { rowsPerSecond: this.#rows.perSecond, bytesPerSecond: this.#bytes.perSecond },
    }
  }

  #applyCapture(event: CaptureEvent): void {
    this.#capture.apply(event, this.#now())
    if (event.type === 'manifest-written') this.#onManifest(event)
    if (event.type === 'tables-refused') this.#refuse(event.refused)
    if (event.type === 'values-unfit' && event.target === undefined) {
      this.#table(event.table).addUnfit(event)
    }
  }

  /** All that are refused now: those of before that are not among them are not any more. */
  #refuse(refused: readonly RefusedTable[]): void {
    const errors = new Map<string, ErrorView>(
      refused.map(({ name, error }) => [tableId(name), errorView(error)]),
    )
    for (const table of this.#tables.values()) {
      const isForgotten = table.refuse(errors.get(table.table) ?? null)
      if (isForgotten) this.#tables.delete(table.table)
    }
    for (const [table, error] of errors) this.#table(table).refuse(error)
  }

  #onManifest(event: Extract<CaptureEvent, { type: 'manifest-written' }>): void {
    const { manifest, latencyMs } = event
    const closedAtMs = Date.parse(manifest.closedAt)
    const isEmpty = manifest.entries.length === 0
    this.#tail.add(manifest.n, isEmpty ? null : closedAtMs - (latencyMs ?? 0))
    const changed = this.#lake.add(manifest.entries, closedAtMs)
    this.#rows.add(changed.rows)
    this.#bytes.add(changed.bytes)
    for (const entry of entriesInOrder(manifest.entries)) {
      const table = this.#table(entry.table)
      table.applyEntry(entry, manifest.n, closedAtMs)
      if (entry.type !== 'rename' && entry.type !== 'drop') continue
      this.#tables.delete(entry.table)
      if (entry.type === 'drop') continue
      table.rename(entry.to)
      this.#tables.set(entry.to, table)
    }
  }

  #applyLoad(event: LoadEvent): void {
    const fresh = this.#table(event.table).applyLoad(event, this.#now())
    this.#rows.add(fresh.rows)
    this.#bytes.add(fresh.bytes)
  }

  #applyTarget(event: TargetEvent): void {
    const target = this.#targets.get(event.target) ?? new TargetStatistics(event.target, '')
    this.#targets.set(event.target, target)
    target.apply(event, this.#tail, this.#now())
  }

  #table(name: string): TableStatistics {
    const known = this.#tables.get(name)
    if (known !== undefined) return known
    const table = new TableStatistics(name, this.#options.load !== 'cdc')
    this.#tables.set(name, table)
    return table
  }

  #inTargets(table: TableStatistics): TableInTargets {
    let isLoaded = true
    for (const target of this.#targets.values()) {
      const straggler = target.straggler(table.table)
      if (straggler?.state === 'suspended') return { isLoaded, suspended: straggler }
      isLoaded &&= target.hasLoaded(table.table, table.endedAt)
    }
    return { isLoaded, suspended: null }
  }

  #phase(): TaskPhase {
    const { load } = this.#options
    this.#isLoadComplete ||= this.#isLoaded()
    if (this.#capture.state === 'retrying') return 'retrying'
    if (load === 'cdc') return 'following'
    if (!this.#isLoadComplete) return 'loading'
    return load === 'full-load' ? 'loaded' : 'replicating'
  }

  #isLoaded(): boolean {
    const { state } = this.#capture
    if (state === 'starting' || state === 'loading' || this.#tables.size === 0) return false
    for (const table of this.#tables.values()) {
      const tableState = table.state(this.#inTargets(table))
      if (tableState !== 'Table completed' && tableState !== 'Table error') return false
    }
    return true
  }
}
