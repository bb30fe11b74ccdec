/**
 * Writes what a server would send: pgoutput messages, one Buffer each, from plain values.
 *
 *   wire.begin({ commitLsn: 0x1000n, committedAt: 5n, xid: 731 })
 *   wire.relation({ oid: 16384, name: 'customers', columns: ['id', 'name'] })
 *   wire.insert(16384, ['1', 'Ada'])
 *   wire.update(16384, ['2', UNCHANGED], { key: ['1', null] })
 *   wire.commit({ commitLsn: 0x1000n, endLsn: 0x1030n, committedAt: 5n })
 *
 * Inside a stream block give each message its transaction id: `wire.insert(oid, row, { xid: 731 })`.
 * `xlogData` and `keepalive` put a message into the frame in which it comes over the connection.
 *
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 * https://www.postgresql.org/docs/current/protocol-replication.html (XLogData, Primary keepalive)
 */

import { tuple, UNCHANGED, type Value } from './tuples.ts'

export { UNCHANGED, type Value }

type Row = readonly Value[]

/** Messages inside a stream block carry the id of their transaction. */
export interface Streamed {
  readonly xid?: number | undefined
}

export interface RelationOptions extends Streamed {
  readonly oid: number
  readonly namespace?: string
  readonly name: string
  readonly identity?: 'default' | 'nothing' | 'full' | 'index'
  /** A name alone stands for a column of type text; the first column is the key if none says so. */
  readonly columns: readonly (string | ColumnOptions)[]
}

export interface ColumnOptions {
  readonly name: string
  readonly typeOid?: number
  readonly modifier?: number
  readonly isKey?: boolean
}

interface Committed {
  readonly commitLsn: bigint
  readonly endLsn: bigint
  readonly committedAt?: bigint
}

interface Prepared {
  readonly xid: number
  readonly gid: string
  readonly prepareLsn: bigint
  readonly endLsn: bigint
  readonly preparedAt?: bigint
}

const TEXT_OID = 25

export const wire = {
  begin(message: { commitLsn: bigint; committedAt?: bigint; xid?: number }): Buffer {
    const { commitLsn, committedAt = 0n, xid = 1 } = message
    return join('B', int64(commitLsn), int64(committedAt), int32(xid))
  },

  commit({ commitLsn, endLsn, committedAt = 0n }: Committed): Buffer {
    return join('C', int8(0), int64(commitLsn), int64(endLsn), int64(committedAt))
  },

  origin(name: string, commitLsn = 0n): Buffer {
    return join('O', int64(commitLsn), text(name))
  },

  relation(relation: RelationOptions): Buffer {
    const { oid, namespace = 'public', name, identity = 'default', xid } = relation
    const columns = columnsOf(relation)
    const head = [int32(oid), text(namespace), text(name), identity.charAt(0)]
    return join('R', streamed(xid), ...head, int16(columns.length), ...columns.map(relationColumn))
  },

  type(type: { oid: number; namespace?: string; name: string } & Streamed): Buffer {
    const { oid, namespace = 'public', name, xid } = type
    return join('Y', streamed(xid), int32(oid), text(namespace), text(name))
  },

  insert(oid: number, row: Row, { xid }: Streamed = {}): Buffer {
    return join('I', streamed(xid), int32(oid), 'N', tuple(row))
  },

  /** `key`: the old key, if it changed; `full`: the old row, under REPLICA IDENTITY FULL. */
  update(
    oid: number,
    row: Row,
    { key, full, xid }: Streamed & { key?: Row; full?: Row } = {},
  ): Buffer {
    return join('U', streamed(xid), int32(oid), ...old({ key, full }), 'N', tuple(row))
  },

  delete(oid: number, { key, full, xid }: Streamed & { key?: Row; full?: Row }): Buffer {
    return join('D', streamed(xid), int32(oid), ...old({ key, full }))
  },

  truncate(
    oids: readonly number[],
    options: Streamed & { cascade?: boolean; restartIdentity?: boolean } = {},
  ): Buffer {
    const flags = (options.cascade ? 1 : 0) | (options.restartIdentity ? 2 : 0)
    return join('T', streamed(options.xid), int32(oids.length), int8(flags), ...oids.map(int32))
  },

  /** What pg_logical_emit_message writes. */
  message(
    prefix: string,
    content: string | Buffer,
    { xid, lsn = 0n, isTransactional = true }: MessageOptions = {},
  ): Buffer {
    const bytes = Buffer.from(content)
    const head = [int8(isTransactional ? 1 : 0), int64(lsn), text(prefix), int32(bytes.length)]
    return join('M', streamed(xid), ...head, bytes)
  },

  streamStart(xid: number, { isFirst = true } = {}): Buffer {
    return join('S', int32(xid), int8(isFirst ? 1 : 0))
  },

  streamStop(): Buffer {
    return join('E')
  },

  streamCommit(xid: number, { commitLsn, endLsn, committedAt = 0n }: Committed): Buffer {
    return join('c', int32(xid), int8(0), int64(commitLsn), int64(endLsn), int64(committedAt))
  },

  /** `abort` is sent only by protocol 4 with parallel streaming. */
  streamAbort(xid: number, subxid = xid, abort?: { lsn: bigint; at: bigint }): Buffer {
    const tail = abort ? [int64(abort.lsn), int64(abort.at)] : []
    return join('A', int32(xid), int32(subxid), ...tail)
  },

  beginPrepare(message: Prepared): Buffer {
    return join('b', ...prepared(message))
  },

  prepare(message: Prepared): Buffer {
    return join('P', int8(0), ...prepared(message))
  },

  streamPrepare(message: Prepared): Buffer {
    return join('p', int8(0), ...prepared(message))
  },

  commitPrepared(message: Committed & { xid: number; gid: string }): Buffer {
    const { commitLsn, endLsn, committedAt = 0n, xid, gid } = message
    const head = [int8(0), int64(commitLsn), int64(endLsn), int64(committedAt)]
    return join('K', ...head, int32(xid), text(gid))
  },

  rollbackPrepared(message: RollbackOptions): Buffer {
    const { prepareEndLsn, endLsn, preparedAt = 0n, rolledBackAt = 0n, xid, gid } = message
    const head = [int8(0), int64(prepareEndLsn), int64(endLsn)]
    return join('r', ...head, int64(preparedAt), int64(rolledBackAt), int32(xid), text(gid))
  },
}

