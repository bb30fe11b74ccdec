/** Rows of a table `(id text primary key, n int)`, as a load has them and as a stream changes them. */

import type { ReplicationStream } from '../../../src/capture/source.ts'
import type { Lsn } from '../../../src/core/lsn.ts'
import { Decoder } from '../../../src/pgoutput/decoder.ts'
import type { Commit, MessageHandler, RowMessage } from '../../../src/pgoutput/messages.ts'
import { FrameCursor } from '../../../src/postgres/copy-stream.ts'
import { valuesOf } from '../../support/tuples.ts'

export type Rows = ReadonlyMap<string, string>

export interface StreamedCommit {
  readonly lsn: Lsn
  readonly changes: readonly Change[]
}

interface Change {
  readonly op: 'insert' | 'update' | 'delete'
  readonly id: string
  readonly n: string
}

const XLOG_DATA = 0x77
const XLOG_DATA_HEADER_BYTES = 25

export async function readCopy(blocks: AsyncIterable<Buffer>): Promise<Rows> {
  const rows = new Map<string, string>()
  const frames = new FrameCursor()
  for await (const block of blocks) {
    frames.open(block)
    while (frames.next()) {
      const line = frames.bytes.toString('utf8', frames.start, frames.end).trimEnd()
      const comma = line.lastIndexOf(',')
      rows.set(line.slice(0, comma), line.slice(comma + 1))
    }
  }
  return rows
}

/** Commits with changes, one by one. */
export class CommitReader {
  readonly #stream: ReplicationStream
  readonly #read: StreamedCommit[] = []
  readonly #decoder = new Decoder(collector((commit) => this.#read.push(commit)))
  readonly #frames = new FrameCursor()

  constructor(stream: ReplicationStream) {
    this.#stream = stream
  }

  /** Waits until there is one. */
  async peek(): Promise<StreamedCommit> {
    for (;;) {
      const [first] = this.#read
      if (first !== undefined) return first
      await this.#readBlock()
    }
  }

  async next(): Promise<StreamedCommit> {
    const commit = await this.peek()
    this.#read.shift()
    return commit
  }

  async #readBlock(): Promise<void> {
    const block = await this.#stream.next()
    if (block === null) throw new Error('the server ended the stream')
    const frames = this.#frames.open(block)
    while (frames.next()) {
      if (frames.bytes[frames.start] !== XLOG_DATA) continue
      this.#decoder.decode(frames.bytes, frames.start + XLOG_DATA_HEADER_BYTES, frames.end)
    }
  }
}

function collector(committed: (commit: StreamedCommit) => void): MessageHandler {
  let changes: Change[] = []
  const take = (op: Change['op'], bytes: Buffer, start: number): void => {
    const [id, n] = valuesOf(bytes, start)
    changes.push({ op, id: String(id), n: String(n) })
  }
  const nothing = (): void => {}
  const others = { origin: nothing, relation: nothing, type: nothing, message: nothing }
  const never = {
    truncate: nothing,
    streamStart: nothing,
    streamStop: nothing,
    streamCommit: nothing,
    streamAbort: nothing,
    twoPhase: nothing,
  }
  return {
    ...others,
    ...never,
    begin: nothing,
    insert: ({ bytes, newStart }: RowMessage) => take('insert', bytes, newStart),
    update: ({ bytes, newStart }: RowMessage) => take('update', bytes, newStart),
    delete: ({ bytes, oldStart }: RowMessage) => take('delete', bytes, oldStart),
    commit({ commitLsn }: Commit) {
      if (changes.length > 0) committed({ lsn: commitLsn, changes })
      changes = []
    },
  }
}
