/** A transaction that is being made: its messages, and what it leaves. */

import { UNCHANGED, wire, type Value } from '../support/wire.ts'
import {
  FIRST_COLUMNS,
  type Row,
  type State,
  type Table,
  type TableState,
} from './scripted-table.ts'

export interface Message {
  /** As the server writes it; with the id of its (sub)transaction if that is streamed. */
  readonly bytes: (xid?: number) => Buffer
  /** Tables that the server must have described before, and with which columns. */
  readonly of: readonly ({ readonly table: Table } & Pick<TableState, 'columns' | 'version'>)[]
  /** Number of the subtransaction; 0 is the transaction itself. */
  readonly sub: number
  /** With its subtransaction. Only who is streamed to ever sees it. */
  readonly isRolledBack: boolean
  /** More than a spool keeps in memory. */
  readonly isLarge: boolean
}

export interface Alteration {
  readonly columns: readonly string[]
  /** A name that passed to another column, or to none. */
  readonly unclear: string
  /** What becomes of a row that exists. */
  readonly row: (row: Row) => Row
}

export class Draft {
  readonly state: Map<string, TableState>
  readonly messages: Message[] = []
  readonly ordinals = new Map<string, number[]>()
  /** What comes is more than a spool keeps in memory. */
  isLarge = false
  /** Messages that survive. */
  #count = 0
  /** The subtransaction that is under way. */
  #sub = 0
  #subs = 0

  constructor(before: State) {
    this.state = new Map(before)
  }

  of(name: string): TableState {
    return this.state.get(name)!
  }

  /** What follows belongs to another subtransaction, which survives. */
  savepoint(): void {
    this.#sub = ++this.#subs
  }

  /** A subtransaction that leaves nothing but its messages. */
  rollBack(change: (inner: Draft) => void): void {
    const inner = new Draft(this.state)
    change(inner)
    const sub = ++this.#subs
    for (const message of inner.messages)
      this.messages.push({ ...message, sub, isRolledBack: true })
  }

  /** The table that had the name was dropped. */
  create({ name }: Table): void {
    const { version } = this.of(name)
    const columns = { columns: FIRST_COLUMNS, shown: FIRST_COLUMNS, unclear: new Set<string>() }
    this.state.set(name, { ...columns, version: version + 1, isRecreated: true, rows: new Map() })
  }

  alter({ name }: Table, { columns, unclear, row }: Alteration): void {
    const { shown, version, rows, unclear: before } = this.of(name)
    const after = new Map([...rows].map(([key, old]) => [key, row(old)]))
    const all = { ...this.of(name), shown, unclear: new Set([...before, unclear]), rows: after }
    this.state.set(name, { ...all, columns, version: version + 1 })
  }

  insert(table: Table, row: Row): void {
    const values = this.#values(table, row)
    this.#send(table, (xid) => wire.insert(table.oid, values, { xid }), [0])
    this.#keep(table, (rows) => rows.set(row['id']!, row))
  }

  update(table: Table, key: string, row: Row): void {
    const old = this.of(table.name).rows.get(key)!
    const isMoved = row['id'] !== key
    const values = this.#values(table, row)
    const at = this.of(table.name).columns.indexOf('t')
    if (row['t'] === old['t'] && row['t'] !== null) values[at] = UNCHANGED
    const before = table.identity === 'full' || isMoved ? this.#old(table, old) : {}
    const bytes = (xid?: number): Buffer => wire.update(table.oid, values, { ...before, xid })
    this.#send(table, bytes, isMoved ? [0, 1] : [0])
    this.#keep(table, (rows) => {
      rows.delete(key)
      rows.set(row['id']!, row)
    })
  }

  delete(table: Table, row: Row): void {
    const old = this.#old(table, row)
    this.#send(table, (xid) => wire.delete(table.oid, { ...old, xid }), [0])
    this.#keep(table, (rows) => rows.delete(row['id']!))
  }

  truncate(tables: readonly Table[]): void {
    const of = tables.map((table) => this.#described(table))
    const oids = tables.map(({ oid }) => oid)
    this.#push({ bytes: (xid) => wire.truncate(oids, { xid }), of })
    for (const table of tables) {
      table.rewrite()
      this.#counted(table, [0])
      this.#keep(table, (rows) => rows.clear())
    }
  }

  #values({ name }: Table, row: Row): Value[] {
    return this.of(name).columns.map((column) => row[column] ?? null)
  }

  /** The old row as the server sends it: all of it, or its key. */
  #old(table: Table, row: Row): { key: Value[] } | { full: Value[] } {
    if (table.identity === 'full') return { full: this.#values(table, row) }
    const { columns } = this.of(table.name)
    return { key: columns.map((column) => (column === 'id' ? row['id']! : null)) }
  }

  #send(table: Table, bytes: Message['bytes'], steps: readonly number[]): void {
    this.#push({ bytes, of: [this.#described(table)] })
    this.#counted(table, steps)
  }

  #described(table: Table): Message['of'][number] {
    const { columns, version } = this.of(table.name)
    return { table, columns, version }
  }

  #push(message: Pick<Message, 'bytes' | 'of'>): void {
    this.messages.push({ ...message, sub: this.#sub, isRolledBack: false, isLarge: this.isLarge })
    this.#count++
  }

  #counted({ name, isSelected }: Table, steps: readonly number[]): void {
    if (!isSelected) return
    const ordinals = this.ordinals.get(name) ?? []
    for (const step of steps) ordinals.push(2 * this.#count + step)
    this.ordinals.set(name, ordinals)
  }

  #keep({ name }: Table, change: (rows: Map<string, Row>) => void): void {
    const table = this.of(name)
    const rows = new Map(table.rows)
    change(rows)
    const isShown = { shown: table.columns, unclear: new Set<string>(), isRecreated: false }
    this.state.set(name, { ...table, ...isShown, rows })
  }
}
