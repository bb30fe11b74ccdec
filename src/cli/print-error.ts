/**
 * Failures, as the command line shows them.
 *
 *   millrace: LOGIN_FAILED  password authentication failed for user "shop" at db.example:5432
 *     what to do: check user, password and database in the url
 *     see docs/errors.md#login_failed
 *
 * An error without a code is a bug, and only a bug shows its stack. With `--json` it is one line.
 */

import { CodedError, type ErrorCode } from '../core/errors.ts'
import type { ExitCode } from './command.ts'
import { painter } from './paint.ts'

export interface ErrorStyle {
  readonly hasColour: boolean
  readonly isJson: boolean
}

/** What the caller has to write differently. */
const WRONG_USAGE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'USAGE',
  'CONFIG_INVALID',
  'CONFIG_MISSING',
  'SECRET_MISSING',
])

export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof CodedError && WRONG_USAGE.has(error.code) ? 2 : 1
}

export function printError(error: unknown, { hasColour, isJson }: ErrorStyle): string {
  if (isJson) return `${JSON.stringify({ error: errorJson(error) })}\n`
  return error instanceof CodedError ? codedLines(error, hasColour) : bugLines(error)
}

function codedLines(error: CodedError, hasColour: boolean): string {
  const paint = painter(hasColour)
  const message = messageOf(error).replaceAll('\n', '\n  ')
  const hint = error.hint === undefined ? '' : `  what to do: ${error.hint}\n`
  const link = paint('dim', `  see docs/errors.md#${error.code.toLowerCase()}`)
  return `millrace: ${paint('red', error.code)}  ${message}\n${hint}${link}\n`
}

function bugLines(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return [
    'millrace: this is a bug of Millrace, not a mistake of yours',
    '  what to do: please report it, with what follows and the output of `millrace version`',
    stack.replaceAll(/^/gm, '  '),
    '',
  ].join('\n')
}

function errorJson(error: unknown): Readonly<Record<string, string | null>> {
  if (error instanceof CodedError) {
    return { code: error.code, message: messageOf(error), hint: error.hint ?? null }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'UNEXPECTED', message, hint: 'please report it: this is a bug' }
}

/** With the cause behind it, unless the message says it already. */
function messageOf({ message, cause }: CodedError): string {
  const reason = reasonOf(cause)
  return reason === '' || message.includes(reason) ? message : `${message}: ${reason}`
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return ''
  // Node tries every address of a host, and says only in the parts what went wrong.
  if (cause.message === '' && cause instanceof AggregateError) return reasonOf(cause.errors[0])
  return cause.message.split('\n', 1)[0]!
}
