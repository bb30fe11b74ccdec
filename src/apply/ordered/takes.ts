/**
 * Hands the taker what is its turn, and works out the ledger after it.
 *
 * Everything here follows from ledger and log: whoever does it again comes to the same ledger.
 */

import { CodedError, fail, hasCode } from '../../core/errors.ts'
import type { StragglerLoad } from '../../core/ledger.ts'
import type { Manifest } from '../../core/manifest.ts'
import type { ChangesPiece, Memo, TimedPart } from '../../core/ordered.ts'
import { tableName, type TableId } from '../../core/table.ts'
import { ofTable } from '../faults.ts'
import { markedPart } from '../load-files.ts'
import { mustAsk } from '../straggler-moves.ts'
import { hasNewTable, planBatch, planCatchUp, type PlannedFile } from './batch-plan.ts'
import type { OrderedDrainOptions } from './options.ts'
import { NEW_TABLE, withTables, type OrderedPlace, type Pending, type TablePlace } from './place.ts'

/** Tables at once: a file and what is made of it are in memory, so few where files are large. */
const MANY = 16
const FEW = 2
const LARGE_BYTES = 1024 * 1024

export interface Taken {
  readonly next: OrderedPlace
  readonly last: Manifest | null
  /** Rows of the log that the tables of it had. */
  readonly changes: number
}

interface Load {
  readonly key: string
  readonly shape: string
  readonly startedAtMs: number
  readonly parts: readonly TimedPart[]
}

export class Takes {
  readonly #options: OrderedDrainOptions
  /** Where the ledger was when we last asked for a load of a table. */
  readonly #askedAt = new Map<TableId, number>()
  #load: Load | null = null

  constructor(options: OrderedDrainOptions) {
    this.#options = options
  }

  /** Takes what the ledger says is pending. */
  async pending(place: OrderedPlace, pending: Pending): Promise<Taken> {
    if (pending.table === null) return this.#batch(place, pending.until)
    const { table, until } = pending
    const next = await this.#orWaiting(place, table, () => this.#catchUp(place, { table, until }))
    return { next: { ...next, pending: null }, last: null, changes: 0 }
  }

