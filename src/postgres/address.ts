/**
 * Where a server is and how to log in there, out of a url and what the environment adds.
 *
 *   postgres://user:password@db.example:5433/shop?sslmode=verify-full&sslrootcert=/etc/ca.pem
 *   postgres:///shop?host=/var/run/postgresql
 *
 * What a url leaves out comes from the variables that libpq knows, PGHOST, PGUSER and so on. Where
 * the two differ from libpq it is on the safe side: TLS is verified unless the host is this machine,
 * with `sslmode=require` too.
 *
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 * https://www.postgresql.org/docs/current/libpq-envars.html
 */

import { fail } from '../core/errors.ts'

export interface Address {
  /** A name, an IP address, or the folder of a Unix socket. */
  readonly host: string
  readonly port: number
  /** Left out, it is the user of the operating system. */
  readonly user: string | undefined
  readonly password: string | undefined
  /** Left out, it is named as the user. */
  readonly database: string | undefined
  readonly tls: TlsWish
  /** Command line options for the server's session. */
  readonly options: string | undefined
}

/** `ca`: the certificate has to be signed by `rootCert`. `full`: it has to be for the host, too. */
export type TlsMode = 'off' | 'unverified' | 'ca' | 'full'

export interface TlsWish {
  readonly mode: TlsMode
  /** Paths of PEM files. */
  readonly rootCert: string | undefined
  readonly cert: string | undefined
  readonly key: string | undefined
  readonly keyPassword: string | undefined
}

type Variables = Readonly<Record<string, string | undefined>>

const DEFAULT_PORT = 5432
const LOCAL_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '::1'])

/** Fails with CONFIG_INVALID, and never repeats the url, which holds a password. */
export function parseAddress(url: string, env: Variables, defaultPort = DEFAULT_PORT): Address {
  const parsed = urlOf(url)
  const parameters = parsed.searchParams
  const get = (name: string, part: string, variable: string): string | undefined =>
    (parameters.get(name) ?? part) || env[variable] || undefined
  const host = get('host', hostOf(parsed), 'PGHOST') ?? 'localhost'
  const port = Number(get('port', parsed.port, 'PGPORT') ?? defaultPort)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) refuse('the port is no number')
  return {
    host,
    port,
    user: get('user', decoded(parsed.username), 'PGUSER'),
    password: get('password', decoded(parsed.password), 'PGPASSWORD'),
    database: get('dbname', decoded(parsed.pathname.slice(1)), 'PGDATABASE'),
    tls: tlsOf(host, parameters, env),
    options: get('options', '', 'PGOPTIONS'),
  }
}

export function isLocalHost(host: string): boolean {
  return LOCAL_HOSTS.has(host) || isSocket(host)
}

/** `shop on db.example:5432`, without user and password. */
export function describeAddress({ host, port, user, database }: Address): string {
  return `${database ?? user ?? 'postgres'} on ${placeOf({ host, port })}`
}

export function placeOf({ host, port }: Pick<Address, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

const RDS = /\.([a-z]{2}[a-z0-9-]*-\d)\.rds\.amazonaws\.com(\.cn)?$/i

/** The region of an RDS or Aurora server; `null` if the host is not named as those are. */
export function regionOf(host: string): string | null {
  return RDS.exec(host)?.[1] ?? null
}

function isSocket(host: string): boolean {
  return host.startsWith('/')
}

/** No host after a user is allowed here, but not by the standard of urls. */
const NO_HOST = /^([a-z]+:\/\/[^/?#]*@)(?=$|[:/?#])/i
const NOBODY = 'no-host.invalid'

function urlOf(url: string): URL {
  const complete = url.replace(NO_HOST, `$1${NOBODY}`)
  if (!/^postgres(ql)?:\/\//i.test(url)) refuse('it does not begin with postgres://')
  return URL.canParse(complete) ? new URL(complete) : refuse('it is not valid')
}

function hostOf({ hostname }: URL): string {
  return hostname === NOBODY ? '' : decoded(hostname).replace(/^\[(.*)\]$/, '$1')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return refuse('a % in it is not followed by two hexadecimal digits')
  }
}

function refuse(why: string): never {
  return fail('CONFIG_INVALID', `the url of the database cannot be used: ${why}`)
}

function tlsOf(host: string, parameters: URLSearchParams, env: Variables): TlsWish {
  const get = (name: string, variable: string): string | undefined =>
    parameters.get(name) || env[variable] || undefined
  const rootCert = get('sslrootcert', 'PGSSLROOTCERT')
  const files = {
    rootCert: rootCert === 'system' ? undefined : rootCert,
    cert: get('sslcert', 'PGSSLCERT'),
    key: get('sslkey', 'PGSSLKEY'),
    keyPassword: parameters.get('sslpassword') ?? undefined,
  }
  const wanted = parameters.get('sslmode') ?? fromFlag(parameters) ?? env['PGSSLMODE']
  const needsTls = rootCert !== undefined || files.cert !== undefined
  // libpq, too, has no TLS on a socket of the file system, whatever is wanted.
  const mode = isSocket(host) ? 'off' : modeOf(wanted || undefined, { host, needsTls, ...files })
  return { mode, ...files }
}

/** `ssl=true`, as other drivers have it. */
function fromFlag(parameters: URLSearchParams): string | undefined {
  const flag = parameters.get('ssl')
  if (flag === null) return undefined
  if (flag === 'true' || flag === '1') return 'require'
  return flag === 'false' || flag === '0' ? 'disable' : flag
}

function modeOf(
  wanted: string | undefined,
  known: { host: string; needsTls: boolean; rootCert: string | undefined },
): TlsMode {
  const isLocal = isLocalHost(known.host)
  switch (wanted) {
    case 'disable':
      return 'off'
    case 'no-verify':
      return 'unverified'
    case 'verify-full':
      return 'full'
    case 'verify-ca':
      // A public authority signs for everybody, so its signature alone says nothing.
      return known.rootCert === undefined ? 'full' : 'ca'
    case 'require':
      return isLocal && !known.needsTls ? 'unverified' : 'full'
    case undefined:
    case 'allow':
    case 'prefer':
      return isLocal && !known.needsTls ? 'off' : 'full'
    default:
      return refuse(`there is no sslmode ${wanted}`)
  }
}
