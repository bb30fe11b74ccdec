/**
 * Connections to a PostgreSQL server.
 *
 * TLS is verified unless the host is this machine or the url asks for less (`address.ts`). Every
 * connection fixes the settings on which the text of values depends, so that a value reads the same
 * in a load, in the stream and in a comparison, whatever the server's defaults are (`session.ts`).
 */

import { EventEmitter } from 'node:events'
import { Socket, type SocketConstructorOpts } from 'node:net'
import type { DuplexOptions } from 'node:stream'

import pg from 'pg'

import { CodedError, hasCode } from '../core/errors.ts'
import { parseAddress, placeOf, regionOf, type Address } from './address.ts'
import type { MakePassword } from './rds-iam.ts'
import { SESSION } from './session.ts'
import { fromPostgres } from './sqlstate.ts'
import { tlsOptions } from './tls.ts'

/** A server, and how to log in there. */
export interface Server {
  /**
   * A function is asked for every connection, and once more if the login is refused, since a password
   * may have been changed since it was read.
   */
  readonly url: string | (() => Promise<string>)
  /** Makes a password for each connection, in place of that of the url. */
  readonly password?: MakePassword
  /** Makes a user and a password for each connection, where neither is known before. */
  readonly login?: MakeLogin
}

export type MakeLogin = (
  address: Address,
) => Promise<{ readonly user: string; readonly password: string }>

export interface ConnectOptions extends Server {
  /** Shown in pg_stat_activity: `millrace shop: loads`. */
  readonly applicationName: string
  /** Speak the replication protocol, on the database of the url. */
  readonly isReplication?: boolean
  /** For a server that is not PostgreSQL: statements that a connection begins with. */
  readonly session?: readonly string[]
  /** Where the url names none. */
  readonly defaultPort?: number
  /**
   * A query without an answer for so long fails with CONNECTION_LOST: a server that is gone without a
   * word is noticed before TCP gives up. For short queries; a COPY is none.
   */
  readonly answerWithinMs?: number
}

const CONNECT_TIMEOUT_MS = 15_000

export async function connect(options: ConnectOptions): Promise<pg.Client> {
  const url = await urlOf(options)
  try {
    return await connectTo(url, options)
  } catch (error) {
    if (!hasCode(error, 'LOGIN_FAILED')) throw error
    const now = await urlOf(options)
    if (now === url) throw error
    return connectTo(now, options)
  }
}

/** Runs `use` with a connection of its own and closes it whatever happens. */
export async function withConnection<T>(
  options: ConnectOptions,
  use: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = await connect(options)
  try {
    return await use(client)
  } catch (error) {
    throw fromPostgres(error)
  } finally {
    await client.end().catch(() => {})
  }
}

async function urlOf({ url }: ConnectOptions): Promise<string> {
  return typeof url === 'string' ? url : url()
}

async function connectTo(url: string, options: ConnectOptions): Promise<pg.Client> {
  const address = parseAddress(url, process.env, options.defaultPort)
  const password = (await options.password?.(address)) ?? address.password
  const login = await options.login?.(address)
  const client = new pg.Client(clientConfig({ ...address, password, ...login }, options))
  // Without a listener, a connection that breaks while idle would end the process.
  client.on('error', () => {})
  // What TLS refuses does not close the socket, and the driver would wait for that when it ends.
  client.connection.on('error', () => client.connection.stream.destroy())
  if (options.session !== undefined) tellOfUnknownMessages(client)
  try {
    await client.connect()
    for (const sql of options.session ?? [SESSION]) await client.query(sql)
  } catch (error) {
    await client.end().catch(() => {})
    throw atServer(error, address)
  }
  return client
}

/**
 * A message that the driver's parser does not know, such as a way to log in that only Redshift has, it
 * throws out of an event, where nobody could catch it and the process would end.
 */
function tellOfUnknownMessages({ connection }: pg.Client): void {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- its types leave the method out
  const parser = connection as unknown as { attachListeners(stream: EventEmitter): void }
  const attach = parser.attachListeners.bind(parser)
  parser.attachListeners = (stream) => {
    const guarded = new EventEmitter()
    attach(guarded)
    stream.on('data', (bytes: Buffer) => {
      try {
        guarded.emit('data', bytes)
      } catch (error) {
        connection.emit('error', error)
      }
    })
  }
}

/** A socket that is paused shall not read on to fill a buffer of its own: see `copy-stream.ts`. */
const SOCKET: SocketConstructorOpts & DuplexOptions = { readableHighWaterMark: 1 }

type ClientConfig = pg.ClientConfig & { replication?: 'database' }

function clientConfig(address: Address, options: ConnectOptions): ClientConfig {
  return {
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password,
    database: address.database,
    options: address.options,
    ssl: tlsOptions(address.tls),
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    stream: () => new Socket(SOCKET),
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...(options.isReplication && { replication: 'database' }),
    ...(options.answerWithinMs && { query_timeout: options.answerWithinMs }),
  }
}

/** Certificates of RDS are signed by an authority of its own. */
const RDS_HINT =
  'download https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem and add sslrootcert=<file> to the url'

const REDSHIFT_HINT =
  'download https://s3.amazonaws.com/redshift-downloads/amazon-trust-ca-bundle.crt and add sslrootcert=<file> to the url'
const REDSHIFT = /\.redshift(-serverless)?\.amazonaws\.com(\.cn)?$/i

function rootHint(host: string): string | undefined {
  if (regionOf(host) !== null) return RDS_HINT
  return REDSHIFT.test(host) ? REDSHIFT_HINT : undefined
}

/** Says which server it was: the driver's own messages do not. */
function atServer(error: unknown, { host, port, tls }: Address): unknown {
  const known = fromPostgres(error)
  if (!(known instanceof CodedError)) return known
  const lacksRoot = known.code === 'TLS_FAILED' && tls.rootCert === undefined
  const hint = (lacksRoot ? rootHint(host) : undefined) ?? known.hint
  const place = placeOf({ host, port })
  return new CodedError(known.code, `${known.message} (server ${place})`, {
    cause: known,
    details: { ...known.details, host, port },
    ...(hint !== undefined && { hint }),
  })
}
