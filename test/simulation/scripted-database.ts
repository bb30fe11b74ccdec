/**
 * A database that exists only as its history: committed transactions, the bytes in which a server
 * would send them, and the state after each.
 *
 * Few keys, so that rows meet: every kind of change, values that are stored out of line and not sent
 * again, keys that change, truncates, columns that come and go, rows of a table that is not ours.
 * Every second commit stands exactly where the WAL ended when somebody looked last.
 */

import { tableId, type TableId } from '../../src/core/table.ts'
import { UNCHANGED, wire, type Value } from '../support/wire.ts'
import type { Random } from './random.ts'

/** By column. Columns that were dropped may still be there. */
export type Row = Readonly<Record<string, string | null>>

export interface TableState {
  readonly columns: readonly string[]
  /** The columns when the stream last showed a row of it. */
  readonly shown: readonly string[]
  readonly rows: ReadonlyMap<string, Row>
}

export type State = ReadonlyMap<string, TableState>

export interface Message {
  readonly bytes: Buffer
  /** Tables that the server must have described before, and with which columns. */
  readonly of: readonly { readonly table: Table; readonly columns: readonly string[] }[]
}

export interface Transaction {
  readonly lsn: bigint
  readonly end: bigint
  readonly committedAt: bigint
  readonly messages: readonly Message[]
  /** Where each change of a table of ours must stand in the log: its ordinals. */
  readonly ordinals: ReadonlyMap<string, readonly number[]>
  readonly after: State
}

export interface Table {
  readonly name: string
  readonly oid: number
  readonly isSelected: boolean
  readonly identity: 'default' | 'full'
  /** Defaults of the columns that were added to existing rows. */
  readonly missing: Map<string, string | null>
  /** Counts what gives it another file: a snapshot that is older sees nothing. */
  rewrites: number
  /** Copies under way, which keep it from being truncated or altered. */
  locks: number
}

export const KEYS = ['0', '1', '2', '3', '4'] as const
export const TABLES = ['a', 'b', 'c'] as const

export function idOf(name: string): TableId {
  return tableId({ namespace: 'app', name })
}

const FOREIGN = 'z'
const POSTGRES_EPOCH_MS = 946_684_800_000

export class ScriptedDatabase {
  readonly tables: ReadonlyMap<string, Table>
  readonly transactions: Transaction[] = []
  /** Where the WAL ends. The next commit may stand right here. */
  position = 1000n
  state: State
  readonly #random: Random
  #values = 0
  #columns = 0

  readonly #isLogged: (table: string, column: string) => boolean

  /** `isLogged`: the log has all changes of the table, and knows the column. */
  constructor(random: Random, isLogged: (table: string, column: string) => boolean) {
    this.#random = random
    this.#isLogged = isLogged
    const names = [...TABLES, FOREIGN]
    this.tables = new Map(names.map((name, i) => [name, tableOf(name, 16_384 + i, random)]))
    const columns = ['id', 'v', 't']
    this.state = new Map(names.map((name) => [name, { columns, shown: columns, rows: new Map() }]))
  }

  commit(nowMs: number): Transaction {
    const random = this.#random
    const draft = new Draft(this.state)
    const count = 1 + random.below(5)
    for (let i = 0; i < count; i++) this.#change(draft)
    if (random.chance(0.5)) this.position += BigInt(1 + random.below(4))
    const time = nowMs + random.below(20) - 10 + (random.chance(0.03) ? 100_000 : 0)
    const transaction: Transaction = {
      lsn: this.position,
      end: this.position + 1n,
      committedAt: BigInt(time - POSTGRES_EPOCH_MS) * 1000n,
      messages: draft.messages,
      ordinals: draft.ordinals,
      after: draft.state,
    }
    this.position += 1n
    this.state = draft.state
    this.transactions.push(transaction)
    return transaction
  }

  #change(draft: Draft): void {
    const random = this.#random
    const name = random.chance(0.08) ? FOREIGN : random.pick(TABLES)
    const table = this.tables.get(name)!
    const what = random.below(24)
    const { rows } = draft.of(name)
    if (what === 0 && table.locks === 0) return this.#truncate(draft)
    if (what === 1 && table.locks === 0) return this.#addColumn(draft, table)
    if (what === 2 && table.locks === 0) return this.#dropColumn(draft, table)
    const free = KEYS.filter((key) => !rows.has(key))
    const key = random.pick(rows.size > 0 ? [...rows.keys()] : KEYS)
    const isFree = free.length > 0
    if (rows.size === 0 || (what < 9 && isFree)) {
      const row = this.#row(draft.of(name).columns, random.pick(free))
      return draft.insert(table, row)
    }
    if (what < 14) return draft.update(table, key, this.#changed(draft, table, key))
    const old = rows.get(key)!
    if (what < 19 && isFree) {
      const changed = { ...this.#changed(draft, table, key), id: random.pick(free) }
      return draft.update(table, key, changed)
    }
    draft.delete(table, old)
  }

  #truncate(draft: Draft): void {
    const unlocked = [...this.tables.values()].filter(({ locks }) => locks === 0)
    const tables = unlocked.filter(() => this.#random.chance(0.4))
    if (tables.length > 0) draft.truncate(tables)
  }

  #addColumn(draft: Draft, table: Table): void {
    const { columns, ...rest } = draft.of(table.name)
    const name = `c${++this.#columns}`
    const value = this.#random.chance(0.3) ? null : `d${this.#columns}`
    table.missing.set(name, value)
    const rows = new Map([...rest.rows].map(([key, row]) => [key, { ...row, [name]: value }]))
    draft.state.set(table.name, { ...rest, columns: [...columns, name], rows })
  }

