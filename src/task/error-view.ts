/** An error as it may be shown: code, one line, and what to do. */

import { CodedError } from '../core/errors.ts'
import type { ErrorView } from './view.ts'

/** What we did not foresee has no code; the log has its stack. */
export function errorView(error: unknown): ErrorView {
  if (error instanceof CodedError) {
    return { code: error.code, message: error.message, hint: error.hint ?? null }
  }
  const message = error instanceof Error ? error.message : String(error)
  return { code: 'UNEXPECTED', message, hint: 'please report it with the log of this moment' }
}
