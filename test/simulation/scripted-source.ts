/**
 * The server of a scripted database, and the source that one process of capture sees.
 *
 * It does what PostgreSQL does and rarely shows: it remembers late how far the slot was confirmed,
 * sends old keepalives after a restart, gives the slot to another connection while the one before
 * still has something to read, and loses the keeper of a snapshot in the middle of a copy.
 */

import type {
  LoadSnapshot,
  OpenOptions,
  OpenSlot,
  Prepared,
  ReplicationStream,
  Source,
} from '../../src/capture/source.ts'
import type { RelationCatalog } from '../../src/capture/tables/tracked-tables.ts'
import { fail } from '../../src/core/errors.ts'
import { lsn as lsnOf, type Lsn } from '../../src/core/lsn.ts'
import type { RunInfo } from '../../src/core/manifest.ts'
import type { WireColumn } from '../../src/core/shape-diff.ts'
import { TEXT } from '../support/tuples.ts'
import type { Counters } from './counters.ts'
import type { Random } from './random.ts'
import type { Life } from './scheduler.ts'
import type { ScriptedDatabase } from './scripted-database.ts'
import { ScriptedSnapshot } from './scripted-snapshot.ts'
import { Connection } from './scripted-stream.ts'
import type { Table } from './scripted-table.ts'

/** Rules of the protocol that the source can be made to break. */
export interface SourceKnockouts {
  /** What a keepalive tells is confirmed. */
  readonly confirmKeepalive?: boolean
  /** A transaction is confirmed once it was received. */
  readonly confirmEarly?: boolean
  /** A load is taken for one that contains the commit at its own LSN. */
  readonly loadLE?: boolean
  /** That a subtransaction was rolled back is not heard. */
  readonly noSubAbort?: boolean
  /** A column has the number of every other that ever had its name. */
  readonly sameNumbers?: boolean
  /** A table that was changed after the snapshot is loaded all the same. */
  readonly anyTable?: boolean
  /** A spool that was full is no reason not to stream again. */
  readonly streamAlways?: boolean
}

interface Slot {
  confirmed: bigint
  /** What the server will know after a restart. */
  persisted: bigint
  connection: Connection | null
}

export interface ServerParts {
  readonly database: ScriptedDatabase
  readonly random: Random
  readonly counters: Counters
  readonly knockouts: SourceKnockouts
  /** Hears what the source is told that it may forget. */
  readonly confirmed: (lsn: bigint) => void
  /** Hears where the slot begins. */
  readonly created: (lsn: bigint) => void
}

const RUN: RunInfo = {
  systemId: '7290000000000000001',
  database: 'shop',
  slot: 'millrace_shop',
  publication: 'millrace_shop',
  load: 'full-load-and-cdc',
  options: { tables: 'a,b,c' },
}

export class Server {
  readonly parts: ServerParts
  isCalm = false
  /** Tables that are in the publication by now. */
  readonly published = new Set<string>()
  /** LSNs of all snapshots. */
  readonly snapshots = new Set<bigint>()
  /** From 14 on. */
  readonly #canStream: boolean
  #slot: Slot | null = null

  constructor(parts: ServerParts) {
    this.parts = parts
    this.#canStream = parts.random.chance(0.7)
  }

  streams(mayStream: boolean): boolean {
    return this.#canStream && (mayStream || (this.parts.knockouts.streamAlways ?? false))
  }

  get confirmed(): bigint {
    return this.#slot?.confirmed ?? 0n
  }

  /** It was restarted, or the network was: the slot is where it was persisted. */
  restart(): void {
    const slot = this.#slot
    if (slot === null) return
    this.parts.counters.add('serverRestart')
    slot.connection?.break()
    slot.confirmed = slot.persisted
  }

