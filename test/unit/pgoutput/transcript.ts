/**
 * Writes down a stream as lines for people, one for each message: what fixtures are compared by.
 *
 *   begin 0/1953A28 at 817210000000000 xid 735
 *   insert 16390 1|Ada|\N|[2200 bytes, md5 0a1b2c3d]
 */

import { createHash } from 'node:crypto'

import { formatLsn } from '../../../src/core/lsn.ts'
import { KIND, TupleCursor } from '../../../src/core/tuple.ts'
import type {
  Begin,
  Commit,
  LogicalMessage,
  MessageHandler,
  Origin,
  Relation,
  RowMessage,
  StreamAbort,
  StreamCommit,
  StreamStart,
  Truncate,
  TwoPhase,
  TypeMessage,
} from '../../../src/pgoutput/index.ts'
import { UNCHANGED } from '../../support/wire.ts'

/** What a text value is once it was read. */
export type Read = string | null | typeof UNCHANGED

const LONG = 64

export class Transcript implements MessageHandler {
  readonly lines: string[] = []

  begin({ commitLsn, committedAt, xid }: Begin): void {
    this.lines.push(`begin ${formatLsn(commitLsn)} at ${committedAt} xid ${xid}`)
  }

  commit(message: Commit): void {
    this.lines.push(`commit ${commitText(message)}`)
  }

  origin({ commitLsn, name }: Origin): void {
    this.lines.push(`origin ${name} ${formatLsn(commitLsn)}`)
  }

  relation({ oid, namespace, name, identity, columns }: Relation, xid: number): void {
    const list = columns.map(
      (column) => `${column.name}:${column.typeOid}:${column.modifier}${column.isKey ? '*' : ''}`,
    )
    this.lines.push(
      `relation ${oid} ${namespace}.${name} ${identity} ${list.join(' ')}${inStream(xid)}`,
    )
  }

  type({ oid, namespace, name }: TypeMessage, xid: number): void {
    this.lines.push(`type ${oid} ${namespace}.${name}${inStream(xid)}`)
  }

  insert(row: RowMessage): void {
    this.#row('insert', row)
  }

  update(row: RowMessage): void {
    this.#row('update', row)
  }

  delete(row: RowMessage): void {
    this.#row('delete', row)
  }

  truncate({ xid, oids, cascade, restartIdentity }: Truncate): void {
    const options = `${cascade ? ' cascade' : ''}${restartIdentity ? ' restart identity' : ''}`
    this.lines.push(`truncate ${oids.join(' ')}${options}${inStream(xid)}`)
  }

  message({ xid, isTransactional, lsn, prefix, content }: LogicalMessage): void {
    const kind = isTransactional ? 'transactional ' : ''
    const text = `${prefix} ${content.toString()}`
    this.lines.push(`${kind}message ${formatLsn(lsn)} ${text}${inStream(xid)}`)
  }

  streamStart({ xid, isFirst }: StreamStart): void {
    this.lines.push(`stream start ${xid}${isFirst ? ' first' : ''}`)
  }

  streamStop(): void {
    this.lines.push('stream stop')
  }

  streamCommit(message: StreamCommit): void {
    this.lines.push(`stream commit ${message.xid} ${commitText(message)}`)
  }

  streamAbort({ xid, subxid, abort }: StreamAbort): void {
    const where = abort ? ` ${formatLsn(abort.lsn)} at ${abort.at}` : ''
    this.lines.push(`stream abort ${xid} ${subxid}${where}`)
  }

  twoPhase(message: TwoPhase): void {
    const facts = Object.entries(message).map(([name, value]) => `${name} ${value}`)
    this.lines.push(facts.join(' '))
  }

  #row(op: string, row: RowMessage): void {
    const old = row.old === 'none' ? '' : ` ${row.old} ${rowText(oldValues(row))} ->`
    const values = op === 'delete' ? '' : ` ${rowText(newValues(row))}`
    this.lines.push(`${op} ${row.oid}${old}${values}${inStream(row.xid)}`)
  }
}

/** The old tuple as values; empty if there is none. */
export function oldValues(row: RowMessage): Read[] {
  return row.oldStart === row.oldEnd ? [] : tupleValues(row.bytes, row.oldStart, row.oldEnd)
}

export function newValues(row: RowMessage): Read[] {
  return row.newStart === row.newEnd ? [] : tupleValues(row.bytes, row.newStart, row.newEnd)
}

function tupleValues(bytes: Buffer, start: number, end: number): Read[] {
  const cursor = new TupleCursor().open(bytes, start)
  const values: Read[] = []
  while (cursor.next()) {
    if (cursor.kind === KIND.null) values.push(null)
    else if (cursor.kind === KIND.unchanged) values.push(UNCHANGED)
    else values.push(bytes.toString('utf8', cursor.start, cursor.end))
  }
  if (cursor.at !== end) throw new Error(`the tuple ends at ${cursor.at}, not at ${end}`)
  return values
}

export function rowText(values: readonly Read[]): string {
  return values.map(valueText).join('|')
}

function valueText(value: Read): string {
  if (value === null) return String.raw`\N`
  if (value === UNCHANGED) return String.raw`\U`
  if (value.length <= LONG) return value
  const digest = createHash('md5').update(value).digest('hex').slice(0, 8)
  return `[${value.length} characters, md5 ${digest}]`
}

function commitText({ commitLsn, endLsn, committedAt }: Commit): string {
  return `${formatLsn(commitLsn)} end ${formatLsn(endLsn)} at ${committedAt}`
}

function inStream(xid: number): string {
  return xid === 0 ? '' : ` in ${xid}`
}
