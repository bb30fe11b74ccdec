/**
 * A table of a scripted database: what its catalogs say now.
 *
 * A column is known by its number, which is never given twice; a name may pass from one to another.
 * The catalogs know the present only. Who asks them about a message of the past may hear of another
 * column that has the name now, or of none.
 */

import type { WireColumn } from '../../src/core/shape-diff.ts'
import { TEXT } from '../support/tuples.ts'

/** By column. Columns that were dropped may still be there. */
export type Row = Readonly<Record<string, string | null>>

export interface TableState {
  readonly columns: readonly string[]
  /** How often it was altered: the server describes it again then, be it word for word. */
  readonly version: number
  /** The columns when the stream last showed a row of it. */
  readonly shown: readonly string[]
  /** The stream has not shown yet that it is another table than the one that had the name. */
  readonly isRecreated: boolean
  /** Names that passed to another column since. */
  readonly unclear: ReadonlySet<string>
  readonly rows: ReadonlyMap<string, Row>
}

export type State = ReadonlyMap<string, TableState>

export const FIRST_COLUMNS = ['id', 'v', 't'] as const

export class Table {
  readonly name: string
  readonly oid: number
  readonly isSelected: boolean
  readonly identity: 'default' | 'full'
  /** Text of rows that are older than the column. */
  readonly missing = new Map<string, string | null>()
  /** Columns that have a default. */
  readonly computed = new Set<string>()
  /** Names of columns that are no more. */
  readonly gone: string[] = []
  /** Copies under way, which keep it from being truncated or altered. */
  locks = 0
  readonly #numbers = new Map(FIRST_COLUMNS.map((name, i): [string, number] => [name, i + 1]))
  readonly #firstNumbers = new Map(this.#numbers)
  #last = this.#numbers.size
  #rewrites = 0

  constructor(facts: Pick<Table, 'name' | 'oid' | 'isSelected' | 'identity'>) {
    const { name, oid, isSelected, identity } = facts
    this.name = name
    this.oid = oid
    this.isSelected = isSelected
    this.identity = identity
  }

  /** `undefined`: each row that exists gets a value of its own, and the table another file. */
  add(name: string, missing: string | null | undefined): void {
    this.#set(name, ++this.#last)
    if (missing !== null) this.computed.add(name)
    if (missing === undefined) return this.rewrite()
    if (missing !== null) this.missing.set(name, missing)
  }

  drop(name: string): void {
    this.#numbers.delete(name)
    this.missing.delete(name)
    this.computed.delete(name)
    this.gone.push(name)
  }

  rename(from: string, to: string): void {
    const number = this.#numbers.get(from)!
    const missing = this.missing.get(from)
    const isComputed = this.computed.has(from)
    this.drop(from)
    this.#set(to, number)
    if (missing !== undefined) this.missing.set(to, missing)
    if (isComputed) this.computed.add(to)
  }

  rewrite(): void {
    this.#rewrites++
    this.missing.clear()
  }

  /** What gives it another file is counted: a snapshot that is older sees nothing. */
  get rewrites(): number {
    return this.#rewrites
  }

  /** What a snapshot must find as it was. */
  get signature(): string {
    return `${this.#rewrites} ${[...this.#numbers].join()}`
  }

  /** The number of the first column that had the name. */
  firstNumberOf(name: string): number {
    return this.#firstNumbers.get(name)!
  }

  #set(name: string, number: number): void {
    this.#numbers.set(name, number)
    if (!this.#firstNumbers.has(name)) this.#firstNumbers.set(name, number)
  }

  /** The columns of a Relation message, with their numbers if all of them are there still. */
  describe(names: readonly string[]): WireColumn[] {
    const numbers = names.map((name) => this.#numbers.get(name) ?? 0)
    const isKnown = numbers.every((number, i) => number > (numbers[i - 1] ?? 0))
    return names.map((name, i) => ({ name, type: TEXT, ...(isKnown && { attnum: numbers[i]! }) }))
  }
}
