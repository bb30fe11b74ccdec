/** Something in a lake that is not as it should be, and what to do about it. */

import { CodedError, type ErrorCode } from '../../core/errors.ts'
import type { TableId } from '../../core/table.ts'

export interface Finding {
  readonly code: ErrorCode
  /** Where it is: a name in the lake. */
  readonly file: string
  readonly message: string
  /** What to do. */
  readonly cure: string
}

export const CURES = {
  manifest:
    'restore it from a copy, or from the versions of the bucket; if there is none, begin with an empty lake',
  rollup: 'delete it: it holds nothing that the manifests do not say, and is written again',
  unnamed:
    'nothing: it was left by a crash, no reader of the log sees it, and it is removed when its table is written to next',
  unnamedLoad: 'delete it: it was left by a crash, and no reader of the log sees it',
  foreign: 'move it away: it is no file of a lake',
  kept: 'delete it, if `lake check` finds nothing else; then no file counts as removed',
} as const

export function cureOfFile(table: TableId): string {
  return `restore it from a copy, or from the versions of the bucket; if there is none, \`millrace resync ${table}\` for every target that has not taken it yet`
}

export function damaged(file: string, message: string, cure: string = CURES.manifest): Finding {
  return { code: 'LAKE_DAMAGED', file, message, cure }
}

/** Failures that say something of a file of the lake, and nothing of who reads it. */
const OF_FILES: readonly ErrorCode[] = ['LAKE_DAMAGED', 'OBJECT_MISSING', 'LAKE_UNREADABLE']

/** Makes a finding of what reading a file threw; anything else is thrown on. */
export function findingOf(error: unknown, file: string, cure: string): Finding {
  if (!(error instanceof CodedError) || !OF_FILES.includes(error.code)) throw error
  return { code: error.code, file, message: withoutFile(error.message, file), cure }
}

/** Messages name their file where they are shown alone. */
function withoutFile(message: string, file: string): string {
  return message.startsWith(`${file}: `) ? message.slice(file.length + 2) : message
}
