/**
 * A batch's last word on each key.
 *
 * A target does not care that a row was inserted, updated twice and deleted within ten seconds; it
 * pays for every statement. So before a batch is applied, the changes to each key are folded into
 * one: the row as it ends up, or its absence.
 *
 * Two things make this more than "keep the last". An update may leave out large values it did not
 * touch: they come from what the batch knows of the row, or else from the row that the target had
 * before the batch, which is called the source. And an update of the key is the end of one row and
 * the beginning of another, D at ordinal 2k and I at 2k + 1: the I goes on with what the row of the
 * D had, its source included, through chains and swaps.
 */

import { ChangeCursor, OP, type ChangeLog } from './change-log.ts'
import { fail } from './errors.ts'
import { walk } from './fold-rows.ts'
import { FoldStore, NOWHERE } from './fold-store.ts'
import { FoldVersions } from './fold-versions.ts'
import { ZERO_LSN } from './lsn.ts'
import type { Mode } from './mode.ts'
import type { Shape } from './table.ts'
import { KIND, TupleFields } from './tuple.ts'

/** What a batch comes to for one table. */
export interface FoldedRows extends Iterable<FoldedRow> {
  readonly upserts: number
  readonly deletes: number
  /** How many upserts need a value from the target, because the batch does not know it. */
  readonly fills: number
  /** Every change was the insert of a row that the source did not have, so the target should not either. */
  readonly isInsertOnly?: boolean
}

/** One key. The same object is reused for each row of an iteration. */
export interface FoldedRow {
  readonly op: 'upsert' | 'delete'
  /** The tuple `bytes[start, end)`, aligned with the columns of the shape; of a delete, its key at least. */
  readonly bytes: Buffer
  readonly start: number
  readonly end: number
  /**
   * For an upsert with unchanged values: a tuple whose key columns name the row of the target that has
   * them, as it was before the batch. It differs from the row's own key after a change of key.
   */
  readonly source: { readonly bytes: Buffer; readonly start: number; readonly end: number } | null
}

/** What the batch knew of a row before the change at hand. */
interface Before {
  /** Known to the batch, known to the target alone, or to nobody any more. */
  state: 'in batch' | 'in target' | 'gone'
  /** A tuple whose key names the row of the target that it comes from, if that has any of its values. */
  source: number
  tuple: number
  line: number
}

export class Fold {
  readonly #mode: Mode
  readonly #hasKey: boolean
  readonly #store: FoldStore
  readonly #versions = new FoldVersions()
  readonly #fields: TupleFields
  readonly #earlier: TupleFields
  readonly #logs: ChangeLog[] = []
  #isTruncated = false
  #isInsertOnly = true
  /** One object for all; after a D it is the row that the D ended, for the I that may follow. */
  readonly #before: Before = { state: 'gone', source: NOWHERE, tuple: NOWHERE, line: NOWHERE }
  readonly #deletedBy = { lsn: ZERO_LSN, ordinal: NOWHERE }

  /** Under `soft-delete` a D is an update that ends a row; under `history` nothing is ended or folded. */
  constructor({ columns, key, table }: Shape, mode: Mode = 'mirror') {
    if (key.length === 0 && mode !== 'history') {
      fail('TABLE_WITHOUT_KEY', `${table.namespace}.${table.name} has no key to fold by`)
    }
    this.#mode = mode
    this.#hasKey = key.length > 0
    this.#store = new FoldStore(columns.length, key)
    this.#fields = new TupleFields(columns.length)
    this.#earlier = new TupleFields(columns.length)
  }

  /** The table was emptied within the batch; the rows are what happened after that. */
  get isTruncated(): boolean {
    return this.#isTruncated
  }

