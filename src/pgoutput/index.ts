/**
 * Reads PostgreSQL's logical replication format, pgoutput, on bytes.
 *
 *   const decoder = new Decoder(handler)        // a MessageHandler: one method for each message
 *   decoder.decode(buffer, start, end)          // once for each message, in the order of the stream
 *
 * Rows come as tuples in the buffer; a `TupleCursor` walks over their columns. What is not pgoutput
 * fails with a `CodedError` whose code is PROTOCOL_VIOLATION.
 */

export { CodedError } from '../core/errors.ts'
export { formatLsn, type Lsn } from '../core/lsn.ts'
export { KIND, TupleCursor, type Field } from '../core/tuple.ts'
export { Decoder, type Protocol } from './decoder.ts'
export type * from './messages.ts'
