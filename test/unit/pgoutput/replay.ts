/**
 * Keeps tables by a stream, in the simplest way that is right: changes wait in a list until their
 * transaction ends, and rows are found by comparing keys. Fixtures hold what SELECT said when they
 * were recorded, so a decoder that misreads a row ends with other tables than the server had.
 */

import type {
  MessageHandler,
  Relation,
  RowMessage,
  StreamAbort,
  StreamCommit,
  StreamStart,
  Truncate,
  TwoPhase,
} from '../../../src/pgoutput/index.ts'
import { UNCHANGED } from '../../support/wire.ts'
import { newValues, oldValues, type Read } from './transcript.ts'

type Table = Read[][]

interface Change {
  /** Of the subtransaction, in streams. */
  readonly xid: number
  readonly apply: () => void
}

export class Replay implements MessageHandler {
  /** By `namespace.name`. */
  readonly tables = new Map<string, Table>()
  readonly #relations = new Map<number, Relation>()
  readonly #streams = new Map<number, Change[]>()
  readonly #prepared = new Map<string, Change[]>()
  #open: Change[] = []

  begin(): void {
    this.#open = []
  }

  commit(): void {
    applyAll(this.#open)
  }

  origin(): void {}

  type(): void {}

  message(): void {}

  relation(relation: Relation): void {
    this.#relations.set(relation.oid, relation)
  }

  insert(row: RowMessage): void {
    const values = newValues(row)
    const { oid } = row
    this.#later(row.xid, () => this.#table(oid).push(values))
  }

  update(row: RowMessage): void {
    const { oid } = row
    const values = newValues(row)
    const key = row.old === 'none' ? values : oldValues(row)
    this.#later(row.xid, () => {
      const table = this.#table(oid)
      const at = this.#find(oid, key)
      const before = table[at]!
      table[at] = values.map((value, i) => (value === UNCHANGED ? before[i]! : value))
    })
  }

  delete(row: RowMessage): void {
    const { oid } = row
    const key = oldValues(row)
    this.#later(row.xid, () => this.#table(oid).splice(this.#find(oid, key), 1))
  }

  truncate({ xid, oids }: Truncate): void {
    this.#later(xid, () => {
      for (const oid of oids) this.#table(oid).length = 0
    })
  }

  streamStart({ xid }: StreamStart): void {
    this.#open = this.#streams.get(xid) ?? []
    this.#streams.set(xid, this.#open)
  }

  streamStop(): void {
    this.#open = []
  }

  streamCommit({ xid }: StreamCommit): void {
    applyAll(this.#takeStream(xid))
  }

  streamAbort({ xid, subxid }: StreamAbort): void {
    const changes = this.#takeStream(xid)
    if (xid === subxid) return
    this.#streams.set(
      xid,
      changes.filter((change) => change.xid !== subxid),
    )
  }

  twoPhase(message: TwoPhase): void {
    const { kind, gid, xid } = message
    if (kind === 'begin-prepare') this.#open = []
    if (kind === 'prepare') this.#prepared.set(gid, this.#open)
    if (kind === 'stream-prepare') this.#prepared.set(gid, this.#takeStream(xid))
    if (kind === 'commit-prepared') applyAll(this.#prepared.get(gid) ?? [])
    if (kind === 'rollback-prepared') this.#prepared.delete(gid)
  }

  #later(xid: number, apply: () => void): void {
    this.#open.push({ xid, apply })
  }

  #takeStream(xid: number): Change[] {
    const changes = this.#streams.get(xid)
    if (!changes) throw new Error(`no stream of ${xid} is open`)
    this.#streams.delete(xid)
    return changes
  }

  #relation(oid: number): Relation {
    const relation = this.#relations.get(oid)
    if (!relation) throw new Error(`no Relation message came for ${oid}`)
    return relation
  }

  #table(oid: number): Table {
    const { namespace, name } = this.#relation(oid)
    const id = `${namespace}.${name}`
    const table = this.tables.get(id) ?? []
    this.tables.set(id, table)
    return table
  }

  #find(oid: number, key: readonly Read[]): number {
    const { columns, name } = this.#relation(oid)
    const at = this.#table(oid).findIndex((row) =>
      columns.every((column, i) => !column.isKey || row[i] === key[i]),
    )
    if (at < 0) throw new Error(`${name} has no row with this key`)
    return at
  }
}

function applyAll(changes: readonly Change[]): void {
  for (const { apply } of changes) apply()
}
