/**
 * PostgreSQL as the source: preflight, slot, stream and snapshots.
 *
 * https://www.postgresql.org/docs/current/protocol-replication.html
 */

import type { Client } from 'pg'

import type { Clock } from '../core/clock.ts'
import { fail, hasCode } from '../core/errors.ts'
import { parseLsn, type Lsn } from '../core/lsn.ts'
import type { LoadMode } from '../core/manifest.ts'
import type { TableName } from '../core/table.ts'
import { connect, withConnection, type ConnectOptions, type Server } from '../postgres/connect.ts'
import { CopyStream } from '../postgres/copy-stream.ts'
import { quoteIdentifier, quoteReplicationLiteral } from '../postgres/quote.ts'
import { fromPostgres } from '../postgres/sqlstate.ts'
import { refuse, type Check } from './finding.ts'
import { liveness, type Liveness } from './liveness.ts'
import { PostgresCatalog } from './postgres-catalog.ts'
import { PostgresSlotWatch } from './postgres-slot-watch.ts'
import { openSnapshot, type SnapshotParts } from './postgres-snapshot.ts'
import { PostgresStream } from './postgres-stream.ts'
import { readFacts, type SourceFacts, type Wanted } from './preflight-facts.ts'
import { checksOf, findingsOf } from './preflight.ts'
import { ensurePublication, type Publication } from './publication.ts'
import { backendOf, endOwner, type Backend } from './slot-owner.ts'
import { checkSlot, readSlot, type SlotInfo } from './slot.ts'
import type { LoadSnapshot, OpenOptions, OpenSlot, Prepared, Source } from './source.ts'
import { parseHistory, type TimelineSwitch } from './timeline.ts'

export interface PostgresSourceOptions extends Server {
  readonly task: string
  readonly slot: string
  readonly publication: Publication
  readonly load: LoadMode
  readonly isSelected: (name: TableName) => boolean
  /** The patterns that it stands for, if it stands for some. */
  readonly patterns?: readonly string[]
  /** Standbys shall keep a copy of the slot. */
  readonly failover?: boolean
  readonly clock: Clock
  /** Random, for names of temporary slots. */
  readonly newId: () => string
}

export class PostgresSource implements Source {
  readonly catalog: PostgresCatalog
  readonly #options: PostgresSourceOptions
  /** The connection that streamed last, which may live on at the server when it is dead to us. */
  #owner: Backend | null = null

