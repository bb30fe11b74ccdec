/**
 * Rules of the protocol, each of which can be switched off.
 *
 * Nothing in `src` knows of them: a rule is broken in what surrounds the real code, the store, the
 * source, the target, or between two of its parts. Each must be caught, or it would not be needed, or
 * the simulation would not see what it is for. The names are those of the model.
 */

import type { LoadRequests, Log } from '../../src/apply/log.ts'
import type { BatchItem, ChangeBatch } from '../../src/core/batch.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { LoadRequest } from '../../src/core/load-request.ts'
import { lsn, ZERO_LSN } from '../../src/core/lsn.ts'
import type { LoadEntry, Manifest } from '../../src/core/manifest.ts'
import type { TableId } from '../../src/core/table.ts'
import type { Expectation, Target } from '../../src/core/target.ts'
import type { LogReader } from '../../src/lake/log/log-reader.ts'
import type { LogState } from '../../src/lake/log/log-state.ts'
import type { LogWriter } from '../../src/lake/log/log-writer.ts'
import type { Requests } from '../../src/lake/requests.ts'
import type { MemoryTarget } from '../support/memory-target.ts'
import type { StoreKnockouts } from './faulty-store.ts'
import type { SourceKnockouts } from './scripted-source.ts'

export interface Knockouts extends StoreKnockouts, SourceKnockouts {
  /** The head of the log is read before the slot is ours. */
  readonly headFirst?: boolean
  /** What is in the lake is left out by LSN, without the ordinal. */
  readonly noOrdinal?: boolean
  /** A heartbeat may tell less than the log has. */
  readonly hbBack?: boolean
  /** `order` follows our own time, not the log. */
  readonly clockWall?: boolean
  /** A load is caught up from the manifest in which it begins. */
  readonly noSince?: boolean
  /** Open loads of a run that has died are not cancelled. */
  readonly noCancel?: boolean
  /** A batch ends anywhere. */
  readonly notEnd?: boolean
  /** A straggler joins before the log has passed its load. */
  readonly joinEarly?: boolean
  /** Changes below a load are not left out. */
  readonly noLsnFilter?: boolean
  /** The ledger moves without a compare. */
  readonly noCAS?: boolean
  /** A claim does not name the stragglers that it was planned with. */
  readonly noV?: boolean
  /** A straggler moves without a compare. */
  readonly noStragCAS?: boolean
  /** Any complete load is taken for an answer to a request. */
  readonly noAfter?: boolean
  /** A load does not name who asked for it. */
  readonly noFor?: boolean
  /** Who takes any load is content, whenever he asked. */
  readonly contentEarly?: boolean
  /** A change of which the log cannot tell what it did to rows voids no load. */
  readonly noVoid?: boolean
  /** The log does not say that a table was dropped. */
  readonly noDrop?: boolean
  /** Nobody looks by himself. */
  readonly noSweep?: boolean
}

/** Members of `changed` stand before those of `real`, which keeps its own `this`. */
function over<T extends object>(real: T, changed: Partial<T>): T {
  return new Proxy(real, {
    get(_, name) {
      const from = name in changed ? changed : real
      const value: unknown = Reflect.get(from, name, from)
      return typeof value === 'function' ? (value as () => unknown).bind(from) : value
    },
  })
}

export function captureReader(reader: LogReader, { headFirst }: Knockouts): LogReader {
  if (!headFirst) return reader
  // Capture reads the head twice, before and after it takes the slot; the second time counts.
  let before: LogState | null = null
  return over(reader, {
    recover: async () => {
      const head = before ?? (await reader.recover())
      before = before === null ? head : null
      return head
    },
  })
}

