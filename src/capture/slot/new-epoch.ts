/**
 * Begins a new epoch, after something was lost that the lake cannot get any more.
 *
 *   own the slot ──► read the head ──► what is lost? ──► open ──► epoch        (then a run loads)
 *        ╳                                  ╳             ╳         ╳
 *   killed here, nothing of it is in the log, or an `open` manifest of the old epoch; the loss is
 *   found again, and so is the way out
 *
 * It is a generation like any other: who owns the slot reads the head, and fences all others with its
 * `open` manifest. That one still says what the log said before, the old server, timeline and place,
 * so that nobody takes it for a log that goes on; the one manifest that says otherwise is `epoch`.
 * Nothing is loaded here: tables without a load are what every run of capture begins with.
 *
 * Without a loss nothing is written: a log that can go on is never broken off.
 */

import type { Clock } from '../../core/clock.ts'
import { fail, hasCode, type CodedError } from '../../core/errors.ts'
import { tableId, type TableId } from '../../core/table.ts'
import type { LogReader } from '../../lake/log/log-reader.ts'
import type { LogState } from '../../lake/log/log-state.ts'
import type { LogWriter } from '../../lake/log/log-writer.ts'
import type { LoadableTable, OpenSlot, Prepared, Source } from '../source.ts'
import { guardIdentity, guardPlace, lossOf } from './guards.ts'

export interface NewEpochParts {
  readonly source: Source & {
    /** Drops a slot of ours that the server has given up. */
    dropLostSlot(): Promise<void>
  }
  readonly reader: Pick<LogReader, 'recover'>
  /** A writer for one try. */
  readonly newWriter: () => LogWriter
  readonly clock: Clock
}

/** Which losses may be accepted: those of the server the lake knows, or also that it is another one. */
export type Way = 'same-server' | 'another-server'

export interface NewEpoch {
  /** The manifest that begins it. */
  readonly n: number
  readonly epoch: number
  /** What was lost. */
  readonly loss: CodedError
  /** What the source has, and will be loaded. */
  readonly tables: readonly TableId[]
  /** Tables of the log that the source does not have, or that are not selected any more. */
  readonly without: readonly TableId[]
}

const ATTEMPTS = 10
const AGAIN_MS = 500

/** Resolves to `null`, and has changed nothing, if the log can go on. */
export async function beginEpoch(
  parts: NewEpochParts,
  way: Way,
  signal: AbortSignal,
): Promise<NewEpoch | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryOnce(parts, way, signal)
    } catch (error) {
      // A task that a supervisor starts again and again has the slot for moments.
      const mayPass = hasCode(error, 'FENCED') || hasCode(error, 'SLOT_IN_USE')
      if (!mayPass || attempt === ATTEMPTS || signal.aborted) throw error
      await parts.clock.sleep(AGAIN_MS, signal)
    }
  }
}

async function tryOnce(
  { source, reader, newWriter }: NewEpochParts,
  way: Way,
  signal: AbortSignal,
): Promise<NewEpoch | null> {
  await source.dropLostSlot()
  const prepared = await source.prepare(signal)
  await using slot = await source.open({ mayCreate: true, mayStream: false }, signal)
  const head = await reader.recover()
  if (head.n === 0 || head.run === null) {
    return fail('LAKE_MISSING', 'there is nothing in the lake yet', {
      hint: 'start with `millrace run`, which loads all tables',
    })
  }
  const loss = await lossFound(head, { slot, prepared, source })
  if (loss === null) return null
  if (way === 'same-server' && isElsewhere(loss)) throw loss
  const log = newWriter()
  await log.open(head, head.run, { lsn: slot.confirmed, timeline: head.timeline })
  const { tables, without } = compared(head, prepared.tables)
  const { confirmed: lsn, timeline } = slot
  const { n, epoch } = await log.loseEpoch({ run: prepared.run, lsn, timeline, without })
  return { n, epoch, loss, tables, without }
}

/** A slot that had to be made has lost what came before it, whatever its place says. */
function lossFound(
  head: LogState,
  found: { slot: OpenSlot; prepared: Prepared; source: Source },
): Promise<CodedError | null> {
  const { slot, prepared, source } = found
  return lossOf(async () => {
    guardIdentity(head, prepared.run)
    const isNew = slot.snapshot !== null
    const place = isNew && head.confirm !== null ? { ...slot, confirmed: head.confirm } : slot
    await guardPlace(head, place, source)
    if (isNew) fail('SLOT_LOST', 'the replication slot was gone')
  })
}

/** Whether it is another server, or another history of the same. */
export function isElsewhere(loss: CodedError): boolean {
  return loss.code === 'SOURCE_CHANGED' || loss.code === 'TIMELINE_DIVERGED'
}

/** The tables that will be loaded, and those of the log that will not. */
export function compared(
  { tables: known }: Pick<LogState, 'tables'>,
  there: readonly Pick<LoadableTable, 'name'>[],
): { tables: TableId[]; without: TableId[] } {
  const tables = there.map(({ name }) => tableId(name))
  const present = new Set(tables)
  return { tables, without: [...known.keys()].filter((table) => !present.has(table)) }
}
