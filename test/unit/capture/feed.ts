/**
 * Feeds messages of the wire to an intake and tells what it made of them.
 *
 *   const source = new Feed({ resume: { lsn: 0x1000n, ordinal: 4, end: false } })
 *   await source.take(wire.begin({ commitLsn: 0x1000n }), relation, wire.insert(1, ['1', 'Ada']), …)
 *   source.batch()  // { tables: { 'public.customers': ['I 1000/2 1,Ada'] }, to: '1000/2 end', … }
 */

import { Intake } from '../../../src/capture/stream/intake.ts'
import { Pending } from '../../../src/capture/stream/pending.ts'
import {
  TrackedTables,
  type DdlPolicy,
  type RelationCatalog,
  type RelationFacts,
} from '../../../src/capture/tables/tracked-tables.ts'
import type { BatchItem, ChangeBatch, LogPosition } from '../../../src/core/batch.ts'
import { BlockPool } from '../../../src/core/change-log.ts'
import type { TaskEvent } from '../../../src/core/events.ts'
import { lsn } from '../../../src/core/lsn.ts'
import type { Shape, TableName } from '../../../src/core/table.ts'
import { Decoder } from '../../../src/pgoutput/decoder.ts'
import type { Relation } from '../../../src/pgoutput/messages.ts'
import { changesOf } from '../../support/tuples.ts'

const LETTER = { insert: 'I', update: 'U', delete: 'D', truncate: 'T' } as const

/** A catalog that knows what the test says: keys of tables under FULL, and missing values. */
export class ScriptedCatalog implements RelationCatalog {
  readonly keys = new Map<number, readonly string[]>()
  readonly missing = new Map<string, string | null>()
  /** Whether the source still has a table; left out, none that it says was dropped. */
  has?: (oid: number) => Promise<boolean>
  asked = 0

  async describe({ oid, columns }: Relation): Promise<RelationFacts> {
    this.asked++
    const flagged = columns.filter(({ isKey }) => isKey).map(({ name }) => name)
    return {
      columns: columns.map(({ name, typeOid, modifier }) => ({
        name,
        type: { oid: typeOid, name: 'text', modifier },
      })),
      key: this.keys.get(oid) ?? flagged,
      missing: this.missing,
      computed: new Set(),
    }
  }
}

export interface FeedOptions {
  readonly resume?: { readonly lsn: bigint; readonly ordinal: number; readonly end: boolean }
  readonly isSelected?: (name: TableName) => boolean
  readonly ddl?: DdlPolicy
}

export class Feed {
  readonly catalog = new ScriptedCatalog()
  readonly events: TaskEvent[] = []
  readonly tables: TrackedTables
  readonly pending = new Pending(new BlockPool())
  readonly intake: Intake
  readonly #decoder: Decoder

  constructor({ resume = { lsn: 0n, ordinal: 0, end: true }, isSelected, ddl }: FeedOptions = {}) {
    this.tables = new TrackedTables({
      isSelected: isSelected ?? (() => true),
      catalog: this.catalog,
      ...(ddl && { ddl }),
      emit: (event) => this.events.push(event),
    })
    const at: LogPosition = { ...resume, lsn: lsn(resume.lsn) }
    this.intake = new Intake(this.pending, this.tables, at)
    this.#decoder = new Decoder(this.intake)
  }

  async take(...messages: readonly Buffer[]): Promise<void> {
    for (const message of messages) {
      this.#decoder.decode(message, 0, message.length)
      if (this.intake.isBlocked) await this.intake.resolve()
    }
  }

  batch(): BatchText | null {
    const batch = this.pending.take()
    return batch && batchText(batch)
  }
}

export interface BatchText {
  readonly tables: Readonly<Record<string, readonly string[]>>
  readonly to: string
  readonly confirm: string | null
}

export function batchText({ tables, to, confirm }: ChangeBatch): BatchText {
  const texts = [...tables].map(([table, items]) => [table, items.flatMap(itemText)] as const)
  return {
    tables: Object.fromEntries(texts),
    to: `${hex(to.lsn)}/${to.ordinal}${to.end ? ' end' : ''}`,
    confirm: confirm === null ? null : hex(confirm),
  }
}

/** Rows as `U 1000/4 1,~`, where `~` is unchanged and `-` is null. */
function itemText(item: BatchItem): string[] {
  if (item.type === 'changes') {
    return changesOf(item.changes).map(({ op, lsn: commit, ordinal, values }) =>
      `${LETTER[op]} ${hex(commit)}/${ordinal} ${values.map(valueText).join()}`.trim(),
    )
  }
  const { type, position } = item
  const at = `${hex(position.lsn)}/${position.ordinal}`
  if (type === 'shape') {
    return [`${type} ${at} ${shapeText(item.shape)} ${JSON.stringify(item.defaults)}`]
  }
  if (type === 'rename') return [`${type} ${at} to ${item.to} ${shapeText(item.shape)}`]
  return [`${type} ${at}`]
}

/** `2(id,name,-age)`: the number, and the columns; those that were dropped with a dash. */
export function shapeText({ number, columns }: Shape): string {
  return `${number}(${columns.map(({ name, wire }) => (wire === null ? `-${name}` : name)).join()})`
}

function valueText(value: unknown): string {
  if (value === null) return '-'
  return Buffer.isBuffer(value) ? value.toString() : '~'
}

function hex(value: bigint): string {
  return value.toString(16)
}
