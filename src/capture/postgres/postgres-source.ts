/**
 * PostgreSQL as the source: preflight, slot, stream and snapshots.
 *
 * https://www.postgresql.org/docs/current/protocol-replication.html
 */

import type { Client } from 'pg'

import { fail, hasCode } from '../../core/errors.ts'
import { parseLsn } from '../../core/lsn.ts'
import { connect, withConnection, type ConnectOptions } from '../../postgres/connect.ts'
import { CopyStream } from '../../postgres/copy-stream.ts'
import { LastingConnection } from '../../postgres/lasting-connection.ts'
import { quoteIdentifier, quoteLiteral } from '../../postgres/quote.ts'
import { fromPostgres } from '../../postgres/sqlstate.ts'
import { walEnd } from '../../postgres/wal-end.ts'
import { liveness, type Liveness } from '../liveness.ts'
import type { Check } from '../preflight/finding.ts'
import type { SourceFacts, Wanted } from '../preflight/preflight-facts.ts'
import { checksOf } from '../preflight/preflight.ts'
import { Preparation } from '../preparation.ts'
import { whyRefused } from '../slot/refused-slot.ts'
import { backendOf, endOwner, type Backend } from '../slot/slot-owner.ts'
import { checkSlot, isLost, readSlot, type SlotInfo } from '../slot/slot.ts'
import { parseHistory, type TimelineSwitch } from '../slot/timeline.ts'
import type { LoadSnapshot, OpenOptions, OpenSlot, Prepared, Source } from '../source.ts'
import type { Exclusions } from '../stream/exclusions.ts'
import type { Narrowers } from '../tables/narrowed-table.ts'
import { hadRows } from '../tables/partitions.ts'
import { brokenOff, endedBy } from './broken-off.ts'
import { PostgresCatalog } from './postgres-catalog.ts'
import { PostgresSlotWatch } from './postgres-slot-watch.ts'
import { openSnapshot, type SnapshotParts } from './postgres-snapshot.ts'
import type { PostgresSourceOptions } from './postgres-source-options.ts'
import { PostgresStream } from './postgres-stream.ts'
import { createSlot, identifySystem, type SystemIdentity } from './replication-commands.ts'
import { streamCommand } from './stream-command.ts'

type OwnedSlot = Pick<OpenSlot, 'confirmed' | 'walEnd'> & { readonly liveness: Liveness }

/** What a look at the source finds. */
export interface Examined {
  readonly checks: readonly Check[]
  readonly facts: SourceFacts
  /** `null` if our user may not ask. */
  readonly system: SystemIdentity | null
}

export class PostgresSource implements Source {
  readonly catalog: PostgresCatalog
  readonly exclusions: Exclusions | undefined
  readonly #lasting: LastingConnection
  readonly #options: PostgresSourceOptions
  readonly #preparation: Preparation
  /** The connection that streamed last, which may live on at the server when it is dead to us. */
  #owner: Backend | null = null
  /** Of the server that streams. */
  #systemId: string | null = null

  constructor(options: PostgresSourceOptions) {
    this.#options = options
    this.exclusions = options.columns
    this.#preparation = new Preparation(this.#wanted)
    const { clock } = options
    const idleMs = CATALOG_IDLE_MS
    this.#lasting = new LastingConnection(this.#connection('catalog'), { clock, idleMs })
    this.catalog = new PostgresCatalog(this.#lasting, this.#narrowers)
  }

  async prepare(signal: AbortSignal = NEVER): Promise<Prepared> {
    const { slot, load } = this.#options
    const publication = this.#options.publication.name
    await this.exclusions?.recall()
    return withConnection(this.#connection('preflight'), async (client) => {
      const { facts, tables, refused } = await this.#preparation.run(client, signal)
      // After the look: rows of a table that is gone by then stand before it.
      const lsn = await walEnd(client)
      const { database } = facts.server
      const { systemId } = await this.#system()
      // Not the tables: what the server sends of a transaction follows the catalogs as they were then.
      const options = { publication }
      return { run: { systemId, database, slot, publication, load, options }, tables, refused, lsn }
    })
  }

