/**
 * A database that exists only as its history: committed transactions, the bytes in which a server
 * would send them, and the state after each.
 *
 * Few keys, so that rows meet: every kind of change, values that are stored out of line and not sent
 * again, keys that change, truncates, columns that come and go, rows of a table that is not ours.
 * Every second commit stands exactly where the WAL ended when somebody looked last.
 */

import { tableId, type TableId } from '../../src/core/table.ts'
import type { Random } from './random.ts'
import { alter } from './scripted-ddl.ts'
import { Draft, type Alteration, type Message } from './scripted-draft.ts'
import { FIRST_COLUMNS, Table, type Row, type State, type TableState } from './scripted-table.ts'

export interface Transaction {
  readonly xid: number
  readonly lsn: bigint
  readonly end: bigint
  readonly committedAt: bigint
  readonly messages: readonly Message[]
  /** Where each change of a table of ours must stand in the log: its ordinals. */
  readonly ordinals: ReadonlyMap<string, readonly number[]>
  readonly after: State
}

export const KEYS = ['0', '1', '2', '3', '4'] as const
export const TABLES = ['a', 'b', 'c'] as const

export function idOf(name: string): TableId {
  return tableId({ namespace: 'app', name })
}

const FOREIGN = 'z'
const BIG = 'x'.repeat(270_000)
const POSTGRES_EPOCH_MS = 946_684_800_000

export class ScriptedDatabase {
  readonly tables: Map<string, Table>
  readonly transactions: Transaction[] = []
  /** Where the WAL ends. The next commit may stand right here. */
  position = 1000n
  state: State
  readonly #random: Random
  /** How many of 24 changes alter a table. */
  readonly #unrest: number
  #values = 0
  #columns = 0
  #xid = 700
  #oid = 17_000

  /** `isRestless`: its tables are altered often. */
  constructor(random: Random, isRestless: boolean) {
    this.#random = random
    this.#unrest = isRestless ? 6 : 1
    const names = [...TABLES, FOREIGN]
    this.tables = new Map(names.map((name, i) => [name, tableOf(name, 16_384 + i, random)]))
    const columns = FIRST_COLUMNS
    const empty = { columns, version: 0, shown: columns, isRecreated: false }
    this.state = new Map(
      names.map((name) => [name, { ...empty, unclear: new Set(), rows: new Map() }]),
    )
  }

  commit(nowMs: number): Transaction {
    const random = this.#random
    const draft = new Draft(this.state)
    const count = 1 + random.below(5)
    for (let i = 0; i < count; i++) {
      if (random.chance(0.1)) draft.savepoint()
      if (random.chance(0.12)) draft.rollBack((inner) => this.#inVain(inner))
      this.#change(draft, random.below(24))
    }
    if (random.chance(0.5)) this.position += BigInt(1 + random.below(4))
    const time = nowMs + random.below(20) - 10 + (random.chance(0.03) ? 100_000 : 0)
    const transaction: Transaction = {
      xid: this.#nextXid(),
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

  /** A transaction that is rolled back in the end; a server may have streamed some of it by then. */
  rolledBack(): Pick<Transaction, 'xid' | 'messages'> {
    const draft = new Draft(this.state)
    for (let i = this.#random.below(3); i >= 0; i--) this.#inVain(draft)
    return { xid: this.#nextXid(), messages: draft.messages }
  }

  #nextXid(): number {
    this.#xid += 50
    return this.#xid
  }

  /** A change that will be rolled back, now and then one that no memory holds. */
  #inVain(draft: Draft): void {
    const random = this.#random
    const table = this.tables.get(random.pick(TABLES))!
    if (random.chance(0.1)) draft.alter(table, this.#column(draft.of(table.name)))
    if (!random.chance(0.1)) return this.#change(draft, 7 + random.below(17))
    draft.isLarge = true
    draft.insert(table, { ...this.#row(draft.of(table.name).columns, 'big'), v: BIG })
    draft.isLarge = false
  }

  #change(draft: Draft, what: number): void {
    const random = this.#random
    const name = random.chance(0.08) ? FOREIGN : random.pick(TABLES)
    const table = this.tables.get(name)!
    const { rows } = draft.of(name)
    if (what === 0 && table.locks === 0) return this.#truncate(draft)
    if (what <= this.#unrest && table.locks === 0) return this.#alter(draft, table)
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

  /** Null if it was dropped. */
  tableOf(oid: number): Table | null {
    return [...this.tables.values()].find((table) => table.oid === oid) ?? null
  }

  #recreate(draft: Draft, { name }: Table): void {
    const table = tableOf(name, this.#oid++, this.#random)
    this.tables.set(name, table)
    draft.create(table)
  }

  #alter(draft: Draft, table: Table): void {
    if (this.#random.chance(0.08)) return this.#recreate(draft, table)
    const newName = (): string => `c${++this.#columns}`
    alter(draft, table, { random: this.#random, newName, newValue: () => this.#value() })
  }

  /** A column that no catalog will ever know. */
  #column({ columns }: TableState): Alteration {
    return { columns: [...columns, 'x'], unclear: 'x', row: (row) => row }
  }

  #truncate(draft: Draft): void {
    const unlocked = [...this.tables.values()].filter(({ locks }) => locks === 0)
    const tables = unlocked.filter(() => this.#random.chance(0.4))
    if (tables.length > 0) draft.truncate(tables)
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
  const identity = name === 'b' && random.chance(0.5) ? 'full' : 'default'
  return new Table({ name, oid, isSelected: name !== FOREIGN, identity })
}
