/**
 * Every failure we expect has a code.
 *
 * A code decides three things, and they are decided in `error-codes.ts` and nowhere else: what the
 * supervisor does next, what the operator is told to do, and which heading of docs/errors.md
 * explains it. Code that throws says only what happened; it never decides whether to retry.
 *
 * Errors without a code are bugs. They stop the task and keep their stack.
 */

import { CODES, type CodeEntry, type ErrorCode, type Recovery } from './error-codes.ts'

export type { ErrorCode, Recovery }

export interface ErrorDetails {
  /** Facts for the log line: names, counts, positions. Never row values, never secrets. */
  readonly [fact: string]: string | number | boolean
}

export interface CodedErrorOptions {
  readonly cause?: unknown
  readonly details?: ErrorDetails
  /** Replaces the hint of the code where the exact SQL or setting is known. */
  readonly hint?: string
}

export class CodedError extends Error {
  override readonly name = 'CodedError'
  readonly code: ErrorCode
  readonly details: ErrorDetails
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(message, { cause: options.cause })
    const entry: CodeEntry = CODES[code]
    this.code = code
    this.details = options.details ?? {}
    this.hint = options.hint ?? entry.hint
  }

  get recovery(): Recovery {
    return CODES[this.code].recovery
  }
}

export function fail(code: ErrorCode, message: string, options: CodedErrorOptions = {}): never {
  throw new CodedError(code, message, options)
}

export function hasCode(error: unknown, code: ErrorCode): error is CodedError {
  return error instanceof CodedError && error.code === code
}

/** What to do about anything that was thrown. An error we did not foresee stops the task. */
export function recoveryOf(error: unknown): Recovery {
  return error instanceof CodedError ? error.recovery : 'stop'
}

/** Ends a `switch` over a union: adding a variant makes the call a compile error. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`)
}
