/** What the file system's error codes mean for us. */

import { constants } from 'node:os'

import { CodedError, type ErrorCode } from '../core/errors.ts'

const MEANING: Record<string, ErrorCode> = {
  ENOSPC: 'DISK_FULL',
  EDQUOT: 'DISK_FULL',
  EACCES: 'LAKE_UNWRITABLE',
  EPERM: 'LAKE_UNWRITABLE',
  EROFS: 'LAKE_UNWRITABLE',
  ENOTDIR: 'LAKE_UNWRITABLE',
  EISDIR: 'LAKE_UNWRITABLE',
}

/** The name of the error, `ENOENT`, or `null` if the file system did not throw it. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  if ('errno' in error && error.errno === -constants.errno.EDQUOT) return 'EDQUOT' // Node has no name for it
  return 'code' in error && typeof error.code === 'string' ? error.code : null
}

export function fromWriting(error: unknown, path: string): unknown {
  return translate(error, `cannot write ${path}`, MEANING)
}

export function fromReading(error: unknown, path: string): unknown {
  return translate(error, `cannot read ${path}`, {
    EACCES: 'LAKE_UNREADABLE',
    EPERM: 'LAKE_UNREADABLE',
  })
}

function translate(error: unknown, what: string, meaning: Record<string, ErrorCode>): unknown {
  const errno = errnoOf(error)
  const code = errno === null ? undefined : meaning[errno]
  if (code === undefined || !(error instanceof Error)) return error
  return new CodedError(code, `${what}: ${error.message}`, { cause: error })
}