  /** True if the slot was made just now. */
  createSlot(mayCreate: boolean): boolean {
    if (this.#slot !== null) return false
    if (!mayCreate) fail('SLOT_LOST', 'there is no slot, and the lake goes on from it')
    const { position } = this.parts.database
    this.#slot = { confirmed: position, persisted: position, connection: null }
    this.parts.created(position)
    return true
  }

  /** What the catalogs know of columns that had these names once. */
  columns(table: Table | null, names: readonly string[]): WireColumn[] {
    if (table === null) return names.map((name) => ({ name, type: TEXT }))
    if (!this.parts.knockouts.sameNumbers) return table.describe(names)
    return names.map((name) => ({ name, type: TEXT, attnum: table.firstNumberOf(name) }))
  }

  connect(isStreaming: boolean): Connection {
    const { random, counters } = this.parts
    const slot = this.#slot!
    if (slot.connection?.isAlive) {
      if (!this.isCalm && random.chance(0.4)) fail('SLOT_IN_USE', 'somebody reads the slot')
      counters.add('takenOver')
      slot.connection.break()
    }
    slot.connection = new Connection(this, slot.confirmed, isStreaming)
    return slot.connection
  }

  confirm(from: Connection, lsn: bigint): void {
    this.parts.confirmed(lsn)
    const slot = this.#slot!
    if (!from.isAlive) return
    if (lsn > slot.confirmed) slot.confirmed = lsn
    if (this.parts.random.chance(0.3)) slot.persisted = slot.confirmed
  }
}

export class ScriptedSource implements Source {
  readonly catalog: RelationCatalog
  readonly #server: Server
  readonly #life: Life

  constructor(server: Server, life: Life) {
    this.#server = server
    this.#life = life
    this.catalog = {
      describe: (relation) =>
        life.gate(`describe ${relation.name}`, () => {
          this.#mayBreak()
          const table = server.parts.database.tableOf(relation.oid)
          const names = relation.columns.map(({ name }) => name)
          const columns = server.columns(table, names)
          const { missing = [], computed = [] } = table ?? {}
          return { columns, key: ['id'], missing: new Map(missing), computed: new Set(computed) }
        }),
    }
  }

  prepare(): Promise<Prepared> {
    return this.#life.gate('prepare', () => {
      const { database } = this.#server.parts
      const all = [...database.tables.values()]
      const tables = all
        .filter(({ name }) => this.#server.published.has(name))
        .map(({ name, oid }) => ({
          oid,
          name: { namespace: 'app', name },
          estimatedRows: 5,
          estimatedBytes: 100,
        }))
      return { run: RUN, tables, lsn: lsnOf(database.position) }
    })
  }

  async open({ mayCreate, mayStream }: OpenOptions): Promise<OpenSlot> {
    const server = this.#server
    const isStreaming = server.streams(mayStream)
    const snapshot = await this.#life.gate('create slot', () => {
      this.#mayBreak()
      return server.createSlot(mayCreate) ? this.#snapshot() : null
    })
    const { connection, confirmed } = await this.#life.gate('connect', () => {
      this.#mayBreak()
      return { connection: server.connect(isStreaming), confirmed: server.confirmed }
    })
    // A server notices at once that a client has died, or when the next one comes.
    if (server.parts.random.chance(0.5)) this.#life.onDeath(() => connection.break())
    return {
      timeline: 1,
      confirmed: lsnOf(confirmed),
      snapshot,
      stream: this.#stream(connection),
      isStreaming,
      [Symbol.asyncDispose]: () => {
        connection.break()
        return Promise.resolve()
      },
    }
  }

  snapshot(): Promise<LoadSnapshot> {
    return this.#life.gate('snapshot', () => {
      this.#mayBreak()
      return this.#snapshot()
    })
  }

  #stream(connection: Connection): ReplicationStream {
    return {
      next: () =>
        this.#life.gate(
          'stream',
          () => connection.next(),
          () => connection.isIdle,
        ),
      confirm: (lsn: Lsn) => {
        if (this.#life.isAlive) this.#server.confirm(connection, lsn)
      },
      askForKeepalive: () => {},
    }
  }

  #snapshot(): ScriptedSnapshot {
    this.#server.snapshots.add(this.#server.parts.database.position)
    return new ScriptedSnapshot(this.#server, this.#life)
  }

  #mayBreak(): void {
    const { random, counters } = this.#server.parts
    if (this.#server.isCalm || !random.chance(0.01)) return
    counters.add('brokenConnection')
    fail('CONNECTION_LOST', 'the server does not answer')
  }
}
