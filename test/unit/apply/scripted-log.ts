/**
 * A log written by hand: manifests from a few words, data files that are lists of changes.
 *
 * It obeys the interfaces that the apply loop has for the lake, shapes and requests included. A shape
 * is named by its table and number: `a1` has the columns id and v, `a2` has w besides.
 */

import type { LoadRequests, LoadStretch, Log, ShapeReader } from '../../../src/apply/log.ts'
import type { BlockPool, ChangeLog } from '../../../src/core/change-log.ts'
import { CodedError } from '../../../src/core/errors.ts'
import { lsn } from '../../../src/core/lsn.ts'
import type {
  ChangesEntry,
  DropEntry,
  Entry,
  LoadBeginEntry,
  LoadCancelEntry,
  LoadEndEntry,
  LoadMode,
  LoadPartEntry,
  Manifest,
  RenameEntry,
  RunInfo,
  ShapeEntry,
  TruncateEntry,
} from '../../../src/core/manifest.ts'
import type { Position } from '../../../src/core/position.ts'
import { tableId, type Shape, type TableId } from '../../../src/core/table.ts'
import type { LoadPart } from '../../../src/core/target.ts'
import { advance, initialState, type LogState } from '../../../src/lake/log/log-state.ts'
import { logOf, shapeOf, tuple, type TestChange, type Value } from '../../support/tuples.ts'

export function id(name: string): TableId {
  return tableId({ namespace: 'app', name })
}

type At = readonly [lsn: number, ordinal: number]

export function position([commit, ordinal]: At): Position {
  return { lsn: lsn(BigInt(commit)), ordinal }
}

export function insert(at: At, ...values: Value[]): TestChange {
  return { op: 'insert', lsn: BigInt(at[0]), ordinal: at[1], values }
}

export function update(at: At, ...values: Value[]): TestChange {
  return { op: 'update', lsn: BigInt(at[0]), ordinal: at[1], values }
}

export function remove(at: At, key: string): TestChange {
  return { op: 'delete', lsn: BigInt(at[0]), ordinal: at[1], values: [key, null] }
}

export function truncate(name: string, at: At): TruncateEntry {
  return { type: 'truncate', table: id(name), position: position(at), order: 0 }
}

export function reshape(
  name: string,
  at: At,
  options: { shape: string; defaults?: Record<string, string | null> },
): ShapeEntry {
  const { shape, defaults = {} } = options
  return { type: 'shape', table: id(name), position: position(at), order: 0, shape, defaults }
}

export function rename(name: string, at: At, to: string): RenameEntry {
  const fields = { table: id(name), position: position(at), order: 0 }
  return { type: 'rename', ...fields, to: id(to), shape: `${to}1` }
}

export function drop(name: string, at: At): DropEntry {
  return { type: 'drop', table: id(name), position: position(at), order: 0 }
}

export function loadBegin(
  name: string,
  load: string,
  options: { lsn: number; since: number; for?: 'all' | string[]; shape?: string },
): LoadBeginEntry {
  const { since, shape = `${name}1` } = options
  const at = lsn(BigInt(options.lsn))
  return {
    type: 'load-begin',
    table: id(name),
    load,
    shape,
    lsn: at,
    since,
    for: options.for ?? 'all',
  }
}

export function loadEnd(name: string, load: string): LoadEndEntry {
  return { type: 'load-end', table: id(name), load, rows: 0 }
}

export function loadCancel(name: string, load: string): LoadCancelEntry {
  return { type: 'load-cancel', table: id(name), load }
}

export interface ManifestOptions {
  /** LSN and ordinal of `to`; `'half'` after it: its transaction goes on. By default it stays where it was. */
  readonly to?: readonly [number, number] | readonly [number, number, 'half']
  readonly confirm?: number
  readonly entries?: readonly Entry[]
}

export class ScriptedLog implements Log, ShapeReader, LoadRequests {
  readonly manifests: Manifest[] = []
  readonly states: LogState[] = [initialState]
  readonly requests = new Map<string, number>()
  /** How often a manifest was asked for. */
  asked = 0
  kept = 1
  #epoch = 1
  #files = 0
  /** The next free tick. */
  #order = 1
  readonly #changes = new Map<string, readonly TestChange[]>()
  readonly #parts = new Map<string, readonly (readonly Value[])[]>()
  readonly #broken = new Set<string>()

  // What the script says

  open(mode: LoadMode = 'full-load-and-cdc', options: ManifestOptions = {}): this {
    return this.#add(options, { kind: 'open', run: runOf(mode) })
  }

  changes(options: ManifestOptions): this {
    return this.#add(options, { kind: 'changes' })
  }

  heartbeat(at: number): this {
    return this.#add({ to: [at, 0], confirm: at }, { kind: 'heartbeat' })
  }

  epoch(options: ManifestOptions & { continues: boolean; mode?: LoadMode }): this {
    this.#epoch++
    const { continues, mode = 'full-load-and-cdc' } = options
    return this.#add(options, { kind: 'epoch', continues, run: runOf(mode) })
  }

