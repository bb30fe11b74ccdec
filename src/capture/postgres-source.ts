/**
 * PostgreSQL as the source: preflight, slot, stream and snapshots.
 *
 * https://www.postgresql.org/docs/current/protocol-replication.html
 */

import type { Client } from 'pg'

import type { Clock } from '../core/clock.ts'
import { fail } from '../core/errors.ts'
import { parseLsn, type Lsn } from '../core/lsn.ts'
import type { LoadMode } from '../core/manifest.ts'
import type { TableName } from '../core/table.ts'
import { connect, withConnection, type ConnectOptions } from '../postgres/connect.ts'
import { CopyStream } from '../postgres/copy-stream.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/quote.ts'
import { fromPostgres } from '../postgres/sqlstate.ts'
import { PostgresCatalog } from './postgres-catalog.ts'
import { openSnapshot, type SnapshotParts } from './postgres-snapshot.ts'
import { PostgresStream } from './postgres-stream.ts'
import { checkServer } from './preflight.ts'
import { ensurePublication, type Publication } from './publication.ts'
import { selectLoadable } from './selection.ts'
import { checkSlot, readSlot } from './slot.ts'
import type { LoadSnapshot, OpenOptions, OpenSlot, Prepared, Source } from './source.ts'

export interface PostgresSourceOptions {
  readonly url: string
  readonly task: string
  readonly slot: string
  readonly publication: Publication
  readonly load: LoadMode
  readonly isSelected: (name: TableName) => boolean
  readonly clock: Clock
  /** Random, for names of temporary slots. */
  readonly newId: () => string
}

export class PostgresSource implements Source {
  readonly catalog: PostgresCatalog
  readonly #options: PostgresSourceOptions

  constructor(options: PostgresSourceOptions) {
    this.#options = options
    this.catalog = new PostgresCatalog(this.#connection('catalog'))
  }

  async prepare(): Promise<Prepared> {
    const { slot, load } = this.#options
    const publication = this.#options.publication.name
    return withConnection(this.#connection('preflight'), async (client) => {
      const { database } = await checkServer(client)
      const tables = await selectLoadable(client, this.#options.isSelected)
      await ensurePublication(client, this.#options.publication, tables)
      const systemId = await this.#systemId()
      const options = {
        publication,
        tables: tables
          .map(({ oid }) => oid)
          .toSorted((a, b) => a - b)
          .join(','),
      }
      return { run: { systemId, database, slot, publication, load, options }, tables }
    })
  }

  async open(options: OpenOptions): Promise<OpenSlot> {
    const client = await connect(this.#connection('stream', true))
    try {
      return await this.#open(client, options)
    } catch (error) {
      await client.end().catch(() => {})
      throw fromPostgres(error)
    }
  }

  async snapshot(): Promise<LoadSnapshot> {
    const name = `millrace_load_${this.#options.newId()}`
    const client = await connect(this.#connection('snapshot', true))
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
    if (existing !== null) checkSlot(existing)
    const snapshot = existing === null ? await this.#createSlot(client) : null
    const { timeline } = await identifySystem(client)
    const isStreaming = mayStream && (await serverVersion(client)) >= STREAMING_SINCE
    const copy = client.query(new CopyStream(this.#startReplication(isStreaming)))
    try {
      await copy.started()
      const owned = await this.#ownedSlot()
      const stream = new PostgresStream(copy, { clock, speakEveryMs: owned.speakEveryMs })
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
      copy.destroy()
      await snapshot?.[Symbol.asyncDispose]()
      throw error
    }
  }

  #startReplication(isStreaming: boolean): string {
    const { slot, publication } = this.#options
    const options = [
      `proto_version '${isStreaming ? 2 : 1}'`,
      `publication_names ${quoteLiteral(quoteIdentifier(publication.name))}`,
      ...(isStreaming ? [`streaming 'on'`] : []),
    ]
    return `START_REPLICATION SLOT ${quoteIdentifier(slot)} LOGICAL 0/0 (${options.join(', ')})`
  }

  async #createSlot(client: Client): Promise<LoadSnapshot> {
    const { lsn, snapshot } = await createSlot(client, this.#options.slot, '')
    return openSnapshot(this.#snapshots, { lsn, exported: snapshot })
  }

  /** Read over another connection, once nobody else can move the slot any more. */
  async #ownedSlot(): Promise<{ confirmed: Lsn; speakEveryMs: number }> {
    return withConnection(this.#connection('slot'), async (client) => {
      const slot = await readSlot(client, this.#options.slot)
      const { rows } = await client.query<{ ms: number }>(
        `select setting::int as ms from pg_settings where name = 'wal_sender_timeout'`,
      )
      const confirmed = slot?.confirmed ?? fail('SLOT_LOST', 'the replication slot has vanished')
      return { confirmed, speakEveryMs: speakEvery(rows[0]?.ms ?? 0) }
    })
  }

  async #systemId(): Promise<string> {
    return withConnection(this.#connection('identify', true), async (client) => {
      return (await identifySystem(client)).systemId
    })
  }

  get #snapshots(): SnapshotParts {
    return { connection: this.#connection('load'), catalog: this.catalog }
  }

  #connection(role: string, isReplication = false): ConnectOptions {
    const { url, task } = this.#options
    return { url, applicationName: `millrace ${task}: ${role}`, isReplication }
  }
}

/** Protocol 2 came with 14. */
const STREAMING_SINCE = 140_000
const DEFAULT_SPEAK_MS = 10_000

/** The server drops a client it has not heard from for the timeout; 0 means that it never does. */
function speakEvery(walSenderTimeoutMs: number): number {
  return walSenderTimeoutMs > 0
    ? Math.min(DEFAULT_SPEAK_MS, walSenderTimeoutMs / 3)
    : DEFAULT_SPEAK_MS
}

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
  kind: 'TEMPORARY' | '',
): Promise<{ lsn: Lsn; snapshot: string }> {
  const { rows } = await client.query<{ consistent_point: string; snapshot_name: string }>(
    `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)} ${kind} LOGICAL pgoutput EXPORT_SNAPSHOT`,
  )
  const { consistent_point: point, snapshot_name: snapshot } = rows[0]!
  return { lsn: parseLsn(point), snapshot }
}
