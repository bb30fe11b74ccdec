/** Builds tuples, shapes and logs of changes from plain values, and reads them back. */

import { BlockPool, ChangeCursor, ChangeLog, OP, type Op } from '../../src/core/change-log.ts'
import { lsn } from '../../src/core/lsn.ts'
import type { Column, Shape } from '../../src/core/table.ts'
import { KIND, TupleCursor } from '../../src/core/tuple.ts'
import type { ColumnType } from '../../src/core/type.ts'

export const UNCHANGED: unique symbol = Symbol('unchanged')

/** Text is given as a string, or as bytes where they need not be UTF-8. */
export type Value = string | Uint8Array | null | typeof UNCHANGED

export function tuple(values: readonly Value[]): Buffer {
  const count = Buffer.alloc(2)
  count.writeUInt16BE(values.length)
  return Buffer.concat([count, ...values.map(field)])
}

function field(value: Value): Buffer {
  if (value === null) return Buffer.of(KIND.null)
  if (value === UNCHANGED) return Buffer.of(KIND.unchanged)
  const bytes = Buffer.from(value)
  const head = Buffer.of(KIND.text, 0, 0, 0, 0)
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** The values of the tuple at `start`; texts are decoded as UTF-8. */
export function valuesOf(bytes: Buffer, start = 0): (string | null | typeof UNCHANGED)[] {
  return columnsOf(bytes, start).map((value) => (Buffer.isBuffer(value) ? value.toString() : value))
}

/** The same with each text as its bytes. */
export function columnsOf(bytes: Buffer, start = 0): (Buffer | null | typeof UNCHANGED)[] {
  const cursor = new TupleCursor().open(bytes, start)
  const values: (Buffer | null | typeof UNCHANGED)[] = []
  while (cursor.next()) {
    if (cursor.kind === KIND.text)
      values.push(Buffer.from(bytes.subarray(cursor.start, cursor.end)))
    else values.push(cursor.kind === KIND.null ? null : UNCHANGED)
  }
  return values
}

export const TEXT: ColumnType = { oid: 25, name: 'text', modifier: -1 }
export const INT8: ColumnType = { oid: 20, name: 'int8', modifier: -1 }

/** A shape of text columns. Those whose names begin with `-` were dropped. */
export function shapeOf(names: readonly string[], key: readonly number[] = [0]): Shape {
  let wire = 0
  const columns = names.map((name): Column =>
    name.startsWith('-')
      ? { name: name.slice(1), type: TEXT, wire: null }
      : { name, type: TEXT, wire: wire++ },
  )
  return { table: { namespace: 'app', name: 'orders' }, oid: 16_384, number: 1, columns, key }
}

export interface TestChange {
  readonly op: keyof typeof OP
  readonly lsn: bigint
  readonly ordinal: number
  /** A truncate has none. */
  readonly values: readonly Value[]
  readonly committedAt?: bigint
}

export function logOf(changes: readonly TestChange[], pool = new BlockPool()): ChangeLog {
  const log = new ChangeLog(pool)
  for (const change of changes) append(log, change)
  return log
}

export function append(log: ChangeLog, change: TestChange): void {
  log.begin(lsn(change.lsn), change.committedAt ?? 0n)
  const bytes = change.op === 'truncate' ? Buffer.alloc(0) : tuple(change.values)
  log.append(OP[change.op], change.ordinal, bytes, 0, bytes.length)
}

const NAME_OF = new Map(Object.entries(OP).map(([name, op]) => [op, name as keyof typeof OP]))

/** What a log holds, with each text as its bytes. */
export function changesOf(log: ChangeLog): Required<TestChange>[] {
  const changes: Required<TestChange>[] = []
  const cursor = new ChangeCursor()
  for (const block of log.blocks()) {
    cursor.open(block)
    while (cursor.next()) changes.push(current(cursor))
  }
  return changes
}

function current(cursor: ChangeCursor): Required<TestChange> {
  const op: Op = cursor.op
  return {
    op: NAME_OF.get(op)!,
    lsn: cursor.commitLsn,
    ordinal: cursor.ordinal,
    values: op === OP.truncate ? [] : columnsOf(cursor.bytes, cursor.start),
    committedAt: cursor.committedAt,
  }
}
