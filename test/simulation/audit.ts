/**
 * Watches the log: every manifest is checked at the moment it becomes durable.
 *
 * What must be in the log is known before: each transaction says which ordinals of which tables it
 * has. So nothing twice, nothing missing and nothing confirmed too early are one comparison.
 */

import { createHash } from 'node:crypto'

import type { ChangesEntry, LoadPartEntry, Manifest } from '../../src/core/manifest.ts'
import { comparePositions, type Position } from '../../src/core/position.ts'
import { tableName, type TableId } from '../../src/core/table.ts'
import { advance, initialState, type LogState } from '../../src/lake/log/log-state.ts'
import { decodeShape } from '../../src/lake/shape-json.ts'
import type { Counters } from './counters.ts'
import { TABLES, type ScriptedDatabase } from './scripted-database.ts'
import type { State } from './scripted-table.ts'
import { Violation, type ViolationCode } from './violation.ts'

export interface AuditParts {
  readonly database: Pick<ScriptedDatabase, 'transactions' | 'tables'>
  readonly counters: Counters
  readonly read: (key: string) => Buffer | null
  /** For a knock-out that would be caught by nothing else first. */
  readonly ignoresTicks: boolean
}

/** `Op`, `order`, LSN and ordinal of a row of a data file. */
interface FileRow extends Position {
  readonly order: number
}

export class Audit {
  readonly manifests: Manifest[] = []
  state: LogState = initialState
  /** Where heartbeats say that the source has nothing more. */
  readonly heartbeats = new Set<bigint>()
  readonly #parts: AuditParts
  readonly #due = new Map<string, Position[]>(TABLES.map((name) => [name, []]))
  /** How many of those are in the log. */
  readonly #taken = new Map<string, number>(TABLES.map((name) => [name, 0]))
  /** Transactions of the database that are in `#due`, or never will be. */
  #planned = 0
  /** The `since` of every load. */
  readonly #since = new Map<string, number>()
  /** The manifests with changes whose effect on rows the log does not tell. */
  readonly #ambiguous = new Map<string, number[]>(TABLES.map((name) => [name, []]))
  /** The last manifest in which the table was dropped. */
  readonly #dropped = new Map<string, number>()
  #clock = 0
  #start: bigint | null = null

  constructor(parts: AuditParts) {
    this.#parts = parts
  }

  /** The slot stands at `lsn`: everything from there on must come. */
  slotCreated(lsn: bigint): void {
    this.#start = lsn
  }

  confirmed(lsn: bigint): void {
    const { n, confirm } = this.state
    if (lsn > (confirm ?? 0n)) bad('confirm', `${lsn} is confirmed, ${confirm} is durable in ${n}`)
  }