  constructor(options: PostgresSourceOptions) {
    this.#options = options
    this.catalog = new PostgresCatalog(this.#connection('catalog'))
  }

  async prepare(): Promise<Prepared> {
    const { slot, load } = this.#options
    const publication = this.#options.publication.name
    return withConnection(this.#connection('preflight'), async (client) => {
      const facts = await readFacts(client, this.#wanted)
      refuse(findingsOf(checksOf(facts, this.#wanted)))
      const { tables } = facts
      const { database } = facts.server
      const found = { found: facts.publication, tables }
      await ensurePublication(client, this.#options.publication, found)
      const systemId = await this.#systemId()
      // Not the tables: what the server sends of a transaction follows the catalogs as they were then.
      const options = { publication }
      return { run: { systemId, database, slot, publication, load, options }, tables }
    })
  }

  /** What a look at the source finds; nothing is changed there. */
  async examine(): Promise<{ checks: readonly Check[]; facts: SourceFacts; systemId: string }> {
    return withConnection(this.#connection('doctor'), async (client) => {
      const facts = await readFacts(client, this.#wanted)
      const checks = checksOf(facts, this.#wanted)
      return { facts, checks, systemId: facts.server.mayReplicate ? await this.#systemId() : '' }
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
      const known = fromPostgres(error)
      if (hasCode(known, 'SLOT_IN_USE')) await this.#endOwner()
      throw known
    }
  }

  async snapshot(signal: AbortSignal): Promise<LoadSnapshot> {
    const name = `millrace_load_${this.#options.newId()}`
    const client = await connect(this.#connection('snapshot', true))
    using _ = endedBy(signal, client)
    try {
      const { lsn, snapshot } = await createSlot(client, name, 'TEMPORARY')
      return await openSnapshot(this.#snapshots, { lsn, exported: snapshot })
    } catch (error) {
      throw fromPostgres(error)
    } finally {
      // The temporary slot goes with its connection; the snapshot lives on in the keeper.
      await client.end().catch(() => {})
    }
  }

  async #open(client: Client, { mayCreate, mayStream }: OpenOptions): Promise<OpenSlot> {
    const { slot, clock } = this.#options
    const existing = await readSlot(client, slot)
    if (existing === null && !mayCreate) {
      fail('SLOT_LOST', `the replication slot ${slot} is gone, and the lake goes on from it`)
    }
    if (existing !== null) await this.#takeUp(client, existing)
    const snapshot = existing === null ? await this.#createSlot(client) : null
    let copy: CopyStream | null = null
    try {
      const { timeline } = await identifySystem(client)
      const isStreaming = mayStream && (await serverVersion(client)) >= STREAMING_SINCE
      const backend = await backendOf(client)
      copy = client.query(new CopyStream(this.#startReplication(isStreaming)))
      await copy.started()
      this.#owner = backend
      const owned = await this.#ownedSlot()
      const stream = new PostgresStream(copy, { clock, liveness: owned.liveness })
      return {
        timeline,
        confirmed: owned.confirmed,
        snapshot,
        stream,
        isStreaming,
        [Symbol.asyncDispose]: async () => {
          stream.close()
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

  #startReplication(isStreaming: boolean): string {
    const { slot, publication } = this.#options
    const options = [
      `proto_version '${isStreaming ? 2 : 1}'`,
      `publication_names ${quoteReplicationLiteral(quoteIdentifier(publication.name))}`,
      ...(isStreaming ? [`streaming 'on'`] : []),
    ]
    return `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL 0/0 (${options.join(', ')})`
  }

  async #createSlot(client: Client): Promise<LoadSnapshot> {
    const { slot, failover = false } = this.#options
    const { lsn, snapshot } = await createSlot(client, slot, failover ? 'FAILOVER' : '')
    return openSnapshot(this.#snapshots, { lsn, exported: snapshot })
  }

  /** Read over another connection, once nobody else can move the slot any more. */
  async #ownedSlot(): Promise<{ confirmed: Lsn; liveness: Liveness }> {
    return withConnection(this.#connection('slot'), async (client) => {
      const slot = await readSlot(client, this.#options.slot)
      const { rows } = await client.query<{ ms: number }>(
        `select setting::int as ms from pg_settings where name = 'wal_sender_timeout'`,
      )
      const confirmed = slot?.confirmed ?? fail('SLOT_LOST', 'the replication slot has vanished')
      return { confirmed, liveness: liveness(rows[0]?.ms ?? 0) }
    })
  }

  async #systemId(): Promise<string> {
    return withConnection(this.#connection('identify', true), async (client) => {
      return (await identifySystem(client)).systemId
    })
  }

  get #wanted(): Wanted {
    const { slot, publication, isSelected, patterns = [], failover = false } = this.#options
    return { slot, publication, isSelected, patterns, failover }
  }

  get #snapshots(): SnapshotParts {
    return { connection: this.#connection('load'), catalog: this.catalog }
  }

  #connection(role: string, isReplication = false): ConnectOptions {
    const { url, password, task } = this.#options
    const server = { url, ...(password && { password }) }
    return { ...server, applicationName: `millrace ${task}: ${role}`, isReplication }
  }
}

/** Breaks off what a connection waits for when the signal aborts. */
function endedBy(signal: AbortSignal, client: Client): Disposable {
  const end = (): void => void client.end().catch(() => {})
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', end) }
}

/** Protocol 2 came with 14. */
const STREAMING_SINCE = 140_000

async function serverVersion(client: Client): Promise<number> {
  const { rows } = await client.query<{ server_version_num: string }>('SHOW server_version_num')
  return Number(rows[0]!.server_version_num)
}

/** The timeline is an int8 from 16 on, and 8-byte integers come as text. */
interface SystemRow {
  readonly systemid: string
  readonly timeline: string | number
}

async function identifySystem(client: Client): Promise<{ systemId: string; timeline: number }> {
  const { rows } = await client.query<SystemRow>('IDENTIFY_SYSTEM')
  const { systemid, timeline } = rows[0]!
  return { systemId: systemid, timeline: Number(timeline) }
}

async function createSlot(
  client: Client,
  name: string,
  kind: 'TEMPORARY' | 'FAILOVER' | '',
): Promise<{ lsn: Lsn; snapshot: string }> {
  const { rows } = await client.query<{ consistent_point: string; snapshot_name: string }>(
    kind === 'FAILOVER'
      ? `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)} LOGICAL pgoutput (SNAPSHOT 'export', FAILOVER)`
      : `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)} ${kind} LOGICAL pgoutput EXPORT_SNAPSHOT`,
  )
  const { consistent_point: point, snapshot_name: snapshot } = rows[0]!
  return { lsn: parseLsn(point), snapshot }
}