export function writer(log: LogWriter, knockouts: Knockouts, clock: Clock): LogWriter {
  const { noOrdinal, hbBack, clockWall, noSince, noCancel, noFor } = knockouts
  const { noVoid, noDrop } = knockouts
  const rules = [noOrdinal, hbBack, clockWall, noSince, noCancel, noFor, noVoid, noDrop]
  if (!rules.includes(true)) return log
  const changed = {
    open: (head, run, start) => {
      const wall = clock.now() * 1000
      return log.open(clockWall && head.n > 0 ? { ...head, clock: wall } : head, run, start)
    },
    write: ({ changes, loads }) => {
      const kept = loads.filter(({ type }) => !noCancel || type !== 'load-cancel')
      const since = log.state.n + 1
      const spoilt = (entry: LoadEntry): LoadEntry => {
        if (entry.type !== 'load-begin') return entry
        const isForNobody = noFor && entry.for !== 'all'
        return { ...entry, ...(noSince ? { since } : {}), ...(isForNobody ? { for: [] } : {}) }
      }
      const told = changes && { ...changes, tables: untold(changes.tables, knockouts) }
      return log.write({ changes: told, loads: kept.map(spoilt) })
    },
  } satisfies Partial<LogWriter>
  Object.defineProperty(changed, 'state', {
    get: () => {
      const { state } = log
      const { to, confirm } = state
      const seen = noOrdinal && to !== null ? { ...to, end: true } : to
      return { ...state, to: seen, confirm: hbBack ? ZERO_LSN : confirm }
    },
  })
  return over(log, changed)
}

function untold(
  tables: ChangeBatch['tables'],
  { noVoid, noDrop }: Knockouts,
): ChangeBatch['tables'] {
  if (!noVoid && !noDrop) return tables
  const told = (item: BatchItem): readonly BatchItem[] => {
    if (item.type === 'drop' && noDrop) return []
    if (item.type !== 'shape' || !noVoid) return [item]
    const { type, shape, position, defaults } = item
    return [{ type, shape, position, defaults }]
  }
  return new Map([...tables].map(([table, items]) => [table, items.flatMap(told)]))
}

/** What capture sees of what was asked for. */
export async function requestsSeen(
  found: Promise<readonly LoadRequest[]>,
  { noAfter }: Knockouts,
): Promise<readonly LoadRequest[]> {
  const seen = await found
  return noAfter ? seen.map((request) => ({ ...request, after: 0 })) : seen
}

/** What a consumer sees of what he asked for. */
export function requests(real: Requests, { contentEarly }: Knockouts): LoadRequests {
  if (!contentEarly) return real
  const read = async (consumer: string, table: TableId): Promise<LoadRequest | null> => {
    const request = await real.read(consumer, table)
    return request && { ...request, after: 0 }
  }
  return over(real, { read })
}

const FAR = lsn(1n << 60n)

export function consumerLog(reader: LogReader, knockouts: Knockouts): Log {
  const { notEnd, joinEarly, noLsnFilter } = knockouts
  if (!notEnd && !joinEarly && !noLsnFilter) return reader
  const seen = (manifest: Manifest): Manifest => ({
    ...manifest,
    ...(notEnd ? { to: { ...manifest.to, end: true } } : {}),
    ...(joinEarly ? { confirm: FAR } : {}),
    ...(noLsnFilter ? { entries: manifest.entries.map(withoutLsn) } : {}),
  })
  return over(reader, {
    manifest: async (n: number) => {
      const manifest = await reader.manifest(n)
      return manifest && seen(manifest)
    },
    stateAt: async (n: number) => {
      const state = await reader.stateAt(n)
      return joinEarly ? { ...state, confirm: FAR } : state
    },
  })
}

function withoutLsn(entry: Manifest['entries'][number]): Manifest['entries'][number] {
  return entry.type === 'load-begin' ? { ...entry, lsn: ZERO_LSN } : entry
}

export function target(real: MemoryTarget, knockouts: Knockouts): Target {
  const { noCAS, noV, noStragCAS } = knockouts
  if (!noCAS && !noV && !noStragCAS) return real
  const weakened = (expect: Expectation): Expectation => ({
    main: weakMain(expect.main),
    straggler: noStragCAS ? null : expect.straggler,
  })
  const weakMain = (main: Expectation['main']): Expectation['main'] => {
    if (main === null || main.n < 0) return main
    if (noCAS) return null
    return noV ? new AnyVersion(main, real) : main
  }
  return over<Target>(real, {
    commit: (work) => real.commit({ ...work, expect: weakened(work.expect) }),
  })
}

/** Agrees with whatever `v` is there when it is compared. */
class AnyVersion {
  readonly n: number
  readonly epoch: number
  readonly #target: MemoryTarget

  constructor({ n, epoch }: { readonly n: number; readonly epoch: number }, real: MemoryTarget) {
    this.n = n
    this.epoch = epoch
    this.#target = real
  }

  get v(): number {
    const [ledger] = this.#target.place.ledgers.values()
    return ledger?.ledger?.v ?? 0
  }
}