interface MessageOptions extends Streamed {
  readonly lsn?: bigint
  readonly isTransactional?: boolean
}

interface RollbackOptions {
  readonly xid: number
  readonly gid: string
  readonly prepareEndLsn: bigint
  readonly endLsn: bigint
  readonly preparedAt?: bigint
  readonly rolledBackAt?: bigint
}

/** A message as CopyData carries it: `w`, its place in the WAL, the server's WAL end and time. */
export function xlogData(
  message: Buffer,
  { start = 0n, end = start, sentAt = 0n }: { start?: bigint; end?: bigint; sentAt?: bigint } = {},
): Buffer {
  return join('w', int64(start), int64(end), int64(sentAt), message)
}

export function keepalive(
  walEnd: bigint,
  { sentAt = 0n, replyRequested = false }: { sentAt?: bigint; replyRequested?: boolean } = {},
): Buffer {
  return join('k', int64(walEnd), int64(sentAt), int8(replyRequested ? 1 : 0))
}

interface OldRow {
  readonly key: Row | undefined
  readonly full: Row | undefined
}

function old({ key, full }: OldRow): (string | Buffer)[] {
  if (full) return ['O', tuple(full)]
  return key ? ['K', tuple(key)] : []
}

function columnsOf({ columns, identity }: RelationOptions): ColumnOptions[] {
  const all: ColumnOptions[] = columns.map((column) =>
    typeof column === 'string' ? { name: column } : column,
  )
  if (identity === 'full') return all.map((column) => ({ ...column, isKey: true }))
  const isTold = identity === 'nothing' || all.some(({ isKey }) => isKey !== undefined)
  return isTold ? all : all.map((column, i) => ({ ...column, isKey: i === 0 }))
}

function relationColumn({ name, typeOid = TEXT_OID, modifier = -1, isKey }: ColumnOptions): Buffer {
  return join(int8(isKey ? 1 : 0), text(name), int32(typeOid), int32(modifier))
}

function prepared({ xid, gid, prepareLsn, endLsn, preparedAt = 0n }: Prepared): Buffer[] {
  return [int64(prepareLsn), int64(endLsn), int64(preparedAt), int32(xid), text(gid)]
}

function streamed(xid: number | undefined): Buffer {
  return xid === undefined ? Buffer.alloc(0) : int32(xid)
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`)
}

function int8(value: number): Buffer {
  return Buffer.from([value])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16BE(value)
  return bytes
}

/** Takes signed and unsigned numbers. */
function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value | 0)
  return bytes
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt.asIntN(64, value))
  return bytes
}

/** Strings stand for their bytes. */
function join(...parts: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
}
