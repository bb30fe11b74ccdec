/**
 * What capture needs from a source: a slot that is ours, its stream, and snapshots to load from.
 *
 * The real one is PostgreSQL (`postgres-source.ts`); the simulation scripts another, so that the
 * same capture code runs against faults that no server would show on demand.
 */

import type { RefusedTable } from '../core/events.ts'
import type { Lsn } from '../core/lsn.ts'
import type { RunInfo } from '../core/manifest.ts'
import type { Narrowing } from '../core/narrowing.ts'
import type { TableName } from '../core/table.ts'
import type { PageRange } from './loads/page-ranges.ts'
import type { TimelineSwitch } from './slot/timeline.ts'
import type { RelationCatalog, RelationFacts } from './tables/tracked-tables.ts'

export interface Source {
  readonly catalog: RelationCatalog

  /**
   * Checks that the source can be replicated and describes the run. Fails with what must be changed,
   * and soon when the signal aborts: it may wait for a lock.
   */
  prepare(signal?: AbortSignal): Promise<Prepared>

  /**
   * Takes the slot, making it if there is none, and starts its stream. From then on nobody else can
   * move the slot: only now may the head of the log be read. Making one waits for all transactions
   * that are open at the source; the signal breaks that off.
   */
  open(options: OpenOptions, signal: AbortSignal): Promise<OpenSlot>

  /**
   * Where the ancestors of the timeline were left. A source that has but one timeline leaves it out.
   */
  timelineHistory?(timeline: number): Promise<readonly TimelineSwitch[]>

  /**
   * Whether a partition had rows before it was one. A source that has no partitions leaves it out.
   */
  hadRows?(partition: number): Promise<boolean>

  /** A snapshot for loads. The caller has noted the head of the log before. It may wait as `open`. */
  snapshot(signal: AbortSignal): Promise<LoadSnapshot>
}

export interface OpenOptions {
  /** If there is no slot: make one, or fail with SLOT_LOST. */
  readonly mayCreate: boolean
  /** Large transactions may be streamed before they end, if the server can do that. */
  readonly mayStream: boolean
}

export interface Prepared {
  readonly run: RunInfo
  readonly tables: readonly LoadableTable[]
  /** Selected tables that cannot be replicated now; the others go on. */
  readonly refused?: readonly RefusedTable[]
  /**
   * Here the stream has passed all rows of tables that are not among these any more. A source that
   * does not know it leaves it out; then nothing follows from what is missing.
   */
  readonly lsn?: Lsn
}

export interface LoadableTable {
  readonly oid: number
  readonly name: TableName
  readonly estimatedRows: number
  readonly estimatedBytes: number
  /** If it has such: see `partitions.ts`. */
  readonly partitions?: readonly string[]
  /** What of it is captured, if not everything. */
  readonly narrowing?: Narrowing
  /** Those that are captured. Left out by a source that tells no narrowing. */
  readonly columns?: readonly { readonly name: string }[]
  /** Where the WAL was when it came into the publication, if it was out of it before. */
  readonly publishedSince?: Lsn
}

export interface OpenSlot extends AsyncDisposable {
  readonly timeline: number
  /** confirmed_flush_lsn, read once the slot was ours. */
  readonly confirmed: Lsn
  /** Where the WAL of the server ended when we took the slot. */
  readonly walEnd?: Lsn
  /** The snapshot that came with the slot, if it was made just now. */
  readonly snapshot: LoadSnapshot | null
  readonly stream: ReplicationStream
  /** Large transactions come before they end. */
  readonly isStreaming: boolean
}

export interface ReplicationStream {
  /** The next block of CopyData messages, or `null` when the server ended the stream. */
  next(): Promise<Buffer | null>
  /** After MESSAGE_TOO_LARGE: the beginning of the message. */
  readonly oversized?: Buffer | null
  /** Tells the server that it may forget what lies below. */
  confirm(lsn: Lsn): void
  /** Asks the server to say where it is. */
  askForKeepalive(): void
}

/**
 * The state of the source at one LSN: exactly the transactions whose commit LSN is below it. Its end
 * breaks off the copies that are under way, and may come twice.
 */
export interface LoadSnapshot extends AsyncDisposable {
  readonly lsn: Lsn
  /** Locks the table and checks that it is still what the snapshot shows; else TABLE_CHANGED. */
  open(table: LoadableTable): Promise<TableCopy>
}

export interface TableCopy extends AsyncDisposable {
  readonly name: TableName
  readonly facts: Pick<RelationFacts, 'columns' | 'key' | 'narrowing'>
  /** How many rows it has now, about; `null` or left out if that is not known. */
  readonly estimatedRows?: number | null
  /**
   * The rows as lines of CSV, one in each CopyData message of the blocks. `places` says for each
   * column of the line which column of `facts` it is; `null` is an empty one.
   */
  rows(places: readonly (number | null)[], range?: PageRange): AsyncIterable<Buffer>
  /** How many pages the table has now. Left out where it cannot be copied in ranges of them. */
  readonly pages?: number
  /** Another connection that copies ranges of the same rows; `null` if there can be none now. */
  readonly beside?: () => Promise<RangeCopy | null>
}

/** Only as good as the copy that it stands beside, which holds the table as it is. */
export interface RangeCopy extends AsyncDisposable {
  rows(places: readonly (number | null)[], range?: PageRange): AsyncIterable<Buffer>
}
