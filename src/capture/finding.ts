/**
 * What a look at the source finds, before anything is changed there.
 *
 * A finding says what is wrong and how it is cured, in SQL or by the setting's name, so that whoever
 * reads it can act without a manual. An error keeps us from starting; a warning does not.
 */

import { CODES } from '../core/error-codes.ts'
import { fail, type ErrorCode } from '../core/errors.ts'

export type Finding = ErrorFinding | WarningFinding

export interface ErrorFinding {
  readonly severity: 'error'
  readonly code: ErrorCode
  readonly message: string
  /** What to do about it; `null` if the hint of the code says all there is to say. */
  readonly cure: string | null
}

export interface WarningFinding {
  readonly severity: 'warning'
  readonly message: string
  readonly cure: string | null
}

/** One thing that was looked at. */
export interface Check {
  /** The good news, if nothing was found: "wal_level is logical". */
  readonly about: string
  readonly findings: readonly Finding[]
}

export function error(code: ErrorCode, message: string, cure: string | null = null): ErrorFinding {
  return { severity: 'error', code, message, cure }
}

export function warning(message: string, cure: string | null = null): WarningFinding {
  return { severity: 'warning', message, cure }
}

/**
 * Fails with all errors in one message. The code is that of the first; one that waiting does not
 * cure goes before one that it may.
 */
export function refuse(findings: readonly Finding[]): void {
  const errors = findings.filter((finding) => finding.severity === 'error')
  const first = errors.find(({ code }) => CODES[code].recovery !== 'retry') ?? errors[0]
  if (first === undefined) return
  if (errors.length === 1) fail(first.code, first.message, hintOf(first))
  const lines = errors.map(({ message, cure }, i) => {
    const hint = cure === null ? '' : `\n   ${cure}`
    return `${i + 1}. ${message}${hint}`
  })
  const message = `${errors.length} things keep the source from being replicated:\n${lines.join('\n')}`
  fail(first.code, message, { hint: 'change them all, then look again with: millrace doctor' })
}

function hintOf({ cure }: ErrorFinding): { hint?: string } {
  return cure === null ? {} : { hint: cure }
}
