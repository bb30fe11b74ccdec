/**
 * Metrics in the text format of Prometheus.
 *
 * Counters and histograms follow the events; gauges are read from the view of the task when somebody
 * asks, so that a lag is right at that moment and not when something last happened.
 */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

import type { CodedError } from '../core/errors.ts'
import type { TaskEvent } from '../core/events.ts'
import type { Entry } from '../core/manifest.ts'
import type { TableState, TargetView, TaskView } from '../task/view.ts'
import { BUCKETS, METRICS, type NameOf } from './metric-table.ts'

export { METRICS }

export interface MetricsOptions {
  readonly view: () => TaskView
  /** Also memory, CPU and event loop of the process, under their usual names. */
  readonly includeProcess?: boolean
}

type Labels = Record<string, string>

export class Metrics {
  readonly #registry = new Registry()
  readonly #view: () => TaskView
  readonly #counters = new Map<string, Counter>()
  readonly #gauges = new Map<string, Gauge>()
  readonly #histograms = new Map<string, Histogram>()

  constructor({ view, includeProcess = false }: MetricsOptions) {
    this.#view = view
    const registers = [this.#registry]
    for (const [name, { type, help, labels }] of Object.entries(METRICS)) {
      const settings = { name, help, labelNames: labels, registers }
      if (type === 'counter') this.#counters.set(name, new Counter(settings))
      else if (type === 'gauge') this.#gauges.set(name, new Gauge(settings))
      else this.#histograms.set(name, new Histogram({ ...settings, buckets: BUCKETS }))
    }
    if (includeProcess) collectDefaultMetrics({ register: this.#registry })
  }

  apply(event: TaskEvent): void {
    switch (event.type) {
      case 'capture-state':
      case 'target-state':
        return this.#countError(event.error)
      case 'straggler':
        return this.#countError(event.error)
      case 'manifest-written':
        return this.#onManifest(event)
      case 'load-ended':
        this.#count('millrace_loads_total', { result: 'ended' }, 1)
        this.#observe('millrace_load_seconds', {}, event.seconds)
        return
      case 'load-cancelled':
        this.#count('millrace_loads_total', { result: 'cancelled' }, 1)
        return
      case 'applied': {
        const labels = { target: event.target }
        this.#count('millrace_target_rows_total', labels, event.rows)
        this.#count('millrace_target_changes_total', labels, event.changes)
        this.#observe('millrace_target_apply_seconds', labels, event.seconds)
        return
      }
      case 'clock-ahead':
        return this.#count('millrace_clock_ahead_files_total', {}, event.files)
      case 'values-unfit': {
        const { table, column, policy, values } = event
        return this.#count('millrace_values_unfit_total', { table, column, policy }, values)
      }
      case 'look-failed':
      case 'sweep-failed':
        return this.#countError(event.error)
      case 'capture-warnings':
      case 'ddl-ambiguous': // it is in the log
      case 'table-dropped':
      case 'tables-refused':
      case 'lake-swept':
      case 'source-lag': // these are in the view
      case 'load-planned':
      case 'load-began':
      case 'load-progress':
    }
  }

  /** What a scrape of `/metrics` gets. */
  async text(): Promise<string> {
    this.#setGauges(this.#view())
    return this.#registry.metrics()
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  #onManifest(event: Extract<TaskEvent, { type: 'manifest-written' }>): void {
    const { manifest, seconds, latencyMs } = event
    this.#count('millrace_manifests_total', { kind: manifest.kind }, 1)
    this.#observe('millrace_manifest_write_seconds', {}, seconds)
    if (latencyMs !== null) {
      this.#observe('millrace_manifest_latency_seconds', {}, Math.max(0, latencyMs / 1000))
    }
    for (const entry of manifest.entries) this.#onEntry(entry)
  }

  #onEntry(entry: Entry): void {
    const { table } = entry
    if (entry.type === 'changes') {
      const { i, u, d } = entry.rows
      for (const [op, rows] of Object.entries({ insert: i, update: u, delete: d })) {
        if (rows > 0) this.#count('millrace_changes_total', { table, op }, rows)
      }
    } else if (entry.type === 'truncate') {
      this.#count('millrace_changes_total', { table, op: 'truncate' }, 1)
    } else if (entry.type === 'load-part') {
      this.#count('millrace_load_rows_total', { table }, entry.rows)
    }
    if (entry.type !== 'changes' && entry.type !== 'load-part') return
    const content = entry.type === 'changes' ? 'changes' : 'load'
    this.#count('millrace_lake_files_total', { content }, 1)
    this.#count('millrace_lake_bytes_total', { content }, entry.bytes)
  }

  #countError(error: CodedError | null): void {
    if (error !== null) this.#count('millrace_errors_total', { code: error.code }, 1)
  }

  #setGauges(view: TaskView): void {
    this.#mark('millrace_task_state', TASK_STATES, view.state, {})
    this.#mark('millrace_capture_state', CAPTURE_STATES, view.capture.state, {})
    this.#set('millrace_start_timestamp_seconds', {}, view.startedAt / 1000)
    this.#set('millrace_capture_lag_seconds', {}, view.capture.lagSeconds)
    this.#set('millrace_source_lag_bytes', {}, view.capture.lagBytes)
    this.#set('millrace_lake_head', {}, view.lake.head)
    this.#setRequests(view.lake)
    for (const state of TABLE_STATES) {
      const count = view.tables.filter((table) => table.state === state).length
      this.#set('millrace_tables', { state }, count)
    }
    for (const target of view.targets) this.#setTarget(target)
  }