  /** The manifest has become durable. */
  landed(manifest: Manifest): void {
    const { n, clock, to, confirm, kind } = manifest
    if (n !== this.manifests.length + 1) bad('dense', `${n} after ${this.manifests.length}`)
    const before = this.state
    this.manifests.push(manifest)
    this.state = advance(before, manifest)
    this.#plan()
    const [first] = this.manifests
    if (n === 1) this.#clock = first!.clock - 1
    for (const entry of manifest.entries) this.#take(entry, n)
    if (clock - 1 < this.#clock) bad('order', `manifest ${n} leaves no tick`)
    this.#clock = clock
    if (before.to !== null && comparePositions(to, before.to) < 0) {
      bad('to', `manifest ${n} goes back to ${to.lsn}/${to.ordinal}`)
    }
    if (before.confirm !== null && confirm < before.confirm) bad('to', `${n} confirms less`)
    this.#checkReached(manifest)
    if (kind === 'heartbeat') this.heartbeats.add(to.lsn)
    this.#parts.counters.add(`${kind}Manifest`)
    if (!to.end) this.#parts.counters.add('cutTransaction')
  }

  /** Whether all that was committed is in the log, and every table has been loaded. */
  get isComplete(): boolean {
    this.#plan()
    const { to, tables } = this.state
    if (!to?.end || tables.size < TABLES.length) return false
    for (const [id, { shape, newestLoad, openLoads }] of tables) {
      if (newestLoad === null || openLoads.length > 0) return false
      const { oid } = decodeShape(this.#parts.read(shape)!, shape)
      if (oid !== this.#parts.database.tables.get(tableName(id).name)!.oid) return false
    }
    return TABLES.every((name) => this.#next(name) === undefined)
  }

  /** What the manifests name is still what was written. */
  checkFiles(): void {
    for (const { n, entries } of this.manifests) {
      for (const entry of entries) {
        if (!('path' in entry)) continue
        const bytes = this.#parts.read(entry.path) ?? bad('data', `${entry.path} is gone`)
        const sha256 = createHash('sha256').update(bytes).digest('hex')
        if (sha256 !== entry.sha256) bad('data', `${entry.path} of manifest ${n} has other bytes`)
      }
    }
  }

  /** Whether the table was dropped after manifest n. */
  isDroppedAfter(name: string, n: number): boolean {
    return (this.#dropped.get(name) ?? 0) > n
  }

  /** The last manifest up to n after which only another load of the table can be equal; 0 if none. */
  ambiguousAt(name: string, n: number): number {
    return this.#ambiguous.get(name)!.findLast((at) => at <= n) ?? 0
  }

  /** The source where the log is at manifest n. */
  sourceAt(n: number): State {
    const { to } = this.manifests[n - 1]!
    const { transactions } = this.#parts.database
    const isIn = ({ lsn }: { lsn: bigint }) => lsn < to.lsn || (lsn === to.lsn && to.ordinal > 0)
    return transactions.findLast(isIn)?.after ?? EMPTY
  }

  #plan(): void {
    const { transactions } = this.#parts.database
    for (; this.#planned < transactions.length; this.#planned++) {
      const { lsn, ordinals } = transactions[this.#planned]!
      if (this.#start === null || lsn < this.#start) continue
      for (const [name, list] of ordinals) {
        for (const ordinal of list) this.#due.get(name)!.push({ lsn, ordinal } as Position)
      }
    }
  }

  #next(name: string): Position | undefined {
    return this.#due.get(name)![this.#taken.get(name)!]
  }

  #take(entry: Manifest['entries'][number], n: number): void {
    if (entry.type === 'changes') {
      const { name } = tableName(entry.table)
      const rows = this.#rows(entry)
      if (entry.order < this.#clock) bad('order', `${entry.path} begins at ${entry.order}`)
      for (const [i, row] of rows.entries()) {
        if (row.order !== entry.order + i) bad('order', `row ${i} of ${entry.path}`)
        this.#row(name, row, n)
      }
      this.#clock = entry.order + rows.length
    } else if (entry.type === 'truncate') {
      if (entry.order !== this.#clock - 1) bad('order', `the truncate in manifest ${n}`)
      this.#parts.counters.add('truncate')
    } else if ('order' in entry) {
      if (entry.order < this.#clock) bad('order', `the ${entry.type} in manifest ${n}`)
      this.#clock = entry.order + 1
      this.#parts.counters.add(entry.type)
      if (entry.type === 'shape' && entry.isAmbiguous) this.#isAmbiguous(entry.table, n)
      if (entry.type === 'drop') this.#dropped.set(tableName(entry.table).name, n)
    } else if (entry.type === 'load-part') {
      this.#part(entry)
    } else {
      if (entry.type === 'load-begin') this.#since.set(entry.load, entry.since)
      this.#parts.counters.add(entry.type)
    }
  }

  #isAmbiguous(table: TableId, n: number): void {
    this.#ambiguous.get(tableName(table).name)!.push(n)
    this.#parts.counters.add('ambiguous')
  }

  #row(name: string, { lsn, ordinal }: Position, n: number): void {
    const next = this.#next(name)
    const at = `${name} ${lsn}/${ordinal} in manifest ${n}`
    if (next === undefined) bad('twice', `${at}: nothing is due`)
    const order = comparePositions({ lsn, ordinal }, next)
    if (order < 0) bad('twice', at)
    if (order > 0) bad('missing', `${at}: ${next.lsn}/${next.ordinal} is due`)
    this.#taken.set(name, this.#taken.get(name)! + 1)
  }

  #part(entry: LoadPartEntry): void {
    const since = this.#since.get(entry.load) ?? bad('load', `${entry.load} has no beginning`)
    const tick = this.manifests[since - 1]!.clock - 1
    for (const { order } of this.#rows(entry)) {
      if (order !== tick && !this.#parts.ignoresTicks)
        bad('load', `${entry.path} has the order ${order}, not ${tick}`)
    }
  }

  #checkReached({ n, to, confirm, kind }: Manifest): void {
    for (const name of TABLES) {
      const next = this.#next(name)
      if (next === undefined) continue
      const { lsn, ordinal } = next
      if (comparePositions(next, to) <= 0) {
        bad('missing', `${name} ${lsn}/${ordinal} is not in the log at manifest ${n} (${kind})`)
      }
      if (lsn < confirm) bad('confirm', `${name} ${lsn}/${ordinal}, and ${n} confirms ${confirm}`)
    }
  }

  #rows({ path }: Pick<ChangesEntry, 'path'>): FileRow[] {
    const bytes = this.#parts.read(path) ?? bad('data', `${path} is not there`)
    const [, ...lines] = bytes.toString().trimEnd().split('\n')
    return lines.map((line) => {
      const [, order, lsn, ordinal] = line.split(',', 4)
      return { order: Number(order), lsn: BigInt(lsn!), ordinal: Number(ordinal) } as FileRow
    })
  }
}

const NOTHING = { columns: [], version: 0, shown: [], isRecreated: false }
const EMPTY: State = new Map(
  TABLES.map((name) => [name, { ...NOTHING, unclear: new Set(), rows: new Map() }]),
)

function bad(code: ViolationCode, text: string): never {
  throw new Violation(code, text)
}
