/**
 * Brings the tables that are elsewhere to where the ledger is.
 *
 *   waiting ──► ready ──parts──► catching-up ──manifests──► at the ledger's place ──join──► (none)
 *
 * Each step is one transaction that expects the straggler's row as it was planned with. Only the join,
 * and the taking of a load that the log already holds, expect the main row too: those depend on what
 * the other tables have seen. A load fills a shadow beside the live table; the join swaps the two.
 */

import { fail, hasCode, unreachable, type CodedError } from '../core/errors.ts'
import type { Ledger, Straggler, StragglerLoad } from '../core/ledger.ts'
import type { Manifest } from '../core/manifest.ts'
import type { TableId } from '../core/table.ts'
import type { LedgerChange } from '../core/target.ts'
import { placeInLog, WAITING } from './controls.ts'
import { tableAtFault } from './faults.ts'
import { loadFiles, rowsOf, type LoadFiles } from './load-files.ts'
import { loadSteps, swapSteps } from './load-steps.ts'
import { addChanges, isFull, type Size } from './log.ts'
import { suspended, tellStraggler, type ApplyParts } from './parts.ts'
import { Pieces } from './pieces.ts'
import { expectMain, expectStraggler, noSteps, stepsFrom } from './place.ts'
import { stepsOf } from './steps.ts'
import { addEntries, mayJoin, mustAsk, nextMove, partsToTake, resumed } from './straggler-moves.ts'

export type StragglerOutcome =
  | 'moved'
  | 'caught-up' // it is where the ledger is, and may join
  | 'joined'
  | 'claim-lost'
  | 'suspended'
  | 'nothing'

/** A straggler, and the ledger that it was planned with. */
interface Turn {
  readonly ledger: Ledger
  readonly table: TableId
  readonly row: Straggler
}

export class Stragglers {
  readonly #parts: ApplyParts
  /** Where the ledger was when we last looked for a load of a waiting table. */
  readonly #lookedAt = new Map<TableId, number>()
  readonly #loads = new Map<TableId, LoadFiles>()

  constructor(parts: ApplyParts) {
    this.#parts = parts
  }

  /** One step of one straggler. */
  async advance(table: TableId): Promise<StragglerOutcome> {
    const ledger = await this.#parts.place.ledger()
    const row = ledger.stragglers.get(table)
    if (row === undefined) return 'nothing'
    try {
      return await this.#move({ ledger, table, row })
    } catch (error) {
      if (hasCode(error, 'LOG_EXPIRED') && row.state !== 'waiting') {
        return this.#letGo({ ledger, table, row })
      }
      if (tableAtFault(error, [table]) === null) throw error
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only a coded error has a table
      return this.#change({ ledger, table, row }, suspended(row, error as CodedError), 'suspended')
    }
  }

