/**
 * A target that gets other names than the source has: every step passes through its mapping.
 *
 * The ledger, and all errors, speak of tables by the names of the source; neither the apply loop nor
 * the target knows that there are others.
 */

import { CodedError, fail, unreachable } from '../core/errors.ts'
import type { Ledger } from '../core/ledger.ts'
import type { Mapping } from '../core/mapping.ts'
import { tableId, tableName, type TableId, type TableName } from '../core/table.ts'
import type { LedgerChange, Step, Target, TargetTable, Work } from '../core/target.ts'

export class MappedTarget implements Target {
  readonly name: string
  readonly #inner: Target
  readonly #mapping: Mapping
  /** Tables of the source that the target has. */
  readonly #tables = new Set<TableId>()
  /** Tables that steps were about, by what the target calls them. */
  readonly #sources = new Map<string, TableId>()

  constructor(inner: Target, mapping: Mapping) {
    this.name = inner.name
    this.#inner = inner
    this.#mapping = mapping
  }

  async open(): Promise<Ledger | null> {
    const ledger = await this.#inner.open()
    if (ledger !== null) this.#know(ledger)
    return ledger
  }

  async ledger(): Promise<Ledger> {
    const ledger = await this.#inner.ledger()
    this.#know(ledger)
    return ledger
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  async commit(work: Work): Promise<boolean> {
    try {
      const isDone = await this.#inner.commit({ ...work, steps: this.#steps(work.steps) })
      if (isDone) this.#know(work.ledger)
      return isDone
    } catch (error) {
      throw this.#ofSource(error)
    }
  }

  async *#steps(steps: AsyncIterable<Step>): AsyncGenerator<Step> {
    const taken = new Map<TableId, TableId>()
    for (const table of this.#tables) taken.set(this.#placeOf(table), table)
    for await (const step of steps) {
      if (step.type === 'create')
        claim(taken, tableId(step.table.name), this.#name(step.table.name))
      if (step.type === 'rename') {
        taken.delete(tableId(this.#name(step.from)))
        claim(taken, tableId(step.to), this.#name(step.to))
      }
      yield this.#step(step)
    }
  }

  /** Notes which tables the target has, or is being filled with. */
  #know({ tables, stragglers }: Pick<LedgerChange, 'tables' | 'stragglers'>): void {
    for (const [table, shape] of tables) {
      if (shape === null) this.#tables.delete(table)
      else this.#tables.add(table)
    }
    for (const [table, row] of stragglers)
      if (row !== null && row.shape !== null) this.#tables.add(table)
  }

  #placeOf(table: TableId): TableId {
    return tableId(this.#mapping.table(tableName(table)))
  }

  #step(step: Step): Step {
    const mapping = this.#mapping
    switch (step.type) {
      case 'rename':
        return { ...step, from: this.#name(step.from), to: this.#name(step.to) }
      case 'swap':
        return { ...step, name: this.#name(step.name), shape: mapping.shape(step.shape) }
      case 'keep': {
        const { table } = step.shape
        const by = step.by.map((name) => mapping.column(table, name))
        return { ...step, by, name: this.#name(step.name), shape: mapping.shape(step.shape) }
      }
      case 'alter': {
        const [from, to] = [mapping.shape(step.from), mapping.shape(step.to)]
        const defaults = Object.fromEntries(
          Object.entries(step.defaults).map(([name, value]) => [
            mapping.column(step.to.table, name),
            value,
          ]),
        )
        return { ...step, table: this.#table(step.table), from, to, defaults }
      }
      case 'drop':
      case 'truncate':
        return { ...step, table: this.#table(step.table) }
      case 'create':
      case 'fold':
      case 'load':
      case 'mark':
        return { ...step, table: this.#table(step.table), shape: mapping.shape(step.shape) }
      default:
        return unreachable(step)
    }
  }

  #table({ name, isShadow }: TargetTable): TargetTable {
    return { name: this.#name(name), isShadow }
  }

  #name(name: TableName): TableName {
    const mapped = this.#mapping.table(name)
    this.#sources.set(tableId(mapped), tableId(name))
    return mapped
  }

  #ofSource(error: unknown): unknown {
    if (!(error instanceof CodedError)) return error
    const table = this.#sources.get(String(error.details['table']))
    if (table === undefined || table === error.details['table']) return error
    const { code, message, hint, cause, details } = error
    return new CodedError(code, message, {
      cause,
      details: { ...details, table },
      ...(hint === undefined ? {} : { hint }),
    })
  }
}

/** Of two tables that would have one name the one keeps it that had it first. */
function claim(taken: Map<TableId, TableId>, id: TableId, name: TableName): void {
  const place = tableId(name)
  const other = taken.get(place)
  if (other !== undefined && other !== id) {
    fail('NAME_TAKEN', `${id} would be ${place} in the target, which is ${other} already`, {
      details: { table: id },
    })
  }
  taken.set(place, id)
}
