/**
 * What a look at the source finds, before anything is changed there.
 *
 * A finding says what is wrong and how it is cured, in SQL or by the setting's name, so that whoever
 * reads it can act without a manual. An error keeps us from starting; a warning does not.
 */

import { CODES } from '../../core/error-codes.ts'
import { CodedError, fail, type ErrorCode } from '../../core/errors.ts'
import type { RefusedTable } from '../../core/events.ts'
import type { TableName } from '../../core/table.ts'

export type Finding = ErrorFinding | WarningFinding

export interface ErrorFinding {
  readonly severity: 'error'
  readonly code: ErrorCode
  readonly message: string
  /** What to do about it; `null` if the hint of the code says all there is to say. */
  readonly cure: string | null
  /** These alone cannot be replicated. Left out if nothing can. */
  readonly tables?: readonly TableName[]
  /** A mistake of the configuration, or a change of the source that made it one. */
  readonly isOfConfig?: true
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

/** Of some tables: the others could be replicated. */
export function tableError(
  code: ErrorCode,
  tables: readonly TableName[],
  { message, cure }: { readonly message: string; readonly cure: string },
): ErrorFinding {
  return { severity: 'error', code, message, cure, tables }
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

/** The tables that findings keep from being replicated, each with the first thing that was found. */
export function refusedTables(findings: readonly Finding[]): RefusedTable[] {
  const refused = new Map<string, RefusedTable>()
  for (const finding of findings) {
    if (finding.severity !== 'error') continue
    for (const name of finding.tables ?? []) {
      const key = JSON.stringify([name.namespace, name.name])
      if (refused.has(key)) continue
      const { code, message } = finding
      refused.set(key, { name, error: new CodedError(code, message, hintOf(finding)) })
    }
  }
  return [...refused.values()]
}
