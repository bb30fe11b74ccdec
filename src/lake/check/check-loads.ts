/**
 * What the entries of loads must keep to: begin, parts, end or cancel.
 *
 * A load that is followed by a newer one may have lost its files to retention; whether a missing file
 * is one of those is known only at the end of the log, so missing parts wait here until then.
 */

import { unreachable } from '../../core/errors.ts'
import type { LoadEntry, Manifest } from '../../core/manifest.ts'
import type { LogState } from '../log/log-state.ts'
import { deadLoads } from './dead-loads.ts'

/** A run of capture says with one of its first manifests that loads of earlier runs are over. */
const MANIFESTS_TO_CANCEL = 100

export class LoadRules {
  /** Rows so far of the loads that are open. */
  readonly #open = new Map<string, number>()
  readonly #shapes = new Map<string, string>()
  readonly #diedAt = new Map<string, number>()
  readonly #seen = new Set<string>()

  /** Takes up the state from which the log is walked. */
  begin(state: LogState): void {
    this.#open.clear()
    for (const { newestLoad, openLoads } of state.tables.values()) {
      if (newestLoad) this.#seen.add(newestLoad.load)
      for (const { load, shape, rows } of openLoads) {
        this.#open.set(load, rows)
        this.#shapes.set(load, shape)
        this.#seen.add(load)
      }
    }
  }

  /** The key of the shape of a load; `null` if its begin was not seen. */
  shapeOf(load: string): string | null {
    return this.#shapes.get(load) ?? null
  }

  /** Whether a load was ever begun. */
  isKnown(load: string): boolean {
    return this.#seen.has(load)
  }

  look(entry: LoadEntry, { n }: Manifest): string[] {
    const { load, table } = entry
    const rows = this.#open.get(load)
    const what = `load ${load} of ${table}`
    switch (entry.type) {
      case 'load-begin':
        this.#seen.add(load)
        this.#shapes.set(load, entry.shape)
        this.#open.set(load, 0)
        if (rows !== undefined) return [`${what} begins again`]
        if (entry.since < n) return []
        return [`${what} is since manifest ${entry.since}, which comes later`]
      case 'load-part':
        if (rows === undefined) return [`${what} has a part and has not begun`]
        this.#open.set(load, rows + entry.rows)
        return []
      case 'load-end':
        this.#open.delete(load)
        if (rows === undefined) return [`${what} ends and has not begun`]
        if (rows === entry.rows) return []
        return [`${what} ends with ${entry.rows} rows, and its parts have ${rows}`]
      case 'load-cancel':
        this.#open.delete(load)
        return []
      default:
        return unreachable(entry)
    }
  }

  /** Notes which loads the manifest brought to their end. */
  after(before: LogState, state: LogState): void {
    for (const { load } of deadLoads(before, state)) this.#diedAt.set(load, state.n)
  }

  /** Whether retention may have taken the files of the load. */
  isSwept(load: string, sweptUpTo: number): boolean {
    const diedAt = this.#diedAt.get(load)
    return diedAt !== undefined && diedAt <= sweptUpTo
  }

  /** Loads that an earlier run of capture left open, and that nobody has cancelled. */
  leftOpen({ n, generation, tables }: LogState): string[] {
    if (n < generation + MANIFESTS_TO_CANCEL) return []
    const left: string[] = []
    for (const [table, { openLoads }] of tables) {
      for (const { load, beganAt } of openLoads) {
        if (beganAt < generation) left.push(`load ${load} of ${table} was never ended or cancelled`)
      }
    }
    return left
  }
}
