/** How a connection begins: TLS or not, the startup message, and the password. */

import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket, type SecureContext } from 'node:tls'

import { refuse, SqlError } from './sql-error.ts'
import { Body, server, WireReader } from './wire.ts'

/** `sha256`: users whose password is stored so are asked for in a way that node's driver cannot answer. */
export type AuthKind = 'md5' | 'cleartext' | 'sha256'

export interface LoginOptions {
  /** With it, connections without TLS are refused. */
  readonly tls: SecureContext | null
  readonly auth: AuthKind
  /** Passwords by user; read for every login, as temporary ones change. */
  readonly users: ReadonlyMap<string, string>
  readonly database: string
}

const SSL_REQUEST = 80_877_103
const CANCEL_REQUEST = 80_877_102
const PROTOCOL_3 = 196_608

const KNOWN_PARAMETERS: ReadonlySet<string> = new Set([
  'user',
  'database',
  'application_name',
  'client_encoding',
  'statement_timeout',
])

/** What came: a session that is logged in, or somebody who wants a statement cancelled. */
export type Arrival =
  | {
      readonly type: 'session'
      readonly stream: Duplex
      readonly reader: WireReader
      readonly parameters: ReadonlyMap<string, string>
    }
  | { readonly type: 'cancel'; readonly pid: number; readonly secret: number }

/** `null`: gone, or refused and told so. */
export async function arrive(socket: Socket, options: LoginOptions): Promise<Arrival | null> {
  let stream: Duplex = socket
  let reader = new WireReader(stream)
  for (;;) {
    const bytes = await reader.startup()
    if (bytes === null) return null
    const body = new Body(bytes)
    const code = body.int32()
    if (code === CANCEL_REQUEST) return { type: 'cancel', pid: body.int32(), secret: body.int32() }
    if (code === SSL_REQUEST) {
      socket.write(options.tls === null ? 'N' : 'S')
      if (options.tls === null) continue
      reader.release()
      stream = secured(socket, options.tls)
      reader = new WireReader(stream)
      continue
    }
    try {
      if (code !== PROTOCOL_3) throw fatal('0A000', 'unsupported frontend protocol')
      const parameters = await logIn({ body, stream, reader, isPlain: stream === socket }, options)
      return { type: 'session', stream, reader, parameters }
    } catch (error) {
      stream.end(server.error(error))
      return null
    }
  }
}

function secured(socket: Socket, secureContext: SecureContext): TLSSocket {
  const stream = new TLSSocket(socket, { isServer: true, secureContext })
  stream.on('error', () => stream.destroy())
  return stream
}

interface Connecting {
  readonly body: Body
  readonly stream: Duplex
  readonly reader: WireReader
  readonly isPlain: boolean
}

async function logIn(
  { body, stream, reader, isPlain }: Connecting,
  { tls, auth, users, database }: LoginOptions,
): Promise<Map<string, string>> {
  const parameters = parametersOf(body)
  const user = parameters.get('user') ?? ''
  if (tls !== null && isPlain) {
    throw fatal('28000', `no pg_hba.conf entry for host "::1", user "${user}", SSL off`)
  }
  const password = users.get(user)
  const salt = randomBytes(4)
  if (auth === 'sha256') stream.write(server.authentication(13, Buffer.alloc(40)))
  else stream.write(auth === 'md5' ? server.authentication(5, salt) : server.authentication(3))
  const answer = await reader.message()
  const given = answer?.type === 'p' ? new Body(answer.body).text() : null
  const isRight =
    password !== undefined &&
    given === (auth === 'md5' ? md5Answer({ user, password }, salt) : password) &&
    auth !== 'sha256'
  if (!isRight) throw fatal('28000', `password authentication failed for user "${user}"`)
  const wanted = parameters.get('database') ?? user
  if (wanted !== database) throw fatal('3D000', `database "${wanted}" does not exist`)
  return parameters
}

function parametersOf(body: Body): Map<string, string> {
  const parameters = new Map<string, string>()
  for (let name = body.text(); name !== ''; name = body.text()) {
    const value = body.text()
    if (!KNOWN_PARAMETERS.has(name)) {
      throw fatal('42704', `unrecognized configuration parameter "${name}"`)
    }
    parameters.set(name, value)
  }
  const encoding = parameters
    .get('client_encoding')
    ?.replaceAll(/[^a-z\d]/gi, '')
    .toLowerCase()
  if (encoding !== undefined && encoding !== 'utf8' && encoding !== 'unicode') {
    refuse('wire.startup', `client encoding ${encoding} is not known here`)
  }
  return parameters
}

function md5Answer({ user, password }: { user: string; password: string }, salt: Buffer): string {
  const inner = createHash('md5').update(`${password}${user}`).digest('hex')
  return `md5${createHash('md5').update(inner).update(salt).digest('hex')}`
}

function fatal(code: string, message: string): SqlError {
  return new SqlError(message, { code, severity: 'FATAL' })
}