  /** What the log no longer has cannot be caught up with: another load is needed. */
  #letGo(turn: Turn): Promise<StragglerOutcome> {
    this.#parts.facts.forgetFirst()
    this.#lookedAt.delete(turn.table)
    this.#loads.delete(turn.table)
    const { isPassed } = turn.row
    return this.#change(turn, { ...WAITING, isPassed }, 'moved')
  }

  /** Lets a suspended table go on where it was. False if it is not suspended. */
  async resume(table: TableId): Promise<boolean> {
    this.#parts.place.forget()
    const ledger = await this.#parts.place.ledger()
    const row = ledger.stragglers.get(table)
    if (row?.state !== 'suspended') return false
    return (await this.#change({ ledger, table, row }, resumed(row), 'moved')) === 'moved'
  }

  #move(turn: Turn): Promise<StragglerOutcome> {
    const move = nextMove(turn.row, turn.ledger.n)
    switch (move) {
      case 'none':
        return Promise.resolve('nothing')
      case 'find-load':
        return this.#findLoad(turn)
      case 'take-parts':
        return this.#takeParts(turn)
      case 'catch-up':
        return this.#catchUp(turn)
      case 'join':
        return this.#join(turn)
      default:
        return unreachable(move)
    }
  }

  /** Takes a load that the log held before the table became a straggler, or asks for one. */
  async #findLoad(turn: Turn): Promise<StragglerOutcome> {
    const { consumer, facts } = this.#parts
    const { ledger, table, row } = turn
    if (this.#lookedAt.get(table) === ledger.n) return 'nothing'
    const state = await facts.stateAt(ledger.n)
    const first = await facts.first()
    const place = placeInLog(state.tables.get(table), { n: ledger.n, first, consumer })
    const found: Straggler = { ...place, isPassed: row.isPassed }
    if (found.state === 'waiting') {
      await this.#ask(table, ledger.n)
      this.#lookedAt.set(table, ledger.n)
      return 'nothing'
    }
    const isDone = await this.#parts.place.commit({
      expect: { ...expectMain(ledger), ...expectStraggler(table, row) },
      steps: noSteps(),
      ledger: rowChange(table, found),
    })
    if (!isDone) return 'claim-lost'
    tellStraggler(this.#parts, table, { row: found, rows: 0 })
    return 'moved'
  }

  async #ask(table: TableId, ledgerN: number): Promise<void> {
    const { consumer, log, requests } = this.#parts
    const head = await log.recover()
    const mode = head.run?.load ?? null
    const state = head.tables.get(table)
    if (!mustAsk({ table: state, mode, ledgerN, consumer })) return
    const request = await requests.read(consumer, table)
    // A load that answered, and that we cannot take, answers no more.
    const isAnswered = request !== null && (state?.newestLoad?.since ?? -1) >= request.after
    if (request === null || isAnswered) await requests.write(consumer, table, head.n)
  }

  async #takeParts({ table, row }: Turn): Promise<StragglerOutcome> {
    const { limits, place } = this.#parts
    const { load, partsDone } = row
    const files = await this.#files(table, load)
    const taken = partsToTake(files.parts, partsDone, limits)
    const done = partsDone + taken.length
    const isComplete = done === files.parts.length
    const next: Straggler = {
      ...row,
      partsDone: done,
      shape: files.shape,
      state: isComplete ? 'catching-up' : 'ready',
      n: isComplete ? files.since : null,
    }
    const steps = loadSteps({ table, files, taken, isNew: row.shape === null }, this.#parts)
    const isDone = await place.commit({
      expect: { main: null, ...expectStraggler(table, row) },
      steps,
      ledger: rowChange(table, next),
    })
    if (!isDone) return 'claim-lost'
    tellStraggler(this.#parts, table, { row: next, rows: rowsOf(files.parts, done) })
    return 'moved'
  }

  async #catchUp({ ledger, table, row }: Turn): Promise<StragglerOutcome> {
    const { place } = this.#parts
    const { load } = row
    const before = load === null ? ledger.tables.get(table) : (row.shape ?? undefined)
    const pieces = new Pieces(before === undefined ? new Map() : new Map([[table, before]]))
    const n = await this.#read(pieces, { ledger, table, row })
    const shape = pieces.shapes.get(table) ?? null
    const next: Straggler = load === null ? { ...row, n } : { ...row, n, shape }
    const isReshaped = load === null && shape !== null && shape !== before
    const isDone = await place.commit({
      expect: { main: null, ...expectStraggler(table, row) },
      steps: stepsOf(pieces.list, this.#parts, {
        isShadow: load !== null,
        tally: { rows: 0, changes: 0 },
      }),
      ledger: {
        ...rowChange(table, next),
        tables: isReshaped ? new Map([[table, shape]]) : new Map(),
      },
    })
    if (!isDone) return 'claim-lost'
    return n === ledger.n ? 'caught-up' : 'moved'
  }

  /** Reads what the straggler lacks, up to the ledger or the limits. Resolves to the last manifest read. */
  async #read(pieces: Pieces, { ledger, table, row }: Turn): Promise<number> {
    const { limits, log, target } = this.#parts
    const size = { rows: 0, bytes: 0 }
    const begin = row.n ?? ledger.n
    const end = Math.min(ledger.n, begin + limits.manifests)
    let n = begin
    while (n < end && !isFull(size, limits)) {
      const manifest = await log.manifest(n + 1)
      if (manifest === null) {
        fail('LOG_EXPIRED', `table ${table} of ${target.name} is at manifest ${n}, which is gone`, {
          details: { table, n },
        })
      }
      addEntries(pieces, manifest, { table, load: row.load })
      addSize(size, manifest, table)
      n++
    }
    return n
  }

  async #join({ ledger, table, row }: Turn): Promise<StragglerOutcome> {
    const { facts, place } = this.#parts
    const { load, shape } = row
    if (row.n !== ledger.n || !mayJoin(load, await facts.reached(ledger.n))) return 'nothing'
    const isSwapped = load !== null && shape !== null
    const swap = isSwapped ? await swapSteps({ table, load, shape }, this.#parts) : []
    const isDone = await place.commit({
      expect: { ...expectMain(ledger), ...expectStraggler(table, row) },
      steps: stepsFrom(swap),
      ledger: {
        main: { n: ledger.n, epoch: ledger.epoch, v: ledger.v + 1 },
        stragglers: new Map([[table, null]]),
        tables: isSwapped ? new Map([[table, shape]]) : new Map(),
      },
    })
    if (!isDone) return 'claim-lost'
    await this.#joined(table, load)
    return 'joined'
  }

  async #joined(table: TableId, load: StragglerLoad | null): Promise<void> {
    const { consumer, requests } = this.#parts
    const files = this.#loads.get(table)
    this.#loads.delete(table)
    tellStraggler(this.#parts, table, { row: null, rows: files ? rowsOf(files.parts) : 0 })
    const request = await requests.read(consumer, table)
    if (request !== null && load !== null && load.since >= request.after) {
      await requests.remove(consumer, table)
    }
  }

  /** Writes another row for a straggler that stays one. */
  async #change(turn: Turn, next: Straggler, outcome: StragglerOutcome): Promise<StragglerOutcome> {
    const { table, row } = turn
    const isDone = await this.#parts.place.commit({
      expect: { main: null, ...expectStraggler(table, row) },
      steps: noSteps(),
      ledger: rowChange(table, next),
    })
    if (!isDone) return 'claim-lost'
    tellStraggler(this.#parts, table, { row: next, rows: 0 })
    return outcome
  }

  async #files(table: TableId, load: StragglerLoad | null): Promise<LoadFiles> {
    const known = this.#loads.get(table)
    if (known !== undefined && known.load === load?.load) return known
    const files = await loadFiles(this.#parts.log, table, load)
    this.#loads.set(table, files)
    return files
  }
}

/** A change of the ledger that writes one row of a straggler. */
function rowChange(table: TableId, row: Straggler): LedgerChange {
  return { main: null, stragglers: new Map([[table, row]]), tables: new Map() }
}

function addSize(size: Size, { entries }: Manifest, table: TableId): void {
  for (const entry of entries) {
    if (entry.type === 'changes' && entry.table === table) addChanges(size, entry)
  }
}
