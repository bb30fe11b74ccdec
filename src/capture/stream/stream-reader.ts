/**
 * Takes the blocks of the stream apart.
 *
 *   CopyData ─┬─ keepalive ──► where the server is
 *             └─ XLogData ─┬─ of a whole transaction ──► decoder ──► intake
 *                          └─ of a streamed one ──► spool ── commit ──► decoder ──► intake
 *
 * https://www.postgresql.org/docs/current/protocol-replication.html (XLogData, keepalive)
 */

import { fail } from '../../core/errors.ts'
import { lsn, maxLsn, ZERO_LSN, type Lsn } from '../../core/lsn.ts'
import { Decoder } from '../../pgoutput/decoder.ts'
import type { StreamAbort, StreamCommit } from '../../pgoutput/messages.ts'
import { FrameCursor } from '../../postgres/copy-stream.ts'
import type { TrackedTables } from '../tables/tracked-tables.ts'
import type { ColumnCutter } from './column-cutter.ts'
import type { Intake } from './intake.ts'
import { rowOf, withRow } from './oversized.ts'
import type { Spool } from './spool.ts'

const XLOG_DATA = 0x77
const XLOG_DATA_HEADER_BYTES = 25
const KEEPALIVE = 0x6b
const KEEPALIVE_REPLY_AT = 17
const STREAM_START = 0x53
const STREAM_STOP = 0x45

export interface StreamReaderParts {
  readonly intake: Intake
  readonly tables: TrackedTables
  /** `null` if streaming was not asked for. */
  readonly spool: Spool | null
  /** `null` if no column is excluded. */
  readonly cutter?: ColumnCutter | null
  /** The server wants to hear from us. */
  readonly onReplyWanted: () => void
  /**
   * Called after each piece of work, however long a transaction is: waits until there is room for
   * more. Resolves to false if there shall be no more.
   */
  readonly onPiece: () => Promise<boolean>
}

export class StreamReader {
  readonly #parts: StreamReaderParts
  readonly #decoder: Decoder
  readonly #frames = new FrameCursor()
  #heard: Lsn = ZERO_LSN

  constructor(parts: StreamReaderParts) {
    this.#parts = parts
    this.#decoder = new Decoder(parts.intake)
  }

  /** Up to here the server has sent us everything: its own words. */
  get heard(): Lsn {
    return this.#heard
  }

  /** Takes a block of CopyData messages. Resolves to false if there shall be no more. */
  async take(block: Buffer): Promise<boolean> {
    const { intake, spool, onPiece } = this.#parts
    this.#frames.open(block)
    while (this.#frames.next()) {
      const asked = this.#ask(this.#frames)
      if (asked !== null) await asked
      this.#takeFrame(this.#frames)
      if (intake.isBlocked) await intake.resolve()
      const end = intake.takeStreamEnd()
      if (end !== null && !(await this.#endStreamed(end))) return false
    }
    await spool?.drain()
    return onPiece()
  }

  /** The error with the row that the beginning of a refused message is about. */
  nameOversized(error: unknown, head: Buffer): unknown {
    const { tables, spool, cutter } = this.#parts
    if (head[0] !== XLOG_DATA) return error
    const message = head.subarray(XLOG_DATA_HEADER_BYTES)
    // Of a table that is cut the places are others, and a value must not be taken for that of a key.
    const row = rowOf(message, { isStreamed: spool?.isStreaming ?? false }, (oid) =>
      cutter?.isCut(oid) ? null : tables.shapeOf(oid),
    )
    return row === null ? error : withRow(error, row)
  }

  /** What of a Relation message is excluded may take a look into the catalogs. */
  #ask({ bytes, start, end }: FrameCursor): Promise<void> | null {
    const { cutter } = this.#parts
    if (!cutter || bytes[start] !== XLOG_DATA) return null
    return cutter.ask({ bytes, start: start + XLOG_DATA_HEADER_BYTES, end })
  }

  #takeFrame({ bytes, start, end }: FrameCursor): void {
    const kind = bytes[start]
    if (kind === XLOG_DATA) {
      const { cutter } = this.#parts
      const at = start + XLOG_DATA_HEADER_BYTES
      if (!cutter) return this.#takeMessage(bytes, at, end)
      const message = cutter.cut({ bytes, start: at, end })
      this.#takeMessage(message.bytes, message.start, message.end)
    } else if (kind === KEEPALIVE) {
      this.#heard = maxLsn(this.#heard, lsn(bytes.readBigUInt64BE(start + 1)))
      if (bytes[start + KEEPALIVE_REPLY_AT] === 1) this.#parts.onReplyWanted()
    }
  }

  #takeMessage(bytes: Buffer, start: number, end: number): void {
    const { spool } = this.#parts
    const tag = bytes[start]
    if (spool?.isStreaming && tag !== STREAM_STOP) {
      spool.append(bytes, start, end)
      return
    }
    this.#decoder.decode(bytes, start, end)
    if (tag === STREAM_START) {
      if (spool === null)
        fail('PROTOCOL_VIOLATION', 'the server streams, though nobody asked for it')
      spool.begin(bytes.subarray(start, end))
    } else if (tag === STREAM_STOP) {
      spool?.end()
    }
  }

  async #endStreamed(end: StreamCommit | StreamAbort): Promise<boolean> {
    if ('subxid' in end) {
      await this.#parts.spool!.abort(end.xid, end.subxid)
      return true
    }
    return this.#replay(end)
  }

  /** The transaction as if it had been sent whole: what was rolled back in it was never there. */
  async #replay(commit: StreamCommit): Promise<boolean> {
    const { intake, onPiece } = this.#parts
    const spool = this.#parts.spool!
    const decoder = new Decoder(intake)
    const frames = new FrameCursor()
    intake.begin(commit)
    for await (const block of spool.commit(commit.xid)) {
      frames.open(block)
      while (frames.next()) {
        const { bytes, start, end } = frames
        if (!spool.survives(commit.xid, bytes, start)) continue
        decoder.decode(bytes, start, end)
        if (intake.isBlocked) await intake.resolve()
      }
      if (!(await onPiece())) return false
    }
    intake.commit(commit)
    return true
  }
}
