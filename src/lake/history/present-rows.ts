/**
 * The rows of a table after a load and the changes that follow it, of any length.
 *
 * Changes come first and are kept as the last word on each key, so memory holds the rows that changed
 * since the load, whatever happened to them in between; then the load streams past. A row that was
 * changed is left out there, and gives the values that its changes did not touch. As everywhere, an
 * insert with unchanged values goes on with the row that the delete right before it ended.
 */

import { ChangeCursor, OP, type ChangeLog } from '../../core/change-log.ts'
import { fail } from '../../core/errors.ts'
import type { Shape } from '../../core/table.ts'
import { KIND, TupleCursor } from '../../core/tuple.ts'

/** The bytes of each column; `null` for NULL. */
export type RowValues = readonly (Buffer | null)[]

/** `undefined`: unchanged, to be found in the row of the load that has the key `source`. */
type Values = (Buffer | null | undefined)[]

interface Version {
  readonly values: Values
  source: string | null
}

/** The row that the last delete ended. */
interface Ended {
  readonly key: string
  readonly before: Version | null | undefined
}

export class PresentRows {
  /** `null`: deleted. */
  readonly #rows = new Map<string, Version | null>()
  /** Rows of a table without a key, which are never found again. */
  #keyless: Values[] = []
  /** What rows have in columns that were added after they were written. */
  readonly #added: (Buffer | null)[] = []
  readonly #tuple = new TupleCursor()
  #shape: Shape
  #isLoadGone = false
  #ended: Ended | null = null

  constructor(shape: Shape) {
    this.#shape = shape
  }

  get shape(): Shape {
    return this.#shape
  }

  /** Rows of the load do not count: the table was emptied after it. */
  get isLoadGone(): boolean {
    return this.#isLoadGone
  }

  /** From here on rows have another shape. The key must stay as it was. */
  reshape(shape: Shape, defaults: Readonly<Record<string, string | null>>): void {
    for (let i = this.#shape.columns.length; i < shape.columns.length; i++) {
      const text = defaults[shape.columns[i]!.name] ?? null
      this.#added[i] = text === null ? null : Buffer.from(text)
    }
    const isSameKey = shape.key.join() === this.#shape.key.join()
    this.#shape = shape
    if (!isSameKey) fail('TIME_UNKNOWN', 'the key of the table became another one since its load')
  }

  /** False if `isBeyond` says that the change, and all that follow, are not to be taken. */
  take(changes: ChangeLog, isTaken: (change: ChangeCursor) => 'yes' | 'no' | 'end'): boolean {
    const cursor = new ChangeCursor()
    for (const block of changes.drain()) {
      cursor.open(block)
      while (cursor.next()) {
        const answer = isTaken(cursor)
        if (answer === 'end') return false
        if (answer === 'yes') this.#apply(cursor)
      }
    }
    return true
  }

  /** The rows of the load that nothing happened to, and then all others. */
  async *rows(
    load: AsyncIterable<{ readonly bytes: Buffer; readonly starts: readonly number[] }>,
  ): AsyncGenerator<RowValues> {
    const wanted = this.#sources()
    if (!this.#isLoadGone) yield* this.#untouched(load, wanted)
    for (const values of this.#keyless) yield this.#whole(values)
    for (const version of this.#rows.values()) {
      if (version !== null) yield this.#whole(version.values)
    }
  }

  async *#untouched(
    load: AsyncIterable<{ readonly bytes: Buffer; readonly starts: readonly number[] }>,
    wanted: ReadonlyMap<string, readonly Version[]>,
  ): AsyncGenerator<RowValues> {
    for await (const { bytes, starts } of load) {
      for (const start of starts.slice(0, -1)) {
        const values = this.#read(bytes, start)
        const key = this.#shape.key.length === 0 ? null : this.#keyOf(values)
        if (key === null || this.#rows.get(key) === undefined) yield this.#whole(values)
        if (key === null) continue
        const versions = wanted.get(key)
        if (versions === undefined) continue
        // The block is used again for other rows, and these are kept.
        const kept = values.map((value) => value && Buffer.from(value))
        for (const version of versions) this.#fill(version.values, kept)
      }
    }
  }

  #sources(): ReadonlyMap<string, readonly Version[]> {
    const wanted = new Map<string, Version[]>()
    for (const version of this.#rows.values()) {
      if (version === null || version.source === null) continue
      const others = wanted.get(version.source)
      if (others === undefined) wanted.set(version.source, [version])
      else others.push(version)
    }
    return wanted
  }

  #apply({ op, bytes, start, end }: ChangeCursor): void {
    if (op === OP.truncate) return this.#truncate()
    // The block is used again for other rows.
    const values = this.#read(Buffer.from(bytes.subarray(start, end)), 0)
    if (this.#shape.key.length === 0) return this.#applyKeyless(op, values)
    const key = this.#keyOf(values)
    const before = this.#rows.get(key)
    if (op === OP.delete) {
      this.#ended = { key, before }
      this.#rows.set(key, null)
      return
    }
    const version: Version = { values, source: null }
    const from = op === OP.update ? { key, before } : this.#ended
    if (values.includes(undefined)) this.#complete(version, from)
    this.#rows.set(key, version)
  }

  #applyKeyless(op: number, values: Values): void {
    if (op !== OP.insert) {
      fail('TABLE_WITHOUT_KEY', 'rows of a table without a key were changed, and cannot be found')
    }
    this.#keyless.push(values)
  }

  #truncate(): void {
    this.#rows.clear()
    this.#keyless = []
    this.#isLoadGone = true
    this.#ended = null
  }

  /** Takes what is unchanged from the row before, or notes which row of the load has it. */
  #complete(version: Version, from: Ended | null): void {
    const before = from?.before
    if (from === null || before === null) damaged()
    if (before !== undefined) {
      this.#fill(version.values, before.values)
      if (version.values.includes(undefined)) version.source = before.source
      return
    }
    if (this.#isLoadGone) damaged()
    version.source = from.key
  }

  #fill(values: Values, from: Values): void {
    for (let i = 0; i < values.length; i++) {
      if (values[i] === undefined) values[i] = i < from.length ? from[i] : (this.#added[i] ?? null)
    }
  }

  #whole(values: Values): RowValues {
    if (values.includes(undefined)) damaged()
    const { length } = this.#shape.columns
    for (let i = values.length; i < length; i++) values.push(this.#added[i] ?? null)
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has no undefined value
    return values as (Buffer | null)[]
  }

  #read(bytes: Buffer, start: number): Values {
    const tuple = this.#tuple.open(bytes, start)
    const values: Values = []
    while (tuple.next()) {
      if (tuple.kind === KIND.text) values.push(bytes.subarray(tuple.start, tuple.end))
      else values.push(tuple.kind === KIND.null ? null : undefined)
    }
    return values
  }

  /** Lengths stand before the values, so that no two keys read the same. */
  #keyOf(values: Values): string {
    let key = ''
    for (const column of this.#shape.key) {
      const value = values[column] ?? fail('LAKE_DAMAGED', 'a row without its key')
      key += `${value.length}:${value.toString('latin1')}`
    }
    return key
  }
}

function damaged(): never {
  return fail('LAKE_DAMAGED', 'a row has unchanged values, and the row that has them is not there')
}
