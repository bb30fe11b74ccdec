/**
 * Connections to a PostgreSQL server.
 *
 * TLS is verified unless the host is this machine or the url asks for less. Every connection fixes
 * the settings on which the text of values depends, so that a value reads the same in a load, in the
 * stream and in a comparison, whatever the server's defaults are.
 */

import pg from 'pg'
import { parse } from 'pg-connection-string'

import { CodedError } from '../core/errors.ts'
import { fromPostgres } from './sqlstate.ts'

export interface ConnectOptions {
  readonly url: string
  /** Shown in pg_stat_activity: `millrace shop: loads`. */
  readonly applicationName: string
  /** Speak the replication protocol, on the database of the url. */
  readonly isReplication?: boolean
}

/** The text form of every type, fixed: https://www.postgresql.org/docs/current/runtime-config-client.html */
const TEXT_FORM = [
  "SET DateStyle = 'ISO, MDY'",
  "SET IntervalStyle = 'postgres'",
  "SET TimeZone = 'UTC'",
  'SET extra_float_digits = 3',
  "SET bytea_output = 'hex'",
  "SET client_encoding = 'UTF8'",
].join('; ')

const CONNECT_TIMEOUT_MS = 15_000
const LOCAL_HOSTS: ReadonlySet<string> = new Set(['', 'localhost', '127.0.0.1', '::1'])

export async function connect(options: ConnectOptions): Promise<pg.Client> {
  const client = new pg.Client(clientConfig(options))
  // Without a listener, a connection that breaks while idle would end the process.
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query(TEXT_FORM)
  } catch (error) {
    await client.end().catch(() => {})
    throw atServer(error, client)
  }
  return client
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

export function isLocalHost(host: string): boolean {
  return LOCAL_HOSTS.has(host) || host.startsWith('/')
}

type ClientConfig = pg.ClientConfig & { replication?: 'database' }

function clientConfig({ url, applicationName, isReplication }: ConnectOptions): ClientConfig {
  const { host } = parse(url)
  const asksForTls = /[?&](sslmode|ssl)=/.test(url)
  return {
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    ...(!asksForTls && !isLocalHost(host ?? '') && { ssl: { rejectUnauthorized: true } }),
    ...(isReplication && { replication: 'database' }),
  }
}

/** Says which server it was: the driver's own messages do not. */
function atServer(error: unknown, { host, port }: pg.Client): unknown {
  const known = fromPostgres(error)
  if (!(known instanceof CodedError)) return known
  return new CodedError(known.code, `${known.message} (server ${host}:${port})`, {
    cause: known,
    details: { ...known.details, host, port },
  })
}