  /** What a look at the source finds; nothing is changed there. */
  async examine(): Promise<Examined> {
    await this.exclusions?.recall()
    return withConnection(this.#connection('doctor'), async (client) => {
      const facts = await this.#preparation.read(client)
      const checks = checksOf(facts, this.#wanted)
      const { mayReplicate } = facts.server
      return { facts, checks, system: mayReplicate ? await this.#system() : null }
    })
  }

  /** Drops the slot if the server has given it up: nobody can read it any more. */
  async dropLostSlot(): Promise<void> {
    return withConnection(this.#connection('slot'), async (client) => {
      const slot = await readSlot(client, this.#options.slot)
      if (slot === null || !slot.isOfThisDatabase || !isLost(slot)) return
      await client.query(`select pg_drop_replication_slot(${quoteLiteral(slot.name)})`)
    })
  }

  async timelineHistory(timeline: number): Promise<readonly TimelineSwitch[]> {
    return withConnection(this.#connection('timeline', true), async (client) => {
      const { rows } = await client.query<{ content: Buffer | string }>(
        `TIMELINE_HISTORY ${timeline}`,
      )
      return parseHistory(String(rows[0]!.content))
    })
  }

  /** Over a connection of its own: it reads in a transaction, maybe for long, and the stream goes on. */
  async hadRows(partition: number): Promise<boolean> {
    return withConnection(this.#connection('partitions'), (client) => hadRows(client, partition))
  }

  /** Looks at the slot from beside. */
  watch(): PostgresSlotWatch {
    const { slot, clock } = this.#options
    const connection = this.#connection('guard')
    return new PostgresSlotWatch({ connection, slot, clock, owner: () => this.#owner })
  }

  async open(options: OpenOptions, signal: AbortSignal): Promise<OpenSlot> {
    const client = await connect(this.#connection('stream', true))
    using _ = endedBy(signal, client)
    try {
      return await this.#open(client, options)
    } catch (error) {
      await client.end().catch(() => {})
      const known = await whyRefused(error, () => this.#readSlot())
      if (hasCode(known, 'SLOT_IN_USE')) await this.#endOwner()
      throw known
    }
  }

  async snapshot(signal: AbortSignal): Promise<LoadSnapshot> {
    const name = `millrace_load_${this.#options.newId()}`
    const client = await connect(this.#connection('snapshot', true))
    using _ = endedBy(signal, client)
    try {
      const { systemId } = await identifySystem(client)
      if (this.#systemId !== null && systemId !== this.#systemId) {
        fail('SOURCE_CHANGED', `the url leads to another server now, ${systemId}`)
      }
      const { lsn, snapshot } = await createSlot(client, name, 'TEMPORARY')
      return await openSnapshot(this.#snapshots, { lsn, exported: snapshot })
    } catch (error) {
      throw signal.aborted ? brokenOff(error) : fromPostgres(error)
    } finally {
      // The temporary slot goes with its connection; the snapshot lives on in the keeper.
      await client.end().catch(() => {})
    }
  }

  async #open(client: Client, { mayCreate, mayStream }: OpenOptions): Promise<OpenSlot> {
    const { slot, clock } = this.#options
    await this.exclusions?.keep()
    const existing = await readSlot(client, slot)
    if (existing === null && !mayCreate) {
      fail('SLOT_LOST', `the replication slot ${slot} is gone, and the lake goes on from it`)
    }
    if (existing !== null) await this.#takeUp(client, existing)
    const snapshot = existing === null ? await this.#createSlot(client) : null
    let copy: CopyStream | null = null
    try {
      const { timeline, systemId } = await identifySystem(client)
      this.#systemId = systemId
      const publication = this.#options.publication.name
      const { sql, isStreaming } = await streamCommand(client, { slot, publication, mayStream })
      const backend = await backendOf(client)
      copy = client.query(new CopyStream(sql))
      await copy.started()
      this.#owner = backend
      const owned = await this.#ownedSlot()
      const stream = new PostgresStream(copy, { clock, liveness: owned.liveness })
      return {
        timeline,
        confirmed: owned.confirmed,
        ...(owned.walEnd && { walEnd: owned.walEnd }),
        snapshot,
        stream,
        isStreaming,
        [Symbol.asyncDispose]: async () => {
          stream.close()
          await this.#lasting[Symbol.asyncDispose]()
          await snapshot?.[Symbol.asyncDispose]()
        },
      }
    } catch (error) {
      copy?.destroy()
      await snapshot?.[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Gives a slot that is there what it is to have. */
  async #takeUp(client: Client, slot: SlotInfo): Promise<void> {
    checkSlot(slot)
    if (!this.#options.failover || slot.isFailover) return
    await client.query(`ALTER_REPLICATION_SLOT ${quoteIdentifier(slot.name)} (FAILOVER true)`)
  }

  /** If it is a former connection of this process that holds the slot, the next try finds it free. */
  async #endOwner(): Promise<void> {
    const owner = this.#owner
    if (owner === null) return
    const { slot } = this.#options
    await withConnection(this.#connection('slot'), (client) => endOwner(client, slot, owner))
  }

  async #createSlot(client: Client): Promise<LoadSnapshot> {
    const { slot, failover = false } = this.#options
    const { lsn, snapshot } = await createSlot(client, slot, failover ? 'FAILOVER' : '')
    return openSnapshot(this.#snapshots, { lsn, exported: snapshot })
  }

  /** Read over another connection, once nobody else can move the slot any more. */
  async #ownedSlot(): Promise<OwnedSlot> {
    return withConnection(this.#connection('slot'), async (client) => {
      const slot = await readSlot(client, this.#options.slot)
      // A standby that was started again may have replayed less than before for a while.
      const { rows } = await client.query<{ ms: number; wal_end: string | null }>(
        `select setting::int as ms,
                case when not pg_is_in_recovery() then pg_current_wal_flush_lsn() end as wal_end
           from pg_settings where name = 'wal_sender_timeout'`,
      )
      const { ms, wal_end: end } = rows[0]!
      const confirmed = slot?.confirmed ?? fail('SLOT_LOST', 'the replication slot has vanished')
      const ends = end === null ? {} : { walEnd: parseLsn(end) }
      return { confirmed, ...ends, liveness: liveness(ms) }
    })
  }

  async #readSlot(): Promise<SlotInfo | null> {
    return withConnection(this.#connection('slot'), (client) => {
      return readSlot(client, this.#options.slot)
    })
  }

  async #system(): Promise<SystemIdentity> {
    return withConnection(this.#connection('identify', true), identifySystem)
  }

  get #wanted(): Wanted {
    const {
      slot,
      publication,
      isSelected,
      patterns = [],
      failover = false,
      columns,
    } = this.#options
    return { slot, publication, isSelected, patterns, failover, ...(columns && { columns }) }
  }

  get #narrowers(): Narrowers {
    const { publication, columns } = this.#options
    return { publication: publication.name, ...(columns && { exclusions: columns }) }
  }

  get #snapshots(): SnapshotParts {
    const narrow = this.#narrowers
    return { connection: this.#connection('load'), catalog: this.catalog, narrow }
  }

  #connection(role: string, isReplication = false): ConnectOptions {
    const { url, password, task } = this.#options
    const server = { url, ...(password && { password }) }
    return { ...server, applicationName: `millrace ${task}: ${role}`, isReplication }
  }
}

const NEVER = new AbortController().signal

/** Longer than it mostly takes from one change of a table to the next, in a migration. */
const CATALOG_IDLE_MS = 10_000