  /**
   * Takes changes in the order of the log, aligned with the columns of the shape. The log belongs to
   * the fold from now on. `keep` leaves out those for which it says false.
   */
  add(changes: ChangeLog, keep: (change: ChangeCursor) => boolean = () => true): void {
    this.#logs.push(changes)
    const cursor = new ChangeCursor()
    for (const block of changes.blocks()) {
      let base = this.#store.addBlock(block)
      cursor.open(block)
      while (cursor.next()) {
        if (!keep(cursor)) continue
        if (this.#mode === 'history') this.#version(cursor, base)
        else if (cursor.op === OP.truncate) {
          this.#forget()
          base = this.#store.addBlock(block)
        } else {
          this.#change(cursor, base)
        }
      }
    }
  }

  /** Forgets everything so far: the table was emptied here. */
  truncate(): void {
    this.#forget()
    this.#releaseLogs()
  }

  /** The rows are valid until `release` or the next change. */
  finish(): FoldedRows {
    if (this.#mode === 'history') return this.#versions.rows(this.#store)
    const { size, isDeleted, sources } = this.#store
    let deletes = 0
    let fills = 0
    for (let entry = 0; entry < size; entry++) {
      deletes += isDeleted[entry]!
      if (sources[entry] !== NOWHERE) fills++
    }
    return {
      upserts: size - deletes,
      deletes,
      fills,
      isInsertOnly: this.#isInsertOnly,
      [Symbol.iterator]: () => walk(this.#store),
    }
  }

  /** Gives the memory back. */
  release(): void {
    this.#store.clear()
    this.#versions.clear()
    this.#releaseLogs()
  }

  #forget(): void {
    this.#store.clear()
    this.#isTruncated = true
    this.#deletedBy.ordinal = NOWHERE
  }

  #releaseLogs(): void {
    for (const log of this.#logs.splice(0)) log.release()
  }

  /** What the row is after the change is a row of its own; a truncate is one without values. */
  #version(change: ChangeCursor, base: number): void {
    const store = this.#store
    if (change.op !== OP.truncate && this.#hasKey) {
      return this.#versions.add(store, this.#change(change, base))
    }
    this.#fields.read(change.bytes, change.start)
    if (this.#fields.unchanged > 0) {
      fail('PROTOCOL_VIOLATION', 'an unchanged value of a table without a key')
    }
    this.#versions.addTuple(base + change.start)
  }

  /** Returns the entry of its key. */
  #change(change: ChangeCursor, base: number): number {
    const store = this.#store
    const place = base + change.start
    this.#fields.read(change.bytes, change.start)
    const size = store.size
    const entry = store.entryOf(this.#fields, change.bytes)
    const isDelete = change.op === OP.delete
    const isGone = isDelete && this.#mode !== 'soft-delete'
    // One with an odd ordinal is what became of a row whose key was changed.
    if (change.op !== OP.insert || change.ordinal % 2 === 1) this.#isInsertOnly = false
    if (isDelete || this.#fields.unchanged > 0) {
      const isMoved = change.op === OP.insert
      if (isMoved) this.#checkPair(change)
      else this.#look(entry === size ? NOWHERE : entry, place)
      if (!isGone) this.#goOn(entry, place, base)
      if (isDelete) {
        this.#deletedBy.lsn = change.commitLsn
        this.#deletedBy.ordinal = change.ordinal
      }
      if (!isGone) return entry
    }
    store.tuples[entry] = place
    store.sources[entry] = NOWHERE
    store.lines[entry] = NOWHERE
    store.isDeleted[entry] = isGone ? 1 : 0
    return entry
  }

  /** Notes what the batch knows of a row before it changes; `place` is a tuple that has its key. */
  #look(entry: number, place: number): void {
    const store = this.#store
    const before = this.#before
    this.#deletedBy.ordinal = NOWHERE
    if (entry === NOWHERE) {
      before.state = this.#isTruncated ? 'gone' : 'in target'
      before.source = place
      return
    }
    before.state = store.isDeleted[entry] === 1 ? 'gone' : 'in batch'
    before.source = store.sources[entry]!
    before.tuple = store.tuples[entry]!
    before.line = store.lines[entry]!
  }

  /** An insert has unchanged values only as the second half of a change of key. */
  #checkPair(insert: ChangeCursor): void {
    const { lsn, ordinal } = this.#deletedBy
    this.#deletedBy.ordinal = NOWHERE
    const isPair = insert.ordinal % 2 === 1 && insert.ordinal === ordinal + 1
    if (isPair && insert.commitLsn === lsn) return
    fail('PROTOCOL_VIOLATION', 'an insert with unchanged values, but no row that has them')
  }

  /** The row of the tuple at `place` has unchanged values: it goes on with those it had before. */
  #goOn(entry: number, place: number, base: number): void {
    const store = this.#store
    const before = this.#before
    if (before.state === 'gone') {
      fail('PROTOCOL_VIOLATION', 'an unchanged value of a row that is gone')
    }
    store.tuples[entry] = place
    store.isDeleted[entry] = 0
    if (before.state === 'in target') {
      store.sources[entry] = before.source
      store.lines[entry] = NOWHERE
      return
    }
    if (before.line === NOWHERE) {
      this.#earlier.read(store.blockOf(before.tuple), store.offsetOf(before.tuple))
    }
    const missing = this.#countMissing()
    store.sources[entry] = missing > 0 ? before.source : NOWHERE
    store.lines[entry] = missing < this.#fields.unchanged ? this.#join(base) : NOWHERE
  }

  /** How many of the unchanged values the row did not have before either. */
  #countMissing(): number {
    const { line } = this.#before
    const { kinds } = this.#fields
    let missing = 0
    for (let i = 0; i < kinds.length; i++) {
      if (kinds[i] !== KIND.unchanged) continue
      const kind =
        line === NOWHERE ? this.#earlier.kinds[i] : this.#store.byteAt(this.#store.piece(line, i))
      if (kind === KIND.unchanged) missing++
    }
    return missing
  }

  /**
   * Makes a line of the new values and, where those are unchanged, of the earlier ones. The earlier
   * line is used again, unless what had it is still a row.
   */
  #join(base: number): number {
    const store = this.#store
    const { line: earlierLine, tuple } = this.#before
    const { kinds } = this.#fields
    const earlierBase = tuple - store.offsetOf(tuple)
    const isNew = earlierLine === NOWHERE || this.#mode !== 'mirror'
    const line = isNew ? store.newLine() : earlierLine
    for (let i = 0; i < kinds.length; i++) {
      if (kinds[i] !== KIND.unchanged) store.setPiece(line, i, base + kindAt(this.#fields, i))
      else if (earlierLine === NOWHERE) {
        store.setPiece(line, i, earlierBase + kindAt(this.#earlier, i))
      } else if (isNew) store.setPiece(line, i, store.piece(earlierLine, i))
    }
    return line
  }
}

/** Where the kind of a column stands: before its length, or alone. */
function kindAt({ kinds, starts }: TupleFields, column: number): number {
  return starts[column]! - (kinds[column] === KIND.text ? 5 : 1)
}
