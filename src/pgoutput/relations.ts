/**
 * The messages about tables and types, and the two that touch no single row: Truncate and Message.
 * Each function stands behind the tag and the transaction id, and reads its message to the end.
 */

import type { Cursor } from './cursor.ts'
import type {
  LogicalMessage,
  Relation,
  RelationColumn,
  ReplicaIdentity,
  Truncate,
  TypeMessage,
} from './messages.ts'
import { COLUMN_IN_DOUBT, printable } from './tags.ts'

/** pg_class.relreplident. */
const IDENTITIES: ReadonlyMap<number, ReplicaIdentity> = new Map([
  [0x64, 'default'], // d
  [0x6e, 'nothing'], // n
  [0x66, 'full'], // f
  [0x69, 'index'], // i
])

const KEY_FLAG = 1
const CASCADE_FLAG = 1
const RESTART_IDENTITY_FLAG = 2
const TRANSACTIONAL_FLAG = 1

export function readRelation(cursor: Cursor): Relation {
  const oid = cursor.uint32()
  const namespace = cursor.string()
  const name = cursor.string()
  const identity = readIdentity(cursor)
  const columns: RelationColumn[] = []
  let isInDoubt = false
  for (let left = cursor.uint16(); left > 0; left--) {
    const flags = cursor.uint8()
    isInDoubt ||= (flags & COLUMN_IN_DOUBT) !== 0
    columns.push(readColumn(cursor, flags))
  }
  cursor.finish()
  return { oid, namespace, name, identity, columns, ...(isInDoubt && { isInDoubt }) }
}

function readIdentity(cursor: Cursor): ReplicaIdentity {
  const { at } = cursor
  const byte = cursor.uint8()
  return (
    IDENTITIES.get(byte) ?? cursor.fail(`the replica identity ${printable(byte)} is not known`, at)
  )
}

function readColumn(cursor: Cursor, flags: number): RelationColumn {
  const isKey = (flags & KEY_FLAG) !== 0
  const name = cursor.string()
  return { name, typeOid: cursor.uint32(), modifier: cursor.int32(), isKey }
}

export function readType(cursor: Cursor): TypeMessage {
  const message = { oid: cursor.uint32(), namespace: cursor.string(), name: cursor.string() }
  cursor.finish()
  return message
}

export function readTruncate(cursor: Cursor, xid: number): Truncate {
  const countAt = cursor.at
  const count = cursor.uint32()
  const flags = cursor.uint8()
  // Checked before the loop, so that a wild count does not fill the memory first.
  if (cursor.left !== count * 4) {
    cursor.fail(`${cursor.left} bytes follow, which are not the OIDs of ${count} tables`, countAt)
  }
  const oids: number[] = []
  for (let i = 0; i < count; i++) oids.push(cursor.uint32())
  return {
    xid,
    oids,
    cascade: (flags & CASCADE_FLAG) !== 0,
    restartIdentity: (flags & RESTART_IDENTITY_FLAG) !== 0,
  }
}

export function readLogicalMessage(cursor: Cursor, xid: number): LogicalMessage {
  const flags = cursor.uint8()
  const lsn = cursor.lsn()
  const prefix = cursor.string()
  const content = cursor.counted()
  cursor.finish()
  return { xid, isTransactional: (flags & TRANSACTIONAL_FLAG) !== 0, lsn, prefix, content }
}
