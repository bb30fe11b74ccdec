/**
 * Turns the events of a task into log lines.
 *
 * What happens a few times a day gets a line each. What happens many times a minute, manifests and
 * batches, gets a line at `debug`, and a sum of it at `info` every ten seconds at most, so that a
 * busy task does not flood the log and an idle one is silent.
 */

import type { CodedError } from '../core/errors.ts'
import type {
  CaptureEvent,
  CaptureWarning,
  Emit,
  LoadEvent,
  RefusedTable,
  TargetEvent,
  TaskEvent,
} from '../core/events.ts'
import { formatLsn } from '../core/lsn.ts'
import { tableId, type TableId } from '../core/table.ts'
import { errorFields, type Log } from './log.ts'
import { Summary } from './summary.ts'

const AHEAD_EVERY_MS = 10 * 60_000
const AHEAD_HINT = 'let source and this machine set their clocks by NTP'

/** `now` in milliseconds. */
export function logEvents(log: Log, now: () => number): Emit {
  const lines = new EventLines(log, now)
  return (event) => {
    lines.write(event)
  }
}

class EventLines {
  readonly #log: Log
  readonly #written: Summary
  readonly #applied = new Map<string, Summary>()
  readonly #now: () => number
  #lookedInVain = ''
  #toldAheadAt = -Infinity
  #warned: ReadonlySet<string> = new Set()
  #refused: ReadonlyMap<TableId, string> = new Map()
  readonly #unfit = new Set<string>()

  constructor(log: Log, now: () => number) {
    this.#log = log
    this.#now = now
    this.#written = new Summary(now())
  }

