/**
 * What a stream of pgoutput says, and who listens to it.
 *
 * LSNs are `bigint`, times are microseconds since 2000-01-01 UTC, OIDs and transaction ids are
 * unsigned. A transaction id of 0 stands for "not inside a streamed transaction": there the server
 * leaves it out, because the Begin message has said it.
 *
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */

import type { Lsn } from '../core/lsn.ts'

/**
 * Hears every message of a stream, in its order. A method is called once its message was read to
 * the end and found whole. Buffers are views of the bytes that were handed to the decoder: they
 * are valid until the method returns.
 */
export interface MessageHandler {
  begin(message: Begin): void
  commit(message: Commit): void
  origin(message: Origin): void
  relation(message: Relation, xid: number): void
  type(message: TypeMessage, xid: number): void
  /** The same object is handed over for every row of the stream: take what you need from it. */
  insert(row: RowMessage): void
  update(row: RowMessage): void
  delete(row: RowMessage): void
  truncate(message: Truncate): void
  message(message: LogicalMessage): void
  streamStart(message: StreamStart): void
  streamStop(): void
  streamCommit(message: StreamCommit): void
  streamAbort(message: StreamAbort): void
  twoPhase(message: TwoPhase): void
}

export interface Begin {
  readonly commitLsn: Lsn
  readonly committedAt: bigint
  readonly xid: number
}

export interface Commit {
  readonly commitLsn: Lsn
  /** Where the transaction ends in the WAL: what may be confirmed once it is durable. */
  readonly endLsn: Lsn
  readonly committedAt: bigint
}

/** The transaction was replayed from another server. */
export interface Origin {
  readonly commitLsn: Lsn
  readonly name: string
}

export type ReplicaIdentity = 'default' | 'nothing' | 'full' | 'index'

/** How the tuples of a table look from now on; sent before its first row and after every change. */
export interface Relation {
  readonly oid: number
  /** The schema; `pg_catalog` is sent as an empty string. */
  readonly namespace: string
  readonly name: string
  readonly identity: ReplicaIdentity
  readonly columns: readonly RelationColumn[]
  /** Not of the server: columns were cut that may not be excluded ones. */
  readonly isInDoubt?: boolean
}

export interface RelationColumn {
  readonly name: string
  readonly typeOid: number
  /** atttypmod; -1 if there is none. */
  readonly modifier: number
  /** The column is part of the replica identity; under `full` all are. */
  readonly isKey: boolean
}

/** A type that is not built in; sent before the Relation message that needs it. */
export interface TypeMessage {
  readonly oid: number
  readonly namespace: string
  readonly name: string
}

/**
 * An insert, update or delete. The tuples are `bytes[oldStart, oldEnd)` and `bytes[newStart,
 * newEnd)`, in the form of `core/tuple.ts`, and were checked: a `TupleCursor` may walk over them.
 * A tuple that the message does not have is empty: start and end are equal.
 */
export interface RowMessage {
  readonly xid: number
  /** Of the table: see the Relation message before. */
  readonly oid: number
  readonly bytes: Buffer
  /**
   * `key`: only the columns of the replica identity have values, the others are null; `full`: the
   * whole row under REPLICA IDENTITY FULL. An update has none if the key stayed as it was.
   */
  readonly old: 'none' | 'key' | 'full'
  readonly oldStart: number
  readonly oldEnd: number
  readonly newStart: number
  readonly newEnd: number
}

/** Tables that one TRUNCATE emptied together. */
export interface Truncate {
  readonly xid: number
  readonly oids: readonly number[]
  readonly cascade: boolean
  readonly restartIdentity: boolean
}

/** What somebody wrote into the WAL by `pg_logical_emit_message`. */
export interface LogicalMessage {
  readonly xid: number
  readonly isTransactional: boolean
  readonly lsn: Lsn
  readonly prefix: string
  readonly content: Buffer
}

/** What follows, up to Stream Stop, belongs to a transaction that has not ended. */
export interface StreamStart {
  readonly xid: number
  readonly isFirst: boolean
}

export interface StreamCommit extends Commit {
  readonly xid: number
}

/** The transaction was rolled back, if `subxid` equals `xid`; else only that subtransaction. */
export interface StreamAbort {
  readonly xid: number
  readonly subxid: number
  /** Only sent by protocol 4 with `streaming = parallel`. */
  readonly abort: { readonly lsn: Lsn; readonly at: bigint } | null
}

/** Whatever has to do with PREPARE TRANSACTION. We never ask for it; it is decoded to be named. */
export type TwoPhase = Prepare | CommitPrepared | RollbackPrepared

export interface Prepare {
  readonly kind: 'begin-prepare' | 'prepare' | 'stream-prepare'
  readonly xid: number
  readonly gid: string
  readonly prepareLsn: Lsn
  readonly endLsn: Lsn
  readonly preparedAt: bigint
}

export interface CommitPrepared {
  readonly kind: 'commit-prepared'
  readonly xid: number
  readonly gid: string
  readonly commitLsn: Lsn
  readonly endLsn: Lsn
  readonly committedAt: bigint
}

export interface RollbackPrepared {
  readonly kind: 'rollback-prepared'
  readonly xid: number
  readonly gid: string
  /** Where the prepared transaction ended. */
  readonly prepareEndLsn: Lsn
  /** Where the rollback ends. */
  readonly endLsn: Lsn
  readonly preparedAt: bigint
  readonly rolledBackAt: bigint
}
