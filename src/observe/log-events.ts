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
  TargetEvent,
  TaskEvent,
} from '../core/events.ts'
import { formatLsn } from '../core/lsn.ts'
import { errorFields, type Log } from './log.ts'

export const SUMMARY_EVERY_MS = 10_000

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
  #warned: ReadonlySet<string> = new Set()

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
      case 'look-failed':
      case 'ddl-ambiguous':
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
      case 'look-failed':
        return this.#lookFailed(event.error)
      case 'source-lag': {
        const server = formatLsn(event.serverLsn)
        this.#log.debug({ server, confirmed: formatLsn(event.confirmedLsn) }, 'source lag measured')
        return
      }
      case 'manifest-written': {
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
    }
  }

  /** A warning that stays is told once, though its figures change. */
  #warn(warnings: readonly CaptureWarning[]): void {
    for (const { kind, message } of warnings) {
      if (!this.#warned.has(kind)) this.#log.warn({ kind, reason: message }, 'slot in danger')
    }
    if (this.#warned.size > 0 && warnings.length === 0) this.#log.info({}, 'slot out of danger')
    this.#warned = new Set(warnings.map(({ kind }) => kind))
  }

  /** It looks every few seconds: what is wrong is told once. */
  #lookFailed(error: CodedError): void {
    if (error.message === this.#lookedInVain) return
    this.#lookedInVain = error.message
    this.#log.warn(errorFields(error), 'new tables could not be looked for')
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

/** What happened since the last line. */
class Summary {
  #since: number
  #count = 0
  #n = 0
  #rows = 0
  #bytes = 0

  constructor(now: number) {
    this.#since = now
  }

  add({ n, rows, bytes }: { n: number; rows: number; bytes: number }): void {
    this.#count += 1
    this.#n = n
    this.#rows += rows
    this.#bytes += bytes
  }

  isDue(now: number): boolean {
    return now - this.#since >= SUMMARY_EVERY_MS
  }

  /** `null` if nothing happened. */
  take(
    now: number,
  ): { count: number; n: number; rows: number; bytes: number; seconds: number } | null {
    const seconds = (now - this.#since) / 1000
    this.#since = now
    if (this.#count === 0) return null
    const sum = { count: this.#count, n: this.#n, rows: this.#rows, bytes: this.#bytes, seconds }
    this.#count = 0
    this.#rows = 0
    this.#bytes = 0
    return sum
  }
}
