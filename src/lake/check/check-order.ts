/**
 * What one manifest after the other must keep to: generations, epochs, positions, ticks.
 *
 * Everything a consumer relies on when it takes manifest after manifest without looking back. Fed
 * with the manifests in their order, it says in words what is wrong with each.
 */

import { formatLsn } from '../../core/lsn.ts'
import type { BarrierEntry, ChangesEntry, Manifest } from '../../core/manifest.ts'
import { comparePositions, isAfter, type Position } from '../../core/position.ts'
import type { TableId } from '../../core/table.ts'

/** Where a table is in the order of the log. */
interface Place {
  readonly epoch: number
  /** The last row of its files, and the last position of anything. */
  readonly row: Position | null
  readonly position: Position
  readonly order: number
}

export class OrderRules {
  #last: Manifest | null = null
  readonly #tables = new Map<TableId, Place>()

  /** What is wrong with the next manifest, or with its place after the one before. */
  look(manifest: Manifest): string[] {
    const last = this.#last?.n === manifest.n - 1 ? this.#last : null
    const wrong = [...runRules(manifest, last), ...placeRules(manifest, last)]
    for (const entry of manifest.entries) {
      if (entry.type === 'changes') wrong.push(...this.#changes(entry, manifest, last))
      else if ('position' in entry) wrong.push(...this.#barrier(entry, manifest, last))
    }
    this.#last = manifest
    return wrong
  }

  *#changes(entry: ChangesEntry, manifest: Manifest, last: Manifest | null): Generator<string> {
    const { table, first, order, rows, path } = entry
    const place = this.#place(table, manifest.epoch)
    if (place?.row && !isAfter(first, place.row)) {
      yield `${path} overlaps the file before it: it begins at ${at(first)}, and ${at(place.row)} is there already`
    } else if (place && comparePositions(first, place.position) < 0) {
      yield `${path} begins at ${at(first)}, before the barrier that precedes it`
    }
    const end = { position: entry.last, order: order + rows.i + rows.u + rows.d - 1 }
    yield* this.#ticks(path, { table, order, end: end.order }, { manifest, last })
    yield* within(path, { first, end: entry.last }, { manifest, last })
    this.#tables.set(table, { ...end, row: entry.last, epoch: manifest.epoch })
  }

  *#barrier(entry: BarrierEntry, manifest: Manifest, last: Manifest | null): Generator<string> {
    const { table, type, position, order } = entry
    const what = `the ${type} of ${table}`
    const place = this.#place(table, manifest.epoch)
    if (place && comparePositions(position, place.position) < 0) {
      yield `${what} stands at ${at(position)}, before ${at(place.position)}`
    }
    yield* this.#ticks(what, { table, order, end: order }, { manifest, last })
    yield* within(what, { first: position, end: position }, { manifest, last })
    this.#tables.set(table, { position, order, row: place?.row ?? null, epoch: manifest.epoch })
  }

  *#ticks(
    what: string,
    { table, order, end }: { table: TableId; order: number; end: number },
    { manifest, last }: { manifest: Manifest; last: Manifest | null },
  ): Generator<string> {
    const before = this.#tables.get(table)?.order
    if (before !== undefined && order <= before) {
      yield `${what} has order ${order}, and ${before} was given already`
    } else if (last && order < last.clock) {
      yield `${what} has order ${order}, below the clock of the manifest before, ${last.clock}`
    }
    if (end >= manifest.clock - 1) {
      yield `${what} ends with order ${end}, and the clock says ${manifest.clock}`
    }
  }

  #place(table: TableId, epoch: number): Place | undefined {
    const place = this.#tables.get(table)
    return place?.epoch === epoch ? place : undefined
  }
}

function* runRules(manifest: Manifest, last: Manifest | null): Generator<string> {
  const { n, kind, generation, epoch } = manifest
  if (kind === 'open' && generation !== n) yield `generation is ${generation}, not ${n}`
  if (last === null) return
  if (kind !== 'open' && generation !== last.generation) {
    yield `generation is ${generation}, and that of the manifest before ${last.generation}`
  }
  const expected = kind === 'epoch' ? last.epoch + 1 : last.epoch
  if (epoch !== expected) yield `epoch is ${epoch}, not ${expected}`
}

function* placeRules(manifest: Manifest, last: Manifest | null): Generator<string> {
  if (last === null) return
  if (manifest.clock <= last.clock)
    yield `the clock stands at ${manifest.clock}, after ${last.clock}`
  if (manifest.epoch !== last.epoch) return
  if (comparePositions(manifest.to, last.to) < 0) {
    yield `it ends at ${at(manifest.to)}, before the manifest before it, at ${at(last.to)}`
  }
  if (manifest.confirm < last.confirm) {
    yield `confirm is ${formatLsn(manifest.confirm)}, after ${formatLsn(last.confirm)}`
  }
}

/** A manifest holds what lies after the end of the one before, and up to its own. */
function* within(
  what: string,
  { first, end }: { first: Position; end: Position },
  { manifest, last }: { manifest: Manifest; last: Manifest | null },
): Generator<string> {
  if (last?.epoch === manifest.epoch && !isAfter(first, last.to)) {
    yield `${what} begins at ${at(first)}, which the manifest before contains already`
  }
  if (isAfter(end, manifest.to)) {
    yield `${what} ends at ${at(end)}, and the manifest at ${at(manifest.to)}`
  }
}

function at({ lsn, ordinal }: Position): string {
  return `${formatLsn(lsn)} ordinal ${ordinal}`
}