  /** A file of changes, and the entry that names it. */
  rows(name: string, changes: readonly TestChange[], shape = `${name}1`): ChangesEntry {
    const path = `file-${this.#files++}`
    this.#changes.set(path, changes)
    const [first, last] = [changes[0]!, changes.at(-1)!]
    const count = (op: TestChange['op']) => changes.filter((change) => change.op === op).length
    return {
      type: 'changes',
      table: id(name),
      shape,
      path,
      first: { lsn: lsn(first.lsn), ordinal: first.ordinal },
      last: { lsn: lsn(last.lsn), ordinal: last.ordinal },
      rows: { i: count('insert'), u: count('update'), d: count('delete') },
      unchanged: 0,
      bytes: changes.length * 100,
      sha256: '',
      order: (this.#order += changes.length) - changes.length,
    }
  }

  part(name: string, load: string, rows: readonly (readonly Value[])[]): LoadPartEntry {
    const path = `part-${this.#files++}`
    this.#parts.set(path, rows)
    const bytes = rows.length * 100
    return { type: 'load-part', table: id(name), load, path, rows: rows.length, bytes, sha256: '' }
  }

  /** From now on the file cannot be read. */
  damage({ path }: { readonly path: string }): void {
    this.#broken.add(path)
  }

  repair({ path }: { readonly path: string }): void {
    this.#broken.delete(path)
  }

  // What the apply loop asks

  get head(): LogState {
    return this.states.at(-1)!
  }

  recover(): Promise<LogState> {
    return Promise.resolve(this.head)
  }

  stateAt(n: number): Promise<LogState> {
    return Promise.resolve(this.states[n]!)
  }

  manifest(n: number): Promise<Manifest | null> {
    this.asked++
    return Promise.resolve(n < this.kept ? null : (this.manifests[n - 1] ?? null))
  }

  first(): Promise<number> {
    return Promise.resolve(this.kept)
  }

  readChanges(entry: ChangesEntry, pool: BlockPool): Promise<ChangeLog> {
    if (this.#broken.has(entry.path)) return Promise.reject(damaged(entry.path))
    return Promise.resolve(logOf(this.#changes.get(entry.path)!, pool))
  }

  readLoadPart({ path, rows }: LoadPartEntry): LoadPart {
    const tuples = this.#parts.get(path)!.map((values) => tuple(values))
    const starts = [0]
    for (const bytes of tuples) starts.push(starts.at(-1)! + bytes.length)
    const isBroken = this.#broken.has(path)
    async function* read() {
      if (isBroken) throw damaged(path)
      yield { bytes: Buffer.concat(tuples), starts }
    }
    return { path, localPath: null, format: 'csv', rows, read }
  }

  loadParts({ table, load, beganAt, endedAt }: LoadStretch): Promise<LoadPartEntry[]> {
    const entries = this.manifests.slice(beganAt - 1, endedAt).flatMap((m) => m.entries)
    const isPart = (e: Entry): e is LoadPartEntry => e.type === 'load-part'
    return Promise.resolve(
      entries.filter(isPart).filter((e) => e.table === table && e.load === load),
    )
  }

  read(key: string): Promise<Shape>
  read(consumer: string, table: TableId): Promise<{ after: number } | null>
  read(key: string, table?: TableId): Promise<Shape | { after: number } | null> {
    if (table === undefined) return Promise.resolve(shapeCalled(key))
    const after = this.requests.get(`${key} ${table}`)
    return Promise.resolve(after === undefined ? null : { after })
  }

  write(consumer: string, table: TableId, after: number): Promise<void> {
    this.requests.set(`${consumer} ${table}`, after)
    return Promise.resolve()
  }

  remove(consumer: string, table: TableId): Promise<void> {
    this.requests.delete(`${consumer} ${table}`)
    return Promise.resolve()
  }

  #add(
    { to, confirm, entries = [] }: ManifestOptions,
    kind:
      | { kind: 'open'; run: RunInfo }
      | { kind: 'changes' | 'heartbeat' }
      | { kind: 'epoch'; continues: boolean; run: RunInfo },
  ): this {
    const before = this.head
    const n = this.manifests.length + 1
    const end = to === undefined || to[2] === undefined
    const place = to ? { ...position([to[0], to[1]]), end } : before.to
    const done = confirm ?? (to && end ? to[0] + 1 : Number(before.confirm ?? 0n))
    const manifest: Manifest = {
      n,
      writer: 'w',
      generation: 1,
      epoch: this.#epoch,
      timeline: 1,
      to: place ?? { ...position([0, 0]), end: true },
      confirm: lsn(BigInt(done)),
      clock: ++this.#order,
      closedAt: new Date(n * 1000).toISOString(),
      entries,
      ...kind,
    }
    this.manifests.push(manifest)
    this.states.push(advance(before, manifest))
    return this
  }
}

export function shapeCalled(key: string): Shape {
  const name = key.slice(0, -1)
  const number = Number(key.slice(-1))
  const shape = shapeOf(number === 1 ? ['id', 'v'] : ['id', 'v', 'w'])
  return { ...shape, number, table: { namespace: 'app', name } }
}

function runOf(load: LoadMode): RunInfo {
  const names = { systemId: '1', database: 'shop', slot: 'millrace_shop', publication: 'millrace' }
  return { ...names, load, options: {} }
}

function damaged(path: string): CodedError {
  return new CodedError('LAKE_DAMAGED', `${path} is damaged`)
}
