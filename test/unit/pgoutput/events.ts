/**
 * What a decoder said, as plain values, and the way back: `encode` writes the message that an event
 * came from.
 */

import { unreachable } from '../../../src/core/errors.ts'
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
import { wire, type Value } from '../../support/wire.ts'
import { newValues, oldValues } from './transcript.ts'

export type Event =
  | ({ readonly call: 'begin' } & Begin)
  | ({ readonly call: 'commit' } & Commit)
  | ({ readonly call: 'origin' } & Origin)
  | ({ readonly call: 'relation'; readonly xid: number } & Relation)
  | ({ readonly call: 'type'; readonly xid: number } & TypeMessage)
  | RowEvent
  | ({ readonly call: 'truncate' } & Truncate)
  | ({ readonly call: 'message' } & Omit<LogicalMessage, 'content'> & { readonly content: string })
  | ({ readonly call: 'streamStart' } & StreamStart)
  | { readonly call: 'streamStop' }
  | ({ readonly call: 'streamCommit' } & StreamCommit)
  | ({ readonly call: 'streamAbort' } & StreamAbort)
  | ({ readonly call: 'twoPhase' } & TwoPhase)

interface RowEvent {
  readonly call: 'insert' | 'update' | 'delete'
  readonly xid: number
  readonly oid: number
  readonly old: 'none' | 'key' | 'full'
  /** Empty if the message has no such tuple. */
  readonly before: readonly Value[]
  readonly after: readonly Value[]
}

export class Events implements MessageHandler {
  readonly all: Event[] = []

  begin(message: Begin): void {
    this.all.push({ call: 'begin', ...message })
  }

  commit(message: Commit): void {
    this.all.push({ call: 'commit', ...message })
  }

  origin(message: Origin): void {
    this.all.push({ call: 'origin', ...message })
  }

  relation(message: Relation, xid: number): void {
    this.all.push({ call: 'relation', xid, ...message })
  }

  type(message: TypeMessage, xid: number): void {
    this.all.push({ call: 'type', xid, ...message })
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

  truncate(message: Truncate): void {
    this.all.push({ call: 'truncate', ...message })
  }

  message(message: LogicalMessage): void {
    this.all.push({ call: 'message', ...message, content: message.content.toString() })
  }

  streamStart(message: StreamStart): void {
    this.all.push({ call: 'streamStart', ...message })
  }

  streamStop(): void {
    this.all.push({ call: 'streamStop' })
  }

  streamCommit(message: StreamCommit): void {
    this.all.push({ call: 'streamCommit', ...message })
  }

  streamAbort(message: StreamAbort): void {
    this.all.push({ call: 'streamAbort', ...message })
  }

  twoPhase(message: TwoPhase): void {
    this.all.push({ call: 'twoPhase', ...message })
  }

  #row(call: RowEvent['call'], row: RowMessage): void {
    const { xid, oid, old } = row
    this.all.push({ call, xid, oid, old, before: oldValues(row), after: newValues(row) })
  }
}

export function encode(event: Event): Buffer {
  switch (event.call) {
    case 'begin':
      return wire.begin(event)
    case 'commit':
      return wire.commit(event)
    case 'origin':
      return wire.origin(event.name, event.commitLsn)
    case 'relation':
      return wire.relation({ ...event, ...streamed(event.xid) })
    case 'type':
      return wire.type({ ...event, ...streamed(event.xid) })
    case 'insert':
      return wire.insert(event.oid, event.after, streamed(event.xid))
    case 'update':
      return wire.update(event.oid, event.after, { ...oldOf(event), ...streamed(event.xid) })
    case 'delete':
      return wire.delete(event.oid, { ...oldOf(event), ...streamed(event.xid) })
    case 'truncate':
      return wire.truncate(event.oids, { ...event, ...streamed(event.xid) })
    case 'message':
      return wire.message(event.prefix, event.content, { ...event, ...streamed(event.xid) })
    case 'streamStart':
      return wire.streamStart(event.xid, event)
    case 'streamStop':
      return wire.streamStop()
    case 'streamCommit':
      return wire.streamCommit(event.xid, event)
    case 'streamAbort':
      return wire.streamAbort(event.xid, event.subxid, event.abort ?? undefined)
    case 'twoPhase':
      return encodeTwoPhase(event)
    default:
      return unreachable(event)
  }
}

function encodeTwoPhase(event: TwoPhase): Buffer {
  switch (event.kind) {
    case 'begin-prepare':
      return wire.beginPrepare(event)
    case 'prepare':
      return wire.prepare(event)
    case 'stream-prepare':
      return wire.streamPrepare(event)
    case 'commit-prepared':
      return wire.commitPrepared(event)
    case 'rollback-prepared':
      return wire.rollbackPrepared(event)
    default:
      return unreachable(event)
  }
}

function oldOf({ old, before }: RowEvent): object {
  if (old === 'none') return {}
  return old === 'key' ? { key: before } : { full: before }
}

/** Events outside of stream blocks have 0, messages nothing. */
function streamed(xid: number): { xid: number | undefined } {
  return { xid: xid === 0 ? undefined : xid }
}
