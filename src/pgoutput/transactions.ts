/**
 * The messages that begin and end transactions. Each function stands behind the tag and reads its
 * message to the end.
 */

import type { Cursor } from './cursor.ts'
import type {
  Begin,
  Commit,
  CommitPrepared,
  Origin,
  Prepare,
  RollbackPrepared,
  StreamAbort,
  StreamCommit,
  StreamStart,
} from './messages.ts'

export function readBegin(cursor: Cursor): Begin {
  const message = { commitLsn: cursor.lsn(), committedAt: cursor.int64(), xid: cursor.uint32() }
  cursor.finish()
  return message
}

export function readCommit(cursor: Cursor): Commit {
  cursor.unusedFlags()
  const message = { commitLsn: cursor.lsn(), endLsn: cursor.lsn(), committedAt: cursor.int64() }
  cursor.finish()
  return message
}

export function readOrigin(cursor: Cursor): Origin {
  const message = { commitLsn: cursor.lsn(), name: cursor.string() }
  cursor.finish()
  return message
}

export function readStreamStart(cursor: Cursor): StreamStart {
  const message = { xid: cursor.uint32(), isFirst: cursor.uint8() === 1 }
  cursor.finish()
  return message
}

export function readStreamCommit(cursor: Cursor): StreamCommit {
  const xid = cursor.uint32()
  return { xid, ...readCommit(cursor) }
}

/**
 * `mayTell`: position and time of the abort may follow. Protocol 4 alone does not decide it: the
 * server sends them only with `streaming = parallel`.
 */
export function readStreamAbort(cursor: Cursor, mayTell: boolean): StreamAbort {
  const xid = cursor.uint32()
  const subxid = cursor.uint32()
  const abort = mayTell && cursor.left > 0 ? { lsn: cursor.lsn(), at: cursor.int64() } : null
  cursor.finish()
  return { xid, subxid, abort }
}

export function readPrepare(cursor: Cursor, kind: Prepare['kind']): Prepare {
  if (kind !== 'begin-prepare') cursor.unusedFlags()
  const prepareLsn = cursor.lsn()
  const endLsn = cursor.lsn()
  const preparedAt = cursor.int64()
  const xid = cursor.uint32()
  const gid = cursor.string()
  cursor.finish()
  return { kind, xid, gid, prepareLsn, endLsn, preparedAt }
}

export function readCommitPrepared(cursor: Cursor): CommitPrepared {
  cursor.unusedFlags()
  const commitLsn = cursor.lsn()
  const endLsn = cursor.lsn()
  const committedAt = cursor.int64()
  const xid = cursor.uint32()
  const gid = cursor.string()
  cursor.finish()
  return { kind: 'commit-prepared', xid, gid, commitLsn, endLsn, committedAt }
}

export function readRollbackPrepared(cursor: Cursor): RollbackPrepared {
  cursor.unusedFlags()
  const prepareEndLsn = cursor.lsn()
  const endLsn = cursor.lsn()
  const preparedAt = cursor.int64()
  const rolledBackAt = cursor.int64()
  const xid = cursor.uint32()
  const gid = cursor.string()
  cursor.finish()
  return { kind: 'rollback-prepared', xid, gid, prepareEndLsn, endLsn, preparedAt, rolledBackAt }
}
