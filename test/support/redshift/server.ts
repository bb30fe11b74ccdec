/**
 * A server in the shape of Amazon Redshift, for tests.
 *
 *   await using redshift = await startRedshift({ store })
 *   new pg.Client(redshift.url)
 *
 * It speaks PostgreSQL's protocol, keeps its data in a PostgreSQL behind it, and reads what COPY loads
 * from an object store that plays the bucket: `redshift.bucket` is the url of its root. It knows the
 * SQL that Millrace sends and little more, and refuses all else. What it does and how we know is
 * listed in `behaviours.ts`; it proves nothing about the real thing, which only the conformance
 * suite on a real cluster can.
 *
 *   client ──wire──► login, connection ──► session ──► lexer, parse ──► PostgreSQL
 *                                            └── COPY ──► store
 */

import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createSecureContext } from 'node:tls'

import type { ObjectStore } from '../../../src/core/object-store.ts'
import { Backend } from './backend.ts'
import { Connection } from './connection.ts'
import { Faults } from './faults.ts'
import type { Token } from './lexer.ts'
import { arrive, type Arrival, type AuthKind, type LoginOptions } from './login.ts'
import type { LogEntry } from './result.ts'
import { Session } from './session.ts'
import type { Isolation } from './sql-error.ts'
import { literal } from './tokens.ts'
import { server as say } from './wire.ts'

export interface RedshiftOptions {
  /** What stands in the bucket. */
  readonly store: ObjectStore
  /** The url of the store's root; `s3://millrace-test/` if left out. */
  readonly bucket?: string
  /** PEM. With it, connections without TLS are refused. */
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly auth?: AuthKind
  /** `snapshot` if left out, as on new clusters. */
  readonly isolation?: Isolation
  /** The opt-in to large strings in SUPER, as the cluster tells it. */
  readonly hasLargeStrings?: boolean
  /** Of the PostgreSQL to stand behind it; left out, an embedded one. */
  readonly postgresUrl?: string
}

export interface RedshiftServer extends AsyncDisposable {
  /** Of a user who may do everything. */
  readonly url: string
  readonly port: number
  readonly bucket: string
  readonly faults: Faults
  /** Every statement that came, in order, for golden files. */
  readonly log: readonly LogEntry[]
  /** Passwords by user; may be changed, as temporary credentials are. */
  readonly users: Map<string, string>
  /** Ends all connections, as a restart of the cluster does. */
  disconnectAll(): void
}

const USER = 'millrace'

export async function startRedshift(options: RedshiftOptions): Promise<RedshiftServer> {
  const { bucket: root = 's3://millrace-test/', isolation = 'snapshot', tls } = options
  const bucket = root.endsWith('/') ? root : `${root}/`
  const database = `redshift_${randomBytes(6).toString('hex')}`
  const backend = await Backend.open(database, {
    isolation,
    hasLargeStrings: options.hasLargeStrings ?? false,
    ...(options.postgresUrl === undefined ? {} : { url: options.postgresUrl }),
  })
  const password = randomBytes(9).toString('hex')
  const users = new Map([[USER, password]])
  const place = new Place(backend, {
    bucket: { url: bucket, store: options.store },
    faults: new Faults(isolation),
    login: {
      tls: tls ? createSecureContext({ cert: tls.cert, key: tls.key }) : null,
      auth: options.auth ?? 'md5',
      users,
      database,
    },
  })
  const port = await place.listen()
  return {
    url: `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`,
    port,
    bucket,
    faults: place.faults,
    log: place.log,
    users,
    disconnectAll: () => place.disconnectAll(),
    async [Symbol.asyncDispose]() {
      await place.close()
      await backend[Symbol.asyncDispose]()
    },
  }
}

interface PlaceOptions {
  readonly bucket: { readonly url: string; readonly store: ObjectStore }
  readonly faults: Faults
  readonly login: LoginOptions
}

class Place {
  readonly faults: Faults
  readonly log: LogEntry[] = []
  readonly #backend: Backend
  readonly #options: PlaceOptions
  readonly #server: Server
  readonly #views = new Map<string, readonly Token[]>()
  readonly #sockets = new Set<Socket>()
  readonly #serving = new Set<Promise<unknown>>()
  /** The backend's processes, by the secrets of their sessions. */
  readonly #pids = new Map<number, number>()
  #sessions = 0

  constructor(backend: Backend, options: PlaceOptions) {
    this.#backend = backend
    this.#options = options
    this.faults = options.faults
    this.#server = createServer((socket) => {
      // What ends a session without an answer, such as a backend that is gone, is no failure of others.
      const serving = this.#serve(socket)
        .catch(() => socket.destroy())
        .finally(() => this.#serving.delete(serving))
      this.#serving.add(serving)
    })
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  disconnectAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.#server.close()
    this.disconnectAll()
    // A statement under way may wait for a lock of another session.
    for (const pid of this.#pids.values()) await this.#backend.cancel(pid)
    await Promise.all(this.#serving)
  }

  async #serve(socket: Socket): Promise<void> {
    this.#sockets.add(socket)
    // Answers are many small pieces.
    socket.setNoDelay(true)
    socket.on('error', () => socket.destroy())
    try {
      const arrival = await arrive(socket, this.#options.login)
      if (arrival?.type === 'cancel') await this.#cancel(arrival)
      if (arrival?.type === 'session') await this.#session(arrival)
    } finally {
      this.#sockets.delete(socket)
      socket.destroySoon()
    }
  }

  async #cancel({ secret }: Extract<Arrival, { type: 'cancel' }>): Promise<void> {
    const pid = this.#pids.get(secret)
    if (pid !== undefined) await this.#backend.cancel(pid)
  }

  async #session({
    stream,
    reader,
    parameters,
  }: Extract<Arrival, { type: 'session' }>): Promise<void> {
    const client = await this.#backend.session()
    const secret = randomInt(2 ** 31)
    try {
      const timeout = parameters.get('statement_timeout')
      if (timeout !== undefined) await client.query(`SET statement_timeout TO ${literal(timeout)}`)
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
      this.#pids.set(secret, rows[0]!.pid)
      const session = new Session({
        id: ++this.#sessions,
        client,
        backend: this.#backend,
        bucket: this.#options.bucket,
        faults: this.faults,
        log: this.log,
        views: this.#views,
      })
      stream.write(greeting(rows[0]!.pid, secret))
      await new Connection(stream, reader, session).serve()
      stream.end()
    } finally {
      this.#pids.delete(secret)
      await client.end()
    }
  }
}

function greeting(pid: number, secret: number): Buffer {
  return Buffer.concat([
    say.authentication(0),
    say.parameter('server_version', '8.0.2'),
    say.parameter('server_encoding', 'UNICODE'),
    say.parameter('client_encoding', 'UNICODE'),
    say.parameter('DateStyle', 'ISO, MDY'),
    say.parameter('TimeZone', 'UTC'),
    say.parameter('integer_datetimes', 'on'),
    say.key(pid, secret),
  ])
}
