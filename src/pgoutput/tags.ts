/**
 * The first byte of every pgoutput message, and what the manual calls the message.
 *
 * https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */

export const TAG = {
  begin: 0x42, // B
  message: 0x4d, // M
  commit: 0x43, // C
  origin: 0x4f, // O
  relation: 0x52, // R
  type: 0x59, // Y
  insert: 0x49, // I
  update: 0x55, // U
  delete: 0x44, // D
  truncate: 0x54, // T
  streamStart: 0x53, // S
  streamStop: 0x45, // E
  streamCommit: 0x63, // c
  streamAbort: 0x41, // A
  beginPrepare: 0x62, // b
  prepare: 0x50, // P
  commitPrepared: 0x4b, // K
  rollbackPrepared: 0x72, // r
  streamPrepare: 0x70, // p
} as const

/** What stands before a tuple inside a row message. */
export const TUPLE_TAG = {
  new: 0x4e, // N
  key: 0x4b, // K
  old: 0x4f, // O
} as const

const NAMES: ReadonlyMap<number, string> = new Map([
  [TAG.begin, 'Begin'],
  [TAG.message, 'Message'],
  [TAG.commit, 'Commit'],
  [TAG.origin, 'Origin'],
  [TAG.relation, 'Relation'],
  [TAG.type, 'Type'],
  [TAG.insert, 'Insert'],
  [TAG.update, 'Update'],
  [TAG.delete, 'Delete'],
  [TAG.truncate, 'Truncate'],
  [TAG.streamStart, 'Stream Start'],
  [TAG.streamStop, 'Stream Stop'],
  [TAG.streamCommit, 'Stream Commit'],
  [TAG.streamAbort, 'Stream Abort'],
  [TAG.beginPrepare, 'Begin Prepare'],
  [TAG.prepare, 'Prepare'],
  [TAG.commitPrepared, 'Commit Prepared'],
  [TAG.rollbackPrepared, 'Rollback Prepared'],
  [TAG.streamPrepare, 'Stream Prepare'],
])

/** The name of the message that begins with `tag`; one that is not known is called by its tag. */
export function messageName(tag: number): string {
  return NAMES.get(tag) ?? printable(tag)
}

/** A byte as people read it: `'I'`, or `0x07` where it is not a letter. */
export function printable(byte: number): string {
  const isPlain = byte > 0x20 && byte < 0x7f
  return isPlain
    ? `'${String.fromCharCode(byte)}'`
    : `0x${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

/** A flag of a column in a Relation message that no server sets: others were cut beside it, in doubt. */
export const COLUMN_IN_DOUBT = 0x80