  /** The next rows of the load of a table. */
  load(place: OrderedPlace, table: TableId, row: TablePlace): Promise<OrderedPlace> {
    return this.#orWaiting(place, table, async () => {
      const { shapes, taker, requests, consumer } = this.#options
      const load = row.load ?? fail('LAKE_DAMAGED', `the load of ${table} is not known`)
      const { parts, startedAtMs, ...found } = await this.#partsOf(table, load)
      const taken = await taker.takeLoad({
        table: tableName(table),
        shape: await shapes.read(found.shape),
        memo: row.memo,
        place: row.place,
        parts,
        startedAtMs,
      })
      const { memo } = taken
      if (taken.place !== null) return { ...row, memo, place: taken.place }
      this.#load = null
      const request = await requests.read(consumer, table)
      if (request !== null && load.since >= request.after) await requests.remove(consumer, table)
      return { ...NEW_TABLE, state: 'catching-up', load, n: load.since, memo }
    })
  }

  /** Asks for a load of a table that waits, unless one comes by itself. */
  async ask({ n }: OrderedPlace, table: TableId): Promise<void> {
    const { consumer, log, requests } = this.#options
    if (this.#askedAt.get(table) === n) return
    this.#askedAt.set(table, n)
    const head = await log.recover()
    const mode = head.run?.load ?? null
    if (!mustAsk({ table: head.tables.get(table), mode, ledgerN: n, consumer })) return
    const since = head.tables.get(table)?.newestLoad?.since ?? -1
    const request = await requests.read(consumer, table)
    if (request === null || since >= request.after) await requests.write(consumer, table, head.n)
  }

  async #batch(place: OrderedPlace, until: number): Promise<Taken> {
    const { consumer, log, taker } = this.#options
    const manifests = await this.#manifests(place.n, until)
    const last = manifests.at(-1) ?? fail('LAKE_DAMAGED', `manifest ${until} is below ${place.n}`)
    const isAsked = place.n > 0 && hasNewTable(place, manifests)
    const mode = isAsked ? ((await log.stateAt(place.n)).run?.load ?? null) : null
    const plan = planBatch(place, manifests, { consumer, mode })
    const before = withTables(place, plan.tables)
    const closedAtMs = Date.parse(last.closedAt)
    const taken = taker.isMerged
      ? await this.#takeMerged(before, plan.files, closedAtMs)
      : await this.#takeEach(before, plan.files, closedAtMs)
    return {
      next: { ...taken, n: last.n, epoch: last.epoch, pending: null },
      last,
      changes: plan.files.reduce((sum, { entry: { rows } }) => sum + rows.i + rows.u + rows.d, 0),
    }
  }

  async #catchUp(
    place: OrderedPlace,
    { table, until }: { readonly table: TableId; readonly until: number },
  ): Promise<TablePlace & { readonly stream?: Memo }> {
    const row = place.tables.get(table) ?? NEW_TABLE
    const manifests = await this.#manifests(row.n ?? until, until)
    const files = planCatchUp(table, row.load, manifests)
    const isThere = until >= place.n
    const next: TablePlace = isThere
      ? { ...NEW_TABLE, state: 'live', memo: row.memo }
      : { ...row, n: until }
    const last = manifests.at(-1)
    if (files.length === 0 || last === undefined) return next
    const before = withTables(place, new Map([[table, next]]))
    const closedAtMs = Date.parse(last.closedAt)
    const { taker } = this.#options
    const after = taker.isMerged
      ? await this.#takeMerged(before, files, closedAtMs)
      : await this.#takeEach(before, files, closedAtMs)
    return { ...after.tables.get(table)!, stream: after.memo }
  }

  async #takeEach(
    place: OrderedPlace,
    files: readonly PlannedFile[],
    closedAtMs: number,
  ): Promise<OrderedPlace> {
    const byTable = new Map<TableId, ChangesPiece[][]>()
    for (const file of files) {
      const groups = byTable.get(file.entry.table) ?? []
      byTable.set(file.entry.table, groups)
      groups.push([this.#piece(file)])
    }
    const tables = new Map<TableId, TablePlace>()
    const queue = byTable.entries()
    const work = async (): Promise<void> => {
      for (const [table, groups] of queue) {
        const row = place.tables.get(table) ?? NEW_TABLE
        const stretch = { table: tableName(table), memo: row.memo, closedAtMs, groups }
        tables.set(table, { ...row, memo: await this.#options.taker.takeChanges(stretch) })
      }
    }
    const isLarge = files.some(({ entry }) => entry.bytes >= LARGE_BYTES)
    const atOnce = Math.min(isLarge ? FEW : MANY, byTable.size)
    await Promise.all(Array.from({ length: atOnce }, work))
    return withTables(place, tables)
  }

  /** Files of one manifest cover the same stretch of the source's order, so they are one group. */
  async #takeMerged(
    place: OrderedPlace,
    files: readonly PlannedFile[],
    closedAtMs: number,
  ): Promise<OrderedPlace> {
    const byManifest = new Map<number, ChangesPiece[]>()
    for (const file of files) {
      const group = byManifest.get(file.n) ?? []
      byManifest.set(file.n, group)
      group.push(this.#piece(file))
    }
    const stretch = { table: null, memo: place.memo, closedAtMs, groups: [...byManifest.values()] }
    return { ...place, memo: await this.#options.taker.takeChanges(stretch) }
  }

  #piece({ entry, from }: PlannedFile): ChangesPiece {
    const { log, pool, shapes } = this.#options
    const { table } = entry
    return {
      table,
      from,
      shape: () => shapes.read(entry.shape),
      read: async () => {
        try {
          return await log.readChanges(entry, pool)
        } catch (error) {
          throw ofTable(error, table)
        }
      },
    }
  }

  async #manifests(after: number, until: number): Promise<readonly Manifest[]> {
    const manifests: Manifest[] = []
    for (let n = after + 1; n <= until; n++) manifests.push(await this.#manifest(n))
    return manifests
  }

  async #manifest(n: number): Promise<Manifest> {
    const manifest = await this.#options.log.manifest(n)
    return manifest ?? fail('LOG_EXPIRED', `manifest ${n} is no longer kept`, { details: { n } })
  }

  async #partsOf(table: TableId, load: StragglerLoad): Promise<Load> {
    const key = `${table} ${load.load}`
    if (this.#load?.key === key) return this.#load
    const endedAt = load.endedAt ?? fail('LAKE_DAMAGED', `the load of ${table} has no end`)
    const parts: TimedPart[] = []
    let shape: string | null = null
    let startedAtMs = 0
    for (let n = load.beganAt; n <= endedAt; n++) {
      const { closedAt, generation, entries } = await this.#manifest(n)
      for (const entry of entries) {
        if (!('load' in entry) || entry.table !== table || entry.load !== load.load) continue
        if (entry.type === 'load-begin') {
          shape = entry.shape
          startedAtMs = await this.#startedAt(generation, closedAt)
        }
        if (entry.type !== 'load-part' || shape === null) continue
        const { log, shapes } = this.#options
        const part = markedPart(log.readLoadPart(entry, await shapes.read(shape)), table)
        parts.push({ part, closedAtMs: Date.parse(closedAt) })
      }
    }
    if (shape === null) return fail('LAKE_DAMAGED', `load ${load.load} of ${table} has no begin`)
    this.#load = { key, shape, startedAtMs, parts }
    return this.#load
  }

  /** The log may be cut above the begin of the run; then that of the load is told. */
  async #startedAt(generation: number, closedAt: string): Promise<number> {
    const first = await this.#options.log.first()
    const opened = generation < first ? null : await this.#options.log.manifest(generation)
    return Date.parse(opened?.closedAt ?? closedAt)
  }

  /** What the log no longer has cannot be taken: another load is needed. */
  async #orWaiting(
    place: OrderedPlace,
    table: TableId,
    take: () => Promise<TablePlace & { readonly stream?: Memo }>,
  ): Promise<OrderedPlace> {
    const { memo } = place.tables.get(table) ?? NEW_TABLE
    try {
      const { stream = place.memo, ...row } = await take()
      return { ...withTables(place, new Map([[table, row]])), memo: stream }
    } catch (error) {
      if (!(error instanceof CodedError) || !hasCode(error, 'LOG_EXPIRED')) throw error
      this.#askedAt.delete(table)
      return withTables(place, new Map([[table, { ...NEW_TABLE, memo }]]))
    }
  }
}
