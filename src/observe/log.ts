/**
 * The log: JSON lines for machines, short lines for people at a terminal, and the last few hundred in
 * memory for the dashboard.
 *
 * A line is a past-tense fact with data as fields. It never holds row values or secrets, because
 * nothing that logs has them at hand: events carry counts and names.
 */

import { type Logger, pino, stdTimeFunctions } from 'pino'

import { CodedError } from '../core/errors.ts'
import type { LogLevel, LogLine } from '../task/view.ts'
import { prettyLine } from './pretty-line.ts'

export type Log = Logger

export interface LogOptions {
  readonly out: { write(text: string): unknown }
  /** Lines for people instead of JSON. */
  readonly isPretty: boolean
  /** With colours, if it is pretty. */
  readonly hasColour?: boolean
  /** The least level that is written; what is kept for the dashboard begins at `info` all the same. */
  readonly level: LogLevel
  /** Fields of every line, such as the task. */
  readonly base?: Readonly<Record<string, unknown>>
}

export interface LogLines {
  /** Lines with a `seq` above this, oldest first. */
  since(seq: number): LogLine[]
}

export const LINES_KEPT = 500

const RANK: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

export function createLog(options: LogOptions): { readonly log: Log; readonly lines: LogLines } {
  const ring = new LineRing()
  const log = pino(
    {
      level: RANK[options.level] < RANK.info ? options.level : 'info',
      base: options.base ?? {},
      messageKey: 'message',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(json: string) {
        const line = ring.add(json)
        if (RANK[line.level] < RANK[options.level]) return
        options.out.write(options.isPretty ? prettyLine(line, options.hasColour ?? false) : json)
      },
    },
  )
  return { log, lines: ring }
}

/** An error as fields of a line. One without a code is a bug, and keeps its stack. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (error instanceof CodedError) {
    const { code, message, hint, details } = error
    return { ...details, code, error: message, ...(hint === undefined ? {} : { hint }) }
  }
  if (error instanceof Error) return { error: error.message, stack: error.stack }
  return { error: String(error) }
}

class LineRing implements LogLines {
  readonly #lines: LogLine[] = []
  #seq = 0

  add(json: string): LogLine {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- pino wrote it a moment ago
    const { time, level, message, ...fields } = JSON.parse(json) as Record<string, unknown>
    this.#seq += 1
    const line: LogLine = {
      seq: this.#seq,
      at: typeof time === 'string' ? Date.parse(time) : 0,
      level: logLevel(level),
      message: typeof message === 'string' ? message : '',
      fields,
    }
    this.#lines.push(line)
    if (this.#lines.length > LINES_KEPT) this.#lines.shift()
    return line
  }

  since(seq: number): LogLine[] {
    return this.#lines.filter((line) => line.seq > seq)
  }
}

function logLevel(level: unknown): LogLevel {
  switch (level) {
    case 'trace':
    case 'debug':
      return 'debug'
    case 'warn':
      return 'warn'
    case 'error':
    case 'fatal':
      return 'error'
    default:
      return 'info'
  }
}