  write(event: TaskEvent): void {
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
        return this.#capture(event)
      case 'load-planned':
      case 'load-began':
      case 'load-progress':
      case 'load-ended':
      case 'load-cancelled':
        return this.#load(event)
      case 'target-state':
      case 'applied':
      case 'straggler':
        return this.#target(event)
    }
  }

  #capture(event: CaptureEvent): void {
    switch (event.type) {
      case 'capture-state':
        if (event.state === 'stopped') this.#sumUpWritten()
        this.#state({}, `capture ${PAST[event.state]}`, event.error)
        return
      case 'capture-warnings':
        return this.#warn(event.warnings)
      case 'ddl-ambiguous': {
        const { table, changes, isReloaded } = event
        const message = 'table changed in a way that the log cannot tell'
        this.#log.warn({ table, changes, isReloaded }, message)
        return
      }
      case 'table-dropped':
        this.#log.info(
          { table: event.table },
          'table dropped at the source, or not selected any more',
        )
        return
      case 'tables-refused':
        return this.#tablesRefused(event.refused)
      case 'clock-ahead':
        return this.#clockAhead(event)
      case 'values-unfit':
        return this.#valuesUnfit(event)
      case 'look-failed':
        return this.#lookFailed(event)
      case 'lake-swept': {
        const { first, manifests, files } = event
        return this.#log.info({ first, manifests, files }, 'lake swept')
      }
      case 'sweep-failed':
        return this.#log.warn(errorFields(event.error), 'lake could not be swept')
      case 'source-lag': {
        const server = formatLsn(event.serverLsn)
        this.#log.debug({ server, confirmed: formatLsn(event.confirmedLsn) }, 'source lag measured')
        return
      }
      case 'manifest-written':
        this.#manifestWritten(event)
    }
  }

  #manifestWritten(event: Extract<CaptureEvent, { type: 'manifest-written' }>): void {
    const { manifest, bytes, seconds } = event
    const { n, kind } = manifest
    let rows = 0
    for (const entry of manifest.entries) {
      if (entry.type === 'changes') rows += entry.rows.i + entry.rows.u + entry.rows.d
      if (entry.type === 'load-part') rows += entry.rows
    }
    this.#log.debug({ n, kind, rows, bytes, seconds }, 'manifest written')
    if (manifest.entries.length > 0) this.#written.add({ n, rows, bytes })
    if (this.#written.isDue(this.#now())) this.#sumUpWritten()
  }

  /** A warning that stays is told once, though its figures change. */
  #warn(warnings: readonly CaptureWarning[]): void {
    for (const { kind, message } of warnings) {
      if (!this.#warned.has(kind)) this.#log.warn({ kind, reason: message }, 'slot in danger')
    }
    if (this.#warned.size > 0 && warnings.length === 0) this.#log.info({}, 'slot out of danger')
    this.#warned = new Set(warnings.map(({ kind }) => kind))
  }

  /** It stays for as long as nobody sets a clock, and is told now and then. */
  #clockAhead({ files, ms }: { files: number; ms: number }): void {
    if (this.#now() - this.#toldAheadAt < AHEAD_EVERY_MS) return
    this.#toldAheadAt = this.#now()
    const message = 'commit times of the source lie ahead of our clock'
    this.#log.warn({ files, seconds: ms / 1000, hint: AHEAD_HINT }, message)
  }

  /** What stays as it was at the last look is not told again. */
  #tablesRefused(refused: readonly RefusedTable[]): void {
    const told = new Map(refused.map(({ name, error }) => [tableId(name), error]))
    for (const [table, error] of told) {
      if (this.#refused.get(table) === error.message) continue
      this.#log.error({ table, ...errorFields(error) }, 'table refused')
    }
    for (const table of this.#refused.keys()) {
      if (!told.has(table)) this.#log.info({ table }, 'table not refused any more')
    }
    this.#refused = new Map([...told].map(([table, error]) => [table, error.message]))
  }

  /** Of a column that has such values, many files have some: the first is told, the metric counts. */
  #valuesUnfit(event: CaptureEvent & { readonly type: 'values-unfit' }): void {
    const { type: _, ...fields } = event
    const place = `${event.target ?? ''} ${event.table}.${event.column}`
    const where = event.target === undefined ? 'a data file' : 'the target'
    const message = `values did not fit into ${where}`
    if (this.#unfit.has(place)) return this.#log.debug(fields, message)
    this.#unfit.add(place)
    this.#log.warn(fields, message)
  }

  /** It looks every few seconds: what is wrong is told once. */
  #lookFailed({ error, waiting }: Extract<CaptureEvent, { type: 'look-failed' }>): void {
    const isAbout = `${error.message} ${waiting?.join(' ')}`
    if (isAbout === this.#lookedInVain) return
    this.#lookedInVain = isAbout
    if (waiting)
      this.#log.warn({ tables: waiting, ...errorFields(error) }, 'tables wait to be loaded')
    else this.#log.warn(errorFields(error), 'new tables could not be looked for')
  }

  #load(event: LoadEvent): void {
    const { table } = event
    switch (event.type) {
      case 'load-planned':
        this.#log.debug({ table, estimatedRows: event.estimatedRows }, 'load planned')
        return
      case 'load-began':
        this.#log.info({ table }, event.isReload ? 'reload began' : 'load began')
        return
      case 'load-progress':
        this.#log.debug({ table, rows: event.rows, bytes: event.bytes }, 'load progressed')
        return
      case 'load-ended': {
        const { rows, bytes, seconds } = event
        this.#log.info({ table, rows, bytes, seconds }, 'load ended')
        return
      }
      case 'load-cancelled':
        this.#log.warn({ table, reason: event.reason }, 'load cancelled')
    }
  }

  #target(event: TargetEvent): void {
    const { target } = event
    switch (event.type) {
      case 'target-state':
        if (event.state === 'stopped') this.#sumUpApplied(target)
        this.#state({ target }, `target ${PAST[event.state]}`, event.error)
        return
      case 'applied': {
        const { n, rows, changes, seconds } = event
        this.#log.debug({ target, n, rows, changes, seconds }, 'batch applied')
        const summary = this.#appliedOf(target)
        if (changes > 0) summary.add({ n, rows: changes, bytes: 0 })
        if (summary.isDue(this.#now())) this.#sumUpApplied(target)
        return
      }
      case 'straggler': {
        const { table, state, rows, error } = event
        if (error !== null)
          this.#log.error({ target, table, ...errorFields(error) }, 'table failed')
        else if (state === 'joined') this.#log.info({ target, table, rows }, 'table joined')
        else this.#log.debug({ target, table, state, rows }, 'table moved')
      }
    }
  }

  #state(fields: { target?: string }, message: string, error: CodedError | null): void {
    if (error === null) this.#log.info(fields, message)
    else if (error.recovery === 'retry')
      this.#log.warn({ ...fields, ...errorFields(error) }, message)
    else this.#log.error({ ...fields, ...errorFields(error) }, message)
  }

  #sumUpWritten(): void {
    const sum = this.#written.take(this.#now())
    if (sum === null) return
    const { count, n, rows, bytes, seconds } = sum
    this.#log.info({ manifests: count, upTo: n, rows, bytes, seconds }, 'changes written')
  }

  #sumUpApplied(target: string): void {
    const sum = this.#appliedOf(target).take(this.#now())
    if (sum === null) return
    const { count, n, rows, seconds } = sum
    this.#log.info({ target, batches: count, upTo: n, changes: rows, seconds }, 'changes applied')
  }

  #appliedOf(target: string): Summary {
    const known = this.#applied.get(target)
    if (known !== undefined) return known
    const summary = new Summary(this.#now())
    this.#applied.set(target, summary)
    return summary
  }
}

const PAST = {
  starting: 'began to start',
  loading: 'began to load',
  streaming: 'began to stream',
  running: 'began to apply',
  retrying: 'interrupted',
  stopped: 'stopped',
  failed: 'failed',
}