  #setRequests({ requests }: TaskView['lake']): void {
    const { putsPerDay = null, getsPerDay = null, listsPerDay = null } = requests ?? {}
    this.#set('millrace_lake_requests_per_day', { kind: 'put' }, putsPerDay)
    this.#set('millrace_lake_requests_per_day', { kind: 'get' }, getsPerDay)
    this.#set('millrace_lake_requests_per_day', { kind: 'list' }, listsPerDay)
    this.#set('millrace_lake_usd_per_day', {}, requests?.usdPerDay ?? null)
  }

  #setTarget(view: TargetView): void {
    const target = view.name
    this.#mark('millrace_target_state', TARGET_STATES, view.state, { target })
    this.#set('millrace_target_manifest', { target }, view.n)
    this.#set('millrace_target_behind_manifests', { target }, view.behind)
    this.#set('millrace_target_lag_seconds', { target }, view.lagSeconds)
    for (const state of STRAGGLER_STATES) {
      const count = view.stragglers.filter((straggler) => straggler.state === state).length
      this.#set('millrace_target_stragglers', { target, state }, count)
    }
  }

  /** One series per state, so that a graph shows when it was which. */
  #mark<S extends string>(
    name: NameOf<'gauge'>,
    states: readonly S[],
    current: S,
    labels: Labels,
  ): void {
    for (const state of states) this.#set(name, { ...labels, state }, state === current ? 1 : 0)
  }

  /** What is not known is left out; zero would be a lie. */
  #set(name: NameOf<'gauge'>, labels: Labels, value: number | null): void {
    if (value !== null) this.#gauges.get(name)?.set(labels, value)
    else this.#gauges.get(name)?.remove(labels)
  }

  #count(name: NameOf<'counter'>, labels: Labels, value: number): void {
    this.#counters.get(name)?.inc(labels, value)
  }

  #observe(name: NameOf<'histogram'>, labels: Labels, seconds: number): void {
    this.#histograms.get(name)?.observe(labels, seconds)
  }
}

const TASK_STATES = ['starting', 'running', 'stopping', 'stopped', 'failed'] as const
const CAPTURE_STATES = ['starting', 'loading', 'streaming', 'retrying', 'stopped'] as const
const TARGET_STATES = ['starting', 'running', 'retrying', 'stopped', 'failed'] as const
const STRAGGLER_STATES = ['waiting', 'loading', 'ready', 'catching-up', 'suspended'] as const
const TABLE_STATES: readonly TableState[] = [
  'Before load',
  'Full load',
  'Table completed',
  'Table is being reloaded',
  'Table error',
]