  /**
   * Only when the log knows it: the catalogs, which say what existing rows have in a column that was
   * added, forget it with the column.
   */
  #dropColumn(draft: Draft, { name, missing }: Table): void {
    const { columns, ...rest } = draft.of(name)
    const dropped = columns.slice(3).find((column) => this.#isLogged(name, column))
    if (dropped === undefined || draft.ordinals.has(name)) return
    missing.delete(dropped)
    draft.state.set(name, { ...rest, columns: columns.filter((column) => column !== dropped) })
  }

  #row(columns: readonly string[], id: string): Row {
    return Object.fromEntries(columns.map((name) => [name, name === 'id' ? id : this.#value()]))
  }

  #changed(draft: Draft, { name }: Table, key: string): Row {
    const { columns, rows } = draft.of(name)
    const old = rows.get(key)!
    const row = { ...old, ...this.#row(columns, key) }
    const isKept = old['t'] !== null && this.#random.chance(0.6)
    return isKept ? { ...row, t: old['t']! } : row
  }

  #value(): string | null {
    const number = ++this.#values
    const what = this.#random.below(12)
    if (what === 0) return null
    if (what === 1) return ''
    return what === 2 ? `"v",${number}` : `v${number}`
  }
}

function tableOf(name: string, oid: number, random: Random): Table {
  return {
    name,
    oid,
    isSelected: name !== FOREIGN,
    identity: name === 'b' && random.chance(0.5) ? 'full' : 'default',
    missing: new Map(),
    rewrites: 0,
    locks: 0,
  }
}

/** A transaction that is being made. */
class Draft {
  readonly state: Map<string, TableState>
  readonly messages: Message[] = []
  readonly ordinals = new Map<string, number[]>()

  constructor(before: State) {
    this.state = new Map(before)
  }

  of(name: string): TableState {
    return this.state.get(name)!
  }

  insert(table: Table, row: Row): void {
    this.#send(table, wire.insert(table.oid, this.#values(table, row)), [0])
    this.#keep(table, (rows) => rows.set(row['id']!, row))
  }

  update(table: Table, key: string, row: Row): void {
    const old = this.of(table.name).rows.get(key)!
    const isMoved = row['id'] !== key
    const values = this.#values(table, row)
    const at = this.of(table.name).columns.indexOf('t')
    if (row['t'] === old['t'] && row['t'] !== null) values[at] = UNCHANGED
    const before = table.identity === 'full' || isMoved ? this.#old(table, old) : {}
    this.#send(table, wire.update(table.oid, values, before), isMoved ? [0, 1] : [0])
    this.#keep(table, (rows) => {
      rows.delete(key)
      rows.set(row['id']!, row)
    })
  }

  delete(table: Table, row: Row): void {
    this.#send(table, wire.delete(table.oid, this.#old(table, row)), [0])
    this.#keep(table, (rows) => rows.delete(row['id']!))
  }

  truncate(tables: readonly Table[]): void {
    const of = tables.map((table) => ({ table, columns: this.of(table.name).columns }))
    this.messages.push({ bytes: wire.truncate(tables.map(({ oid }) => oid)), of })
    for (const table of tables) {
      table.rewrites++
      this.#count(table, [0])
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

  #send(table: Table, bytes: Buffer, steps: readonly number[]): void {
    this.messages.push({ bytes, of: [{ table, columns: this.of(table.name).columns }] })
    this.#count(table, steps)
  }

  #count({ name, isSelected }: Table, steps: readonly number[]): void {
    if (!isSelected) return
    const ordinals = this.ordinals.get(name) ?? []
    for (const step of steps) ordinals.push(2 * this.messages.length + step)
    this.ordinals.set(name, ordinals)
  }

  #keep({ name }: Table, change: (rows: Map<string, Row>) => void): void {
    const table = this.of(name)
    const rows = new Map(table.rows)
    change(rows)
    this.state.set(name, { ...table, shown: table.columns, rows })
  }
}
